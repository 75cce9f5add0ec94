"""How a run goes on: a live line on a terminal, one line every 30 seconds elsewhere; stderr only."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fceval.cli import streams

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from fceval.records import Attempt, Response

HEARTBEAT_S = 30.0
"""Time between two lines where stderr is no terminal, in seconds."""
_REDRAW_S = 0.1
_TOO_MANY = 429


class Progress:
    """Shows how a run goes on; use as a context manager and hand it to `pipeline.run`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._planned = self._done = self._known = self._in_flight = self._limited = 0
        self._cost_usd: float | None = None
        self._failures: Counter[str] = Counter()
        self._begun_at = self._told_at = time.monotonic()
        self._bar: Bar | None = None
        self._line: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._redraw()
            self._bar.stop()
        elif self._done and not self._quiet:
            streams.note(self._text())

    def started(self, folder: Path, planned: int, known: int) -> None:
        """Begin to show a run of `planned` responses, of which `known` are in its folder already."""
        self._planned, self._done, self._known = planned, known, known
        self._begun_at = self._told_at = time.monotonic()
        if self._quiet:
            return
        there = f", {known} of them answered already" if known else ""
        streams.note(f"{folder}: {planned} responses to get{there}")
        if sys.stderr.isatty():
            self._bar = _bar()
            self._line = self._bar.add_task("", total=planned, completed=known, counts="")
            self._bar.start()

    def sending(self) -> None:
        """Count an attempt that goes out."""
        self._in_flight += 1

    def tried(self, attempt: Attempt) -> None:
        """Count an attempt that came back, however it did."""
        self._in_flight -= 1
        self._limited += attempt.status == _TOO_MANY

    def responded(self, response: Response, cost_usd: float | None = None) -> None:
        """Count a response; shows it at once or later, as there is time."""
        self._done += 1
        if response.failure is not None:
            self._failures[response.failure] += 1
        if cost_usd is not None:
            self._cost_usd = (self._cost_usd or 0.0) + cost_usd
        self.passed()

    def passed(self) -> None:
        """Show where things stand, where enough time has passed since that was shown."""
        now = time.monotonic()
        if now - self._told_at < (_REDRAW_S if self._bar else HEARTBEAT_S) or self._quiet:
            return
        self._told_at = now
        if self._bar is not None:
            self._redraw()
        else:
            streams.note(self._text())

    def noted(self, text: str) -> None:
        """Say what a person should know now."""
        if not self._quiet:
            streams.note(text)

    def stopping(self, grace_s: float) -> None:
        """Say that what is in flight may finish."""
        streams.note(f"stopping: waiting up to {grace_s:g} s for what is in flight; again to stop now")

    def _redraw(self) -> None:
        if self._bar is not None and self._line is not None:
            self._bar.update(self._line, completed=self._done, counts=self._counts(), refresh=True)

    def _counts(self) -> str:
        """Return the rate, what is in flight and what went wrong, the commonest first."""
        elapsed_s = max(time.monotonic() - self._begun_at, 1e-9)
        said = [f"{(self._done - self._known) / elapsed_s:.3g}/s"]
        if self._in_flight:
            said.append(f"{self._in_flight} in flight")
        said += [f"{number} {failure}" for failure, number in self._failures.most_common()]
        if self._limited:
            said.append(f"{self._limited} times 429")
        if self._cost_usd is not None:
            said.append(f"${self._cost_usd:.4g}")
        return ", ".join(said)

    def _text(self) -> str:
        return f"{self._done} of {self._planned} responses, {self._counts()}"


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("asking"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
    )
