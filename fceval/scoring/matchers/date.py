"""`{"$match": "date", "value": D, "formats": [...]}`: the same date, or the same point in time, however it is written.

Value and answers are ISO 8601; an answer may also be in one of the `formats`: `rfc2822`, `unix` (seconds), `unix_ms`,
or a pattern of Python's `strptime` such as `%d.%m.%Y`. A date without a time is the midnight that begins it.

Where the value has an offset from UTC, the answer must have one and be the same instant. Where it has none, the answer
must show the same date and time, and its offset does not count: the case does not say which zone is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from pydantic import StrictStr

from fceval.errors import did_you_mean
from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place
from fceval.toolschema import SchemaNode

_UNIX = {"unix": 1, "unix_ms": 1000}
"""Named formats that count from 1970-01-01T00:00Z, and their steps a second."""
_NAMED = ("iso8601", "rfc2822", *_UNIX)
_ISO8601 = re.compile(r"[0-9W-]+(?:[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?)?")
_YEARS = re.compile(r"%[YyGcx]")
_COUNT = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Date:
    """Accepts the ways of writing one date."""

    value: StrictStr
    """ISO 8601: a date, or a date and a time, with an offset or without."""
    formats: list[StrictStr] = field(default_factory=list)
    """Accepted beside ISO 8601."""

    def __post_init__(self) -> None:
        if _iso8601(self.value) is None:
            msg = f"`value` is a date or date-time of ISO 8601, not {self.value!r}"
            raise ValueError(msg)
        for name in self.formats:
            _check_format(name)

    def accepts(self, place: Place) -> Needed:
        """Accept a string, or a count of seconds, that names the value."""
        value = _iso8601(self.value)
        readings = (_read(place.predicted, name) for name in ("iso8601", *self.formats))
        return () if any(found and value and _same(value, found) for found in readings) else None

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield the value as the case writes it."""
        del node
        return (self.value,)


def _same(value: datetime, found: datetime) -> bool:
    if value.tzinfo is None:
        return value == found.replace(tzinfo=None)
    return found.tzinfo is not None and value == found


def _read(found: object, name: str) -> datetime | None:
    if name in _UNIX:
        return _since_1970(found, _UNIX[name])
    if not isinstance(found, str):
        return None
    text = found.strip()
    if name == "iso8601":
        return _iso8601(text)
    try:
        return parsedate_to_datetime(text) if name == "rfc2822" else datetime.strptime(text, name)  # noqa: DTZ007 -- a zone is there if the pattern has one
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _iso8601(text: str) -> datetime | None:
    text = text.upper()
    if not _ISO8601.fullmatch(text):  # Python takes any character between date and time
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _since_1970(found: object, steps: int) -> datetime | None:
    if isinstance(found, bool) or not isinstance(found, int | float | str) or not _COUNT.fullmatch(str(found)):
        return None
    try:
        return datetime.fromtimestamp(float(found) / steps, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _check_format(name: str) -> None:
    if name in _NAMED:
        return
    if "%" not in name:
        msg = f"unknown format `{name}`{did_you_mean(name, _NAMED)}; there are: {', '.join(_NAMED)} and % patterns"
        raise ValueError(msg)
    if not _YEARS.search(name):
        msg = f"format `{name}` has no year, so that no date can be read"
        raise ValueError(msg)
    try:
        datetime.strptime("", name)  # noqa: DTZ007 -- nothing is read: an unknown directive shows before the text does
    except (ValueError, re.error) as error:
        if "does not match format" not in str(error):
            msg = f"format `{name}`: {error}"
            raise ValueError(msg) from None


PLUGIN: type[Matcher] = Date
