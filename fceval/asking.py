"""Stage 3 for a whole run: what is asked, of which endpoint, what is known already, and when it stops."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from fceval import __version__, engines
from fceval.budget import Budget, BudgetSettings, Estimate, estimate
from fceval.cases.read import read_cases, read_cases_at, read_turns
from fceval.client.endpoint import Endpoint
from fceval.dialects import load
from fceval.dialogue import Dialogue, next_request, parts
from fceval.engines import Stop, Work
from fceval.errors import LocalError, StoppedByBudget
from fceval.journal import Journal, JournalIndex, ReusableAnswers
from fceval.prices import cost_usd
from fceval.records import Attempt, Key, Request, Response, Usage
from fceval.runs import Run, dialogues_of, open_run

_TICK_S = 1.0
_BEAT_S = 0.05
"""How often it is looked how late the event loop wakes up, in seconds."""
_LOOKED_UP_AT_ONCE = 10_000
"""Cases of which it is known together whether they are answered."""
_REFUSED = 400  # statuses from here on say that no answer was made


class Watch(Protocol):
    """Is told how a run goes on."""

    def started(self, folder: Path, planned: int, known: int) -> None:
        """`planned` responses are wanted in a run's folder, `known` of them are there already."""

    def sending(self) -> None:
        """An attempt goes out."""

    def tried(self, attempt: Attempt) -> None:
        """It came back, or did not."""

    def responded(self, response: Response, cost_usd: float | None = None) -> None:
        """One more response is journalled; what it cost, where that is known."""

    def passed(self) -> None:
        """Some time has passed."""

    def noted(self, text: str) -> None:
        """Something happened that a person should know now."""

    def stopping(self, grace_s: float) -> None:
        """Nothing new is sent; what is in flight has `grace_s` seconds."""


def event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where that is installed (`pip install 'fceval[speed]'`), else asyncio's."""
    try:
        import uvloop  # noqa: PLC0415 -- an extra
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def ask(this: Run, endpoint: Endpoint, journal: Journal, watch: Watch) -> tuple[Stop, bool]:
    """Run the engine over what is not known yet; return how it stopped, and whether a person stopped it."""
    stop = Stop(this.config.grace_s)
    interrupted = _stop_on_signals(stop, watch)
    record = _Record(this, endpoint, journal, watch, stop)
    watch.started(this.folder, int(str(this.manifest["planned_responses"])), journal.index.measured_count)
    late_ms: Counter[int] = Counter()
    clocks = [asyncio.create_task(_pass_time(this, stop, watch)), asyncio.create_task(_watch_lag(late_ms))]
    try:
        with ReusableAnswers([open_run(folder).journal for folder in this.config.reuse]) as reusable:
            work = _work(this, record, reusable, endpoint)
            await engines.load(this.config.engine).run(work, endpoint, record, stop)
    finally:
        for clock in clocks:
            clock.cancel()
        if record.has_sent:
            journal.note_lag(late_ms)
    return stop, bool(interrupted)


async def _pass_time(this: Run, stop: Stop, watch: Watch) -> None:
    """Tell the watch that time passes, and end the run at its deadline."""
    deadline_s = this.config.budget.deadline_s
    begun_at = time.monotonic()
    while True:
        left_s = math.inf if deadline_s is None else begun_at + deadline_s - time.monotonic()
        if left_s <= 0:
            stop.drain(StoppedByBudget(f"deadline: the {deadline_s:g} s of the run are over"))
            return
        await asyncio.sleep(min(_TICK_S, left_s))
        watch.passed()


async def _watch_lag(late_ms: Counter[int]) -> None:
    """Count how late the event loop wakes up: whatever it waits for is noticed as late, the ends of answers too."""
    while True:
        due_at = time.monotonic() + _BEAT_S
        await asyncio.sleep(_BEAT_S)
        late_ms[round((time.monotonic() - due_at) * 1000)] += 1


