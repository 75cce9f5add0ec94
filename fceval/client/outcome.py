"""What came of one try: the model's message, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fceval.records import JsonObject, NotMeasured, Usage

BROKEN_ATTEMPTS = 3
"""Most attempts at an answer that comes broken: cut off, or not readable."""


class Answered(NamedTuple):
    """The model answered."""

    message: JsonObject
    """Verbatim."""
    finish_reason: str | None
    usage: Usage
    served_model: str | None
    irregularities: tuple[str, ...] = ()
    """Codes of `fceval.irregularities`, sorted."""


class Failed(NamedTuple):
    """The model did not get to answer."""

    failure: NotMeasured
    detail: str
    """For a person, one line."""
    retryable: bool = False
    """The same request may succeed later."""
    stops_run: bool = False
    """No other request will fare better: authentication, quota."""
    wrong_address: bool = False
    """So answers something that is no endpoint; one that has answered before only stumbled."""
    headers: Mapping[str, str] = {}
    """Of the answer, names in lower case: they may ask for a pause."""
    irregularities: tuple[str, ...] = ()
    """Codes of `fceval.irregularities`, sorted."""
    broke_off: bool = False
    """The request was sent, and no whole answer came back in time."""
    most_attempts: int | None = None
    """Attempts that it is worth at most; None: as many as are allowed."""
