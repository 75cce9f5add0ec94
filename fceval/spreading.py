"""Work spread over processes: results in the order of the tasks, whoever has made them."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import TypeVar

from fceval.errors import LocalError

Task = TypeVar("Task")
Made = TypeVar("Made")

_AHEAD = 1
"""Tasks a process that wait for it: enough that none is idle, few enough that results do not pile up."""


def spread(function: Callable[[Task], Made], tasks: Iterable[Task], processes: int) -> Iterator[Made]:
    """Yield what a function makes of each task, in the order of the tasks.

    Args:
        function: Pure, and importable by its name, as are tasks and results: processes start afresh, without the
            threads and locks of this one.
        tasks: Taken as they are needed.
        processes: How many work at once; 1: this one alone, without any other.

    Raises:
        LocalError: A process was ended from outside, as happens where memory is short.
    """
    if processes == 1:
        yield from map(function, tasks)
        return
    rest, waiting = iter(tasks), deque[Future[Made]]()
    with _pool(processes) as pool:
        try:
            for task in rest:
                with _interrupts_held_back():  # a process is started by the task that needs it, and inherits this
                    waiting.append(pool.submit(function, task))
                if len(waiting) > (1 + _AHEAD) * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            msg = "a process of fceval was ended from outside (is memory short?): what is there stays, begin again"
            raise LocalError(msg) from error


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, gc.get_threshold())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C goes to all processes of a terminal, but is for this one to answer."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(*collect_after: int) -> None:
    """Begin a process: it collects garbage as its parent does, and ends with it, else it would wait for ever."""
    gc.set_threshold(*collect_after)

    def watch() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
