"""Responses to journal, and what a test wants to know of a journal."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from fceval.journal import Journal, JournalIndex
from fceval.records import Attempt, Key, Response, Usage
from tests.strategies import wild_values

HOSTILE = [
    "",
    '", "message": null, "x": "',
    '\\", "message": {',
    '", "fingerprint": "',
    '},"_crc":"00000000"}',
    "line\nbreak\r\u2028\x00\x1b",
    "\ud800 half",
    "天气 🌦",
]
"""Strings that try to look like a journal's own text, or are no Unicode text."""


def key(number: int) -> Key:
    """Return one of many keys."""
    return Key(f"case-{number}", "default", 0, 0, 0)


def response(number: int, content: str | None = "Hello", fingerprint: str = "f" * 64) -> Response:
    """Return an answer; one that was not measured where there is no content."""
    attempt = Attempt("2026-11-23T00:00:00.000+00:00", 0.25, None, 200 if content else 503, None, "")
    return Response(
        key=key(number),
        fingerprint=fingerprint,
        message={"role": "assistant", "content": content} if content is not None else None,
        finish_reason="stop",
        usage=Usage(20, None),
        served_model="m-1",
        irregularities=("a", "b"),
        attempts=(attempt._replace(failure="endpoint_error"), attempt) if content else (attempt,),
    )


SMALL = response(0)._replace(fingerprint="", message={}, served_model=None, irregularities=(), attempts=())
"""A response of few bytes."""


def small(number: int) -> Response:
    """Return one of many responses of few bytes."""
    return SMALL._replace(key=key(number))


def written(path: Path, *responses: Response) -> bytes:
    """Write responses to a journal and return its bytes."""
    with Journal(path) as journal:
        for each in responses:
            journal.append(each)
    return path.read_bytes()


def mixed(path: Path) -> bytes:
    """Write a journal of 50 records: begins and responses, short and long, in several scripts; return its bytes."""
    with Journal(path) as journal:
        for number in range(25):
            of = small(number)._replace(key=Key(f"{HOSTILE[number % len(HOSTILE)]}{number}", "v", number % 3, 0, 0))
            journal.begin([(of.key, "f" * (number % 2))])
            content = {"content": HOSTILE[number % len(HOSTILE)] * (number % 5)} if number % 4 else None
            journal.append(of._replace(message=content))
    return path.read_bytes()


def read(path: Path) -> list[Response]:
    """Return what a journal holds, in its order."""
    with JournalIndex(path) as index:
        return list(index.responses())


_texts = st.text(max_size=8) | st.sampled_from(HOSTILE)
_keys = st.builds(Key, _texts, _texts, *[st.integers(0, 2)] * 3)
_attempts = st.builds(
    Attempt,
    started_at=_texts,
    latency_s=st.floats(0, 1e6),
    ttft_s=st.none() | st.floats(0, 1),
    status=st.none() | st.integers(100, 599),
    failure=st.none() | st.sampled_from(["timed_out", "rate_limited"]),
    detail=_texts,
    irregularities=st.lists(_texts, max_size=2).map(tuple),
    first_call_s=st.none() | st.floats(0, 1),
    waited_s=st.dictionaries(st.sampled_from(["pause", "rpm"]), st.floats(0, 9)),
    broke_off=st.booleans(),
)

responses: st.SearchStrategy[Response] = st.builds(
    Response,
    key=_keys,
    fingerprint=st.text("0123456789abcdef", max_size=64),
    message=st.none() | st.dictionaries(_texts, wild_values, max_size=3),
    finish_reason=st.none() | _texts,
    usage=st.builds(Usage, st.none() | st.integers(0, 2**70), st.none() | st.integers(0, 9)),
    served_model=st.none() | _texts,
    irregularities=st.lists(_texts, max_size=2).map(tuple),
    attempts=st.lists(_attempts, max_size=2).map(tuple),
)
"""Responses with anything in them."""
