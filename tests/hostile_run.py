"""A run in which dataset, model and endpoint write hostile text wherever they can write any.

The texts are `tests/data/hostile/texts.json`: every control character, escape sequences, text that reads backwards or
not at all, markup, formulas, and what ends a script, a comment, a cell or a code block. Each stands in the names,
arguments and text of one answer, or in the error in its place, and in the id, category and messages of its case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fake_endpoint import Received, Reply, error_reply, message_reply

TEXTS: tuple[str, ...] = tuple(
    each["text"]
    for each in json.loads((Path(__file__).parent / "data" / "hostile" / "texts.json").read_text(encoding="utf-8"))
)


def _stored(text: str) -> str:
    """Return a text as a dataset may hold it: a lone surrogate is no Unicode text, and would be refused."""
    return text.encode("utf-8", "replace").decode()


def rows() -> Iterator[dict[str, Any]]:
    """Yield a case for each text; its first message ends with the text's number."""
    for number, text in enumerate(map(_stored, TEXTS)):
        parameters = {"type": "object", "properties": {"text": {"type": "string", "description": text}}}
        yield {
            "case_id": f"{text} of {number}",
            "category": f"{text}-",
            "messages": [{"role": "system", "content": f"{text}."}, {"role": "user", "content": f"{text} {number}"}],
            "tools": [{"type": "function", "function": {"name": "say", "description": text, "parameters": parameters}}],
            "expected": [{"name": "say", "arguments": {"text": f"{text}!"}}],
        }


def write_dataset(path: Path) -> Path:
    """Write the cases as JSONL and return the file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    return path


def answer(received: Received) -> Reply:
    """Return a wrong answer made of the text that is asked about; every fourth is an error."""
    number = int(received.json["messages"][-1]["content"].rpartition(" ")[2])
    text = TEXTS[number]
    match number % 4:
        case 0:
            return message_reply(tool_calls=[("say", {"text": text, text: [text]})], model=text)
        case 1:
            return message_reply(tool_calls=[(text, text)], content=text)
        case 2:
            return message_reply(content=text or "nothing", finish_reason=text or "stop")
        case _:
            return error_reply(400, text or "nothing", kind=text, code=text)
