"""What the user or the machine got wrong, and how a command says so to its caller.

::

    FcevalError
    ├── ConfigError      a setting, flag or file name            exit 2, nothing sent
    ├── DatasetError     a row of a dataset or predictions file  exit 2, nothing sent
    ├── EndpointError    authentication, quota, wrong URL        exit 4
    ├── LocalError       disk full, run locked, damaged journal  exit 5
    ├── EndpointDown     fails every time, for now               exit 3
    ├── StoppedByBudget  all that was allowed is spent           exit 6
    └── Inconclusive     not enough was measured                 exit 3

What the *model* gets wrong is no exception but an outcome, and what the *endpoint* gets wrong is a failure of an
attempt: both are rows. Anything that is not an `FcevalError` is a bug of ours (exit 70).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What a process that started fceval can act on."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    ENDPOINT_REFUSED = 4
    LOCAL_IO = 5
    STOPPED_BY_BUDGET = 6
    BUG = 70
    INTERRUPTED = 130


class FcevalError(Exception):
    """Something that a person can put right; its text says what was found and what to do."""

    exit_code = ExitCode.USAGE

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross from process to process by the text: what it was made of is not kept."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[Exception], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    return error


class ConfigError(FcevalError):
    """A setting, a flag or a file name is wrong; nothing was sent."""


class DatasetError(FcevalError):
    """A dataset cannot be used; nothing was sent.

    The text names the file, and the row and field where there is one.
    """

    def __init__(self, problem: str, *, file: str, row: int | None = None, field: str | None = None) -> None:
        place = file + (f", row {row}" if row else "") + (f", field `{field}`" if field else "")
        super().__init__(f"{place}: {problem}")


class FieldError(ValueError):
    """A row is not what it should be; who reads the file turns it into a `DatasetError` with file and row.

    Attributes:
        field: Where, as `tools[0].function.name`; None for the row as a whole.
    """

    def __init__(self, problem: str, field: str | None) -> None:
        self.field = field
        super().__init__(problem)

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross from process to process; see `FcevalError`."""
        return _again, (type(self), self.args, self.__dict__)


class EndpointError(FcevalError):
    """The endpoint refuses to work for us at all: authentication, quota, wrong URL."""

    exit_code = ExitCode.ENDPOINT_REFUSED


class LocalError(FcevalError):
    """This machine cannot do what is asked: disk full, folder locked, journal damaged."""

    exit_code = ExitCode.LOCAL_IO


class EndpointDown(FcevalError):  # noqa: N818 -- a state of the endpoint
    """The endpoint fails every time: there is no use in asking on for now."""

    exit_code = ExitCode.INCONCLUSIVE


class StoppedByBudget(FcevalError):  # noqa: N818 -- what the user asked for
    """All requests, tokens, money or time that the run was allowed are spent; it can be gone on with."""

    exit_code = ExitCode.STOPPED_BY_BUDGET


class Inconclusive(FcevalError):  # noqa: N818 -- a finding about the run, not an error in it
    """Too little was measured to say anything."""

    exit_code = ExitCode.INCONCLUSIVE


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `` (did you mean `x`?)`` for the nearest known word, or nothing where none is as near as `cutoff`."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=cutoff)
    return f" (did you mean `{near[0]}`?)" if near else ""
