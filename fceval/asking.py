"""Stage 3 for a whole run: what is asked, of which endpoint, what is known already, and when it stops."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from fceval import endpoints, engines
from fceval.client.endpoint import Endpoint, Secret, check_base_url, embedded_name, key_from_environment
from fceval.dialogue import Dialogue, next_request
from fceval.engines import GRACE_S, Stop
from fceval.errors import ConfigError
from fceval.journal import Journal, JournalIndex
from fceval.records import Response
from fceval.runs import Run, dialogues

_OTHER_FILES = 64
"""What a run has open beside its connections, and to spare."""


class Watch(Protocol):
    """Is told how a run goes on."""

    def started(self, folder: Path, planned: int, known: int) -> None:
        """`planned` responses are wanted in a run's folder, `known` of them are there already."""

    def responded(self, response: Response) -> None:
        """One more response is journalled."""

    def stopping(self, grace_s: float) -> None:
        """Nothing new is sent; what is in flight has `grace_s` seconds."""


@contextmanager
def reached(this: Run) -> Iterator[Endpoint]:
    """Yield the endpoint, started for the run where it is one of our own.

    Raises:
        ConfigError: Neither this process nor one it starts may open as many connections; or see `endpoints.embedded`.
    """
    settings = this.config.endpoint
    _allow_connections(settings.concurrency)
    embedded = embedded_name(settings.base_url)
    if embedded is None:
        yield Endpoint(settings, check_base_url(settings.base_url), key_from_environment(settings.api_key_env))
        return
    with endpoints.embedded(embedded, settings.options, dataset=this.cases) as address:
        yield Endpoint(settings, address.base_url, Secret(address.api_key))


def _allow_connections(connections: int) -> None:
    """Raise this process's own limit of open files, where it must be and may be raised."""
    wanted = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        most = max(1, hard - _OTHER_FILES)
        msg = f"endpoint.concurrency: {connections}, but this process may open {hard} files (ulimit -n): at most {most}"
        raise ConfigError(msg)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def ask(this: Run, endpoint: Endpoint, journal: Journal, watch: Watch) -> tuple[Stop, bool]:
    """Run the engine over what is not known yet; return how it stopped, and whether a person stopped it."""
    stop = Stop()
    interrupted = _stop_on_signals(stop, watch)

    def emit(response: Response) -> None:
        journal.append(response)
        watch.responded(response)

    watch.started(this.folder, int(str(this.manifest["planned_responses"])), journal.index.measured_count)
    work = ((dialogue, _history(dialogue, journal.index, endpoint)) for dialogue in dialogues(this))
    await engines.load(this.config.engine).run(work, endpoint, emit, stop)
    return stop, bool(interrupted)


def _history(dialogue: Dialogue, index: JournalIndex, endpoint: Endpoint) -> list[Response]:
    """Return what is known of a dialogue: measured answers to the very requests that would be sent."""
    history: list[Response] = []
    while request := next_request(dialogue, history):
        known = index.measured(request.key)
        if known is None or known.fingerprint != request.fingerprint(endpoint.settings.base_url):
            break
        history.append(known)
    return history


def _stop_on_signals(stop: Stop, watch: Watch) -> list[signal.Signals]:
    """Let the first signal drain and the second one stop at once; return the list that they are noted in."""
    seen: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def note(number: signal.Signals) -> None:
        if seen:
            stop.now()
        else:
            watch.stopping(GRACE_S)
            stop.drain()
        seen.append(number)

    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for number in (signal.SIGINT, signal.SIGTERM, *(() if nohup else (signal.SIGHUP,))):
        loop.add_signal_handler(number, note, number)
    return seen
