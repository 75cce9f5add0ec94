"""Work spread over real processes: order, errors, and that none of them outlives its parent."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from fceval.errors import LocalError
from fceval.spreading import spread

SLEEPER = """
import sys, time
from fceval.spreading import spread
for number in spread(time.sleep, [0.01, *([0.3] * 200)], 2):
    print("made", flush=True)
"""
ENDS_WITHIN_S = 20.0


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_tasks(processes: int) -> None:
    """Whoever makes them."""
    assert list(spread(math.factorial, range(30), processes)) == [math.factorial(number) for number in range(30)]


def test_error_comes_through() -> None:
    """As the one that it is, where its task's result would have come."""
    results = spread(math.factorial, [3, -1, 4], 2)
    assert next(results) == 6
    with pytest.raises(ValueError, match="negative"):
        next(results)


def test_process_that_is_ended_from_outside_is_told() -> None:
    """As where the system ends it for its memory."""
    with pytest.raises(LocalError, match="ended from outside"):
        list(spread(os._exit, [1], 2))


@pytest.mark.parametrize(("send", "number"), [(os.killpg, signal.SIGINT), (os.kill, signal.SIGKILL)])
def test_no_process_outlives_its_parent(send: Callable[[int, int], None], number: signal.Signals) -> None:
    """Ctrl-C, which a terminal sends to all of them, is answered by the parent alone; nor does its end leave one."""
    command = [sys.executable, "-c", SLEEPER]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "made\n"
    send(parent.pid, number)
    _, said = parent.communicate(timeout=ENDS_WITHIN_S)
    assert parent.returncode in {-signal.SIGINT, -signal.SIGKILL}
    assert said.count("Traceback") == (number == signal.SIGINT)
    until = time.monotonic() + ENDS_WITHIN_S
    while is_there(parent.pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def is_there(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
