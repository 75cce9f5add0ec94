"""Chunks that say what a body says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fceval.endpoints._answers import Answer, Call
from fceval.endpoints._wire import Envelope, chunks, completion, fragments


@given(text=st.text(max_size=5000))
def test_fragments_are_the_text(text: str) -> None:
    """However long a text is, a stream has at most two hundred pieces of it, and none is empty."""
    pieces = list(fragments(text))
    assert "".join(pieces) == text
    assert len(pieces) <= 200
    assert all(pieces)


@given(
    names=st.lists(st.text(min_size=1), max_size=3),
    arguments=st.text(max_size=100),
    text=st.none() | st.text(max_size=100),
    reasoning=st.none() | st.text(max_size=50),
)
def test_chunks_add_up_to_the_message(
    names: list[str], arguments: str, text: str | None, reasoning: str | None
) -> None:
    """Each text is the sum of its pieces; calls have their index, and a name and an id once."""
    answer = Answer(tuple(Call(name, arguments) for name in names), text, reasoning=reasoning)
    ids = tuple(f"call_{place}" for place in range(len(names)))
    body = completion(answer, Envelope("chatcmpl-1", 0, "m", 1, ids))
    *deltas, usage = chunks(body, include_usage=True)
    message = body["choices"][0]["message"]
    parts = [chunk["choices"][0]["delta"] for chunk in deltas]
    for member in ("content", "reasoning_content"):
        assert "".join(part.get(member) or "" for part in parts) == (message.get(member) or "")
    pieces = [piece for part in parts for piece in part.get("tool_calls", [])]
    for place, entry in enumerate(message.get("tool_calls", [])):
        begun, *rest = [piece for piece in pieces if piece["index"] == place]
        assert (begun["id"], begun["function"]) == (entry["id"], {**entry["function"], "arguments": ""})
        assert "".join(piece["function"]["arguments"] for piece in rest) == arguments
        assert all(set(piece) == {"index", "function"} for piece in rest)
    assert (usage["choices"], usage["usage"]) == ([], body["usage"])
