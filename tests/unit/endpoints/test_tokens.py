"""What a limit of tokens leaves of an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fceval.endpoints._answers import Answer, Call
from fceval.endpoints._tokens import counted, cut, tokens

TWO_CALLS = Answer(calls=(Call("first", '{"a": "xxxx"}'), Call("second", "{}")), finish_reason="tool_calls")

answers = st.builds(
    Answer,
    calls=st.lists(st.builds(Call, st.text(min_size=1), st.text()), max_size=3).map(tuple),
    text=st.none() | st.text(),
    refusal=st.none() | st.text(),
)


def test_four_ascii_characters_are_a_token_and_others_one_each() -> None:
    """The count is the mock's own, and plausible."""
    assert [tokens(text) for text in ("", "a", "abcd", "abcde", "\u6771\u4eac", "ab\u6771")] == [0, 1, 1, 2, 2, 2]


def test_answer_that_fits_stays() -> None:
    """Without a limit, or with room to spare, nothing changes."""
    assert cut(TWO_CALLS, None) is TWO_CALLS
    assert cut(TWO_CALLS, counted(TWO_CALLS)) is TWO_CALLS


def test_call_is_cut_in_its_arguments() -> None:
    """A call with its name within the limit is begun; one without is not there."""
    assert cut(TWO_CALLS, 8).calls == (Call("first", '{"a": "x'),)
    assert cut(TWO_CALLS, 6).calls == (Call("first", ""),)
    assert cut(TWO_CALLS, 5) == Answer(text="", finish_reason="length", tokens=5)
    assert cut(TWO_CALLS, 16).calls == (TWO_CALLS.calls[0], Call("second", ""))


def test_text_is_cut() -> None:
    """A text ends where the limit is."""
    assert cut(Answer(text="Hello there"), 2) == Answer(text="Hello th", finish_reason="length", tokens=2)


@given(answer=answers, limit=st.integers(1, 60))
def test_cut_answer_is_the_beginning_of_the_answer(answer: Answer, limit: int) -> None:
    """What is left fits, and begins as the answer does."""
    left = cut(answer, limit)
    assert counted(left) <= limit
    assert left is answer or (left.finish_reason, left.tokens) == ("length", limit)
    assert (answer.text or "").startswith(left.text or "")
    assert (answer.refusal or "").startswith(left.refusal or "")
    for kept, call in zip(left.calls, answer.calls, strict=False):
        assert kept.name == call.name
        assert call.arguments.startswith(kept.arguments)
