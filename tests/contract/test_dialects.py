"""What every dialect keeps to, whichever files there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval import dialects
from fceval.errors import ConfigError
from fceval.records import Json, ToolCall
from tests.strategies import texts, tool_calls, wild_values

every_dialect = pytest.mark.parametrize("name", dialects.names())


@every_dialect
@given(
    message=st.dictionaries(st.text(max_size=5), wild_values, max_size=5)
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("content", "tool_calls", "function_call", "refusal", "role"), wild_values)
    )
)
def test_parse_never_raises(name: str, message: dict[str, Json]) -> None:
    """Any JSON object is a message; what cannot be read is a problem."""
    parsed = dialects.load(name).parse(message)
    assert all(call.name and (call.problem is None) == isinstance(call.value, dict) for call in parsed.calls)


@every_dialect
@given(calls=st.lists(tool_calls(), min_size=1, max_size=4))
def test_parse_undoes_answer(name: str, calls: list[ToolCall]) -> None:
    """The calls of a message that a dialect wrote are the calls that it was given."""
    dialect = dialects.load(name)
    parsed = dialect.parse(dialect.answer(calls, None))
    assert list(parsed.calls) == calls
    assert parsed.problems == ()


@every_dialect
@given(text=texts)
def test_text_comes_back(name: str, text: str) -> None:
    """A message without calls is its text."""
    dialect = dialects.load(name)
    parsed = dialect.parse(dialect.answer([], text))
    assert (parsed.calls, parsed.text) == ((), text)


@every_dialect
def test_one_result_a_call(name: str) -> None:
    """Results are messages, one for each call."""
    calls = [ToolCall("a", "f", "{}", {}), ToolCall("b", "g", "{}", {})]
    assert len(dialects.load(name).results(calls, ["1", "2"])) == 2


@every_dialect
def test_path_is_appended_to_the_base_url(name: str) -> None:
    """The path begins with a slash."""
    assert dialects.load(name).path.startswith("/")


def test_misspelt_dialect() -> None:
    """A name that is no file's is refused with the nearest one."""
    with pytest.raises(ConfigError, match="did you mean `tools`"):
        dialects.load("tool")