class _Record:
    """Takes what an engine does: into the journal, off the budget, to who watches."""

    def __init__(self, this: Run, endpoint: Endpoint, journal: Journal, watch: Watch, stop: Stop) -> None:
        self._base_url = endpoint.settings.base_url
        self.journal = journal
        self._watch = watch
        self._stop = stop
        self._writes_soon = False
        prices, default = this.prices, this.config.endpoint.model
        self._prices = {each.name: prices.get(each.model or default) for each in this.config.variants}
        limits = this.config.budget
        self._budget = None if limits == BudgetSettings() else Budget(limits, time.monotonic)
        self._estimates: dict[Key, Estimate] = {}
        self._settled = asyncio.Event()
        self.has_sent = False

    async def admit(self, request: Request) -> None:
        if self._budget is None:
            return
        needed = estimate(request.body, self._prices[request.key.variant])
        while (refusal := self._budget.admit(needed)) is not None:
            if not refusal.may_pass:
                raise StoppedByBudget(refusal.reason)
            self._settled.clear()
            await self._settled.wait()
        self._estimates[request.key] = needed

    def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
        self.has_sent = True
        if begun := [(request.key, request.fingerprint(self._base_url)) for request, nth in attempts if nth == 1]:
            self.journal.begin(begun)
        for _ in attempts:
            self._watch.sending()

    def tried(self, request: Request, attempt: Attempt, usage: Usage) -> None:
        self._watch.tried(attempt)
        if self._budget is None:
            return
        needed = self._estimates.pop(request.key)
        if attempt.failure is not None and (attempt.status or 0) >= _REFUSED:
            self._budget.settle_unbilled(needed)
        else:
            self._budget.settle(needed, usage, cost_usd(usage, self._prices[request.key.variant]))
        self._settled.set()

    def answered(self, response: Response) -> None:
        self.journal.keep(response)
        if not self._writes_soon:  # together with the next request, or with what else came at this moment
            self._writes_soon = True
            asyncio.get_running_loop().call_soon(self._write)
        if response.key.step == 0:  # planned are turns, which may take several steps
            self._watch.responded(response, cost_usd(response.usage, self._prices[response.key.variant]))

    def _write(self) -> None:
        self._writes_soon = False
        try:
            self.journal.flush()
        except LocalError as error:  # the journal keeps what it cannot write now
            self._stop.drain(error)

    def noted(self, text: str) -> None:
        self._watch.noted(text)


def _work(this: Run, record: _Record, reusable: ReusableAnswers, endpoint: Endpoint) -> Work:
    rows = _open_rows(this, record.journal.index)
    cases = read_cases(this.cases) if rows is None else read_cases_at(this.cases, rows)
    for dialogue in dialogues_of(cases, this.config):
        for part in parts(dialogue):
            yield part, _history(part, record, reusable, endpoint)


def _open_rows(this: Run, index: JournalIndex) -> Sequence[int] | None:
    """Return the rows of the cases that are not known to be answered; None where each has to be looked at.

    The run's own cases under the run's own settings make the very same requests, unless another version of fceval
    writes them otherwise. What has several turns or steps is looked at: its later requests hold earlier answers.
    """
    if not len(index) or load(this.config.endpoint.dialect).one_call or this.manifest["fceval_version"] != __version__:
        return None
    asked = [(variant.name, trial) for variant in this.config.variants for trial in range(this.config.trials)]
    rows = array("Q")
    cases = enumerate(read_turns(this.cases), start=1)
    while some := list(islice(cases, _LOOKED_UP_AT_ONCE)):
        keys = [Key(case_id, *each, 0, 0) for _, (case_id, _) in some for each in asked]
        measured = index.have_measured(keys)
        for at, (row, (_, turns)) in enumerate(some):
            if turns > 1 or not all(measured[at * len(asked) : (at + 1) * len(asked)]):
                rows.append(row)
    return rows


def _history(dialogue: Dialogue, record: _Record, reusable: ReusableAnswers, endpoint: Endpoint) -> list[Response]:
    """Return what is known of a dialogue: measured answers to the very requests that would be sent."""
    history: list[Response] = []
    if not len(record.journal.index) and not len(reusable):  # a new run
        return history
    while request := next_request(dialogue, history):
        known = record.journal.index.measured(request.key)
        if known is None and not len(reusable):
            break
        fingerprint = request.fingerprint(endpoint.settings.base_url)
        if known is None or known.fingerprint != fingerprint:
            known = reusable.measured(request.key, fingerprint)
            if known is None:
                break
            record.answered(known)
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
            watch.stopping(stop.grace_s)
            stop.drain()
        seen.append(number)

    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for number in (signal.SIGINT, signal.SIGTERM, *(() if nohup else (signal.SIGHUP,))):
        loop.add_signal_handler(number, note, number)
    return seen
