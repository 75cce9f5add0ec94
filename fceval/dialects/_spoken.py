"""What a message says besides its calls: its text, its thoughts, and the calls that leaked into either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fceval.dialects._excerpt import SHOWN
from fceval.dialects._leaked_calls import bare_calls, leaked_calls
from fceval.dialects._leaks import leaked_text, without_thoughts
from fceval.records import Json, JsonObject, Parsed, ToolCall

_REASONING_FIELDS = frozenset({"reasoning_content", "reasoning"})


class Spoken(NamedTuple):
    """The words of a message."""

    text: str
    """For the user: without the thoughts."""
    problems: tuple[str, ...]
    """A call that leaked into the text."""
    notes: tuple[str, ...]
    """Codes of `fceval.irregularities`."""
    leaked: tuple[ToolCall, ...]
    """The calls of that leak, or of a text that is nothing but the JSON of calls; none where they cannot be read."""


_NOTHING = Spoken("", (), (), ())


def spoken(message: JsonObject, content: str, *, called: bool) -> Spoken:
    """Return the words of a message, looked through for calls where it makes none as it should.

    Args:
        message: The assistant message, for what it thinks in fields of its own.
        content: Its text.
        called: Whether it makes calls as the dialect writes them.
    """
    if called and not content and _REASONING_FIELDS.isdisjoint(message):
        return _NOTHING
    text, thought = without_thoughts(content)
    thoughts = [field for name in _REASONING_FIELDS if isinstance(field := message.get(name), str) and field.strip()]
    if thought.strip():
        thoughts.append(thought)
    notes = ["reasoning_field_variants"] if thoughts else []
    if called:
        return Spoken(text, (), tuple(notes), ())
    if leak := leaked_text(text):
        notes.append("call_in_content")
        problem = f"a call that leaked into the text: {leak[:SHOWN]}"
        return Spoken(text, (problem,), tuple(notes), leaked_calls(leak))
    if any(leaked_text(_untagged(thought)) for thought in thoughts):
        notes = ["call_in_reasoning"]  # which says as well that there is a field or a tag of reasoning
    return Spoken(text, (), tuple(notes), bare_calls(text))


def parsed(
    calls: Sequence[ToolCall], said: Spoken, refusal: Json, problems: Sequence[str], notes: Sequence[str]
) -> Parsed:
    """Return a message as its calls and its words.

    Args:
        calls: Those that it makes as the dialect writes them.
        said: What it says besides.
        refusal: Its text, where it is one.
        problems: Of the calls.
        problems: Why calls that it tried to make are none.
        notes: Of the calls: codes of `fceval.irregularities`.
    """
    return Parsed(
        calls=tuple(calls),
        text=said.text,
        refusal=refusal if isinstance(refusal, str) else "",
        problems=(*problems, *said.problems),
        notes=(*notes, *said.notes),
        leaked=said.leaked,
    )


def content_text(content: Json) -> str:
    """Return the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _untagged(thought: str) -> str:
    return thought.strip().removeprefix("<think>").removesuffix("</think>")
