"""What is on the wire, file by file: for each irregularity the bytes, and what is read from them.

Each file of `tests/data/wire` is named after a code of `fceval.irregularities` and holds one case or a list of them:
a request, the response to it, and what is `expected` to become of that. `codes` are those of the answer and of its
conformance; of `calls`, and of the message as a whole, `problem` says that there is one. However the bytes are cut,
the same becomes of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fceval.client.body import BodyReader, hidden
from fceval.client.classify import Answered, classify
from fceval.client.conformance import deviations
from fceval.client.secret import Secret
from fceval.client.sse import Streamed
from fceval.dialects import load
from fceval.irregularities import IRREGULARITIES
from fceval.records import Key, Request, ToolCall

FOLDER = Path(__file__).parents[1] / "data" / "wire"
DIALECTS = {"chat": "tools", "responses": "responses"}
"""What reads the message, unless a case names another."""


def _cases() -> dict[str, dict[str, Any]]:
    """Return every case by the name of its file and its place there."""
    cases: dict[str, dict[str, Any]] = {}
    for path in sorted(FOLDER.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        for place, case in enumerate(content if isinstance(content, list) else [content], 1):
            if "response" in case:  # the folder holds plain requests, too
                cases[f"{path.stem}-{place}"] = case
    return cases


CASES = _cases()


def content_of(case: dict[str, Any]) -> bytes:
    """Return the bytes of a case's response."""
    body = case["response"]["body"]
    if isinstance(body, dict):
        return base64.b64decode(body["base64"])
    return ("\n".join(body) if isinstance(body, list) else str(body)).encode()


def outcome(case: dict[str, Any], chunks: Iterable[bytes]) -> dict[str, Any]:
    """Return what becomes of a response that comes in these chunks, in the form of a case's `expected`."""
    reader = BodyReader(case["api"])
    for chunk in chunks:
        reader.feed(chunk, 0.0)
    read = reader.end("eof")
    content = hidden(read, Secret(case["key"])) if "key" in case else read
    response = case["response"]
    result = classify(response["status"], response["headers"], content, case["request"], case["api"])
    codes = {*result.irregularities, *(["key_echoed"] if content != read else [])}
    terminal = content.terminal if isinstance(content, Streamed) else None
    if not isinstance(result, Answered):
        told = {"failure": result.failure, "retryable": result.retryable, "detail": result.detail}
        return {"codes": codes, "message": None, "calls": None, "finish_reason": None, **told, "terminal": terminal}
    parsed = load(case.get("dialect", DIALECTS[case["api"]])).parse(result.message)
    request = Request(Key("a", "default", 0, 0, 0), case["request"])
    return {
        "codes": codes | deviations(request, result, parsed),
        "message": result.message,
        "calls": [_shown(call) for call in parsed.calls],
        "problem": bool(parsed.problems),
        "finish_reason": result.finish_reason,
        "failure": None,
        "terminal": terminal,
    }


def _shown(call: ToolCall) -> dict[str, Any]:
    """Return a call as files write it; `problem` stands only where there is one."""
    return {"name": call.name, "arguments": call.value, **({"problem": True} if call.problem else {})}


def check(case: dict[str, Any], became: dict[str, Any]) -> None:
    """Compare what became of a response with what should; of the detail a part is enough."""
    expected = {**case["expected"], "codes": set(case["expected"]["codes"])}
    assert expected.pop("detail", "") in became.get("detail", "")
    assert {name: became[name] for name in expected} == expected
    assert {"message", "calls", "finish_reason", "failure", "terminal"} <= expected.keys()


@pytest.mark.parametrize("name", CASES)
def test_bytes_become_what_the_file_says(name: str) -> None:
    """The message, its calls, the codes, the end: as the file has it."""
    case = CASES[name]
    check(case, outcome(case, [content_of(case)]))


@pytest.mark.untraced
@pytest.mark.parametrize("name", CASES)
def test_line_ends_and_single_bytes_change_nothing(name: str) -> None:
    """Byte by byte; and streams with each of the three ways to end a line."""
    case, content = CASES[name], content_of(CASES[name])
    check(case, outcome(case, (content[place : place + 1] for place in range(len(content)))))
    if case["expected"]["terminal"]:
        for line_end in (b"\r\n", b"\r"):
            again = content.replace(b"\n", line_end)
            check(case, outcome(case, (again[place : place + 1] for place in range(len(again)))))


@pytest.mark.untraced
@given(st.data())
@settings(max_examples=10)
@pytest.mark.parametrize("name", CASES)
def test_any_chunking_gives_the_same(name: str, data: st.DataObject) -> None:
    """Wherever the bytes are cut: in a line, an escape, a character, between CR and LF."""
    case, content = CASES[name], content_of(CASES[name])
    if case["expected"]["terminal"]:
        content = content.replace(b"\n", data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(content)), max_size=30)))
    chunks = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    check(case, outcome(case, chunks))


def test_each_code_of_the_survey_has_a_file() -> None:
    """No row without bytes that show it, and no file for what is no code."""
    files = {name.rpartition("-")[0] for name in CASES}
    assert {code for code, known in IRREGULARITIES.items() if known.number is not None} - files == set()
    assert files - IRREGULARITIES.keys() == set()


@pytest.mark.parametrize("name", sorted({name.rpartition("-")[0] for name in CASES}))
def test_file_shows_its_code(name: str) -> None:
    """In one of its cases at least; or, where two answers are held against each other, in their difference."""
    cases = [case for key, case in CASES.items() if key.rpartition("-")[0] == name]
    if name == "stream_nonstream_disagree":
        assert [bool(case["request"].get("stream")) for case in cases] == [False, True]
        assert cases[0]["expected"]["calls"] != cases[1]["expected"]["calls"]
    else:
        assert any(name in case["expected"]["codes"] for case in cases)
