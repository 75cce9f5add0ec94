"""Hypothesis strategies: JSON, tool calls, and what a model may write in their place."""

from __future__ import annotations

from string import ascii_lowercase, digits
from typing import Any

from hypothesis import strategies as st

from fceval.records import Json, ToolCall, json_text
from fceval.scoring.align import Likeness

names = st.builds(str.__add__, st.sampled_from(ascii_lowercase), st.text(ascii_lowercase + digits + "_", max_size=9))
"""Names of tools and arguments; drawn from a regular expression, they would take five times as long."""

texts = st.text(st.characters(codec="utf-8"), max_size=12)
"""Strings that are Unicode text."""

scalars: st.SearchStrategy[Json] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**53 - 2, max_value=2**53 + 2),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
"""JSON values that hold no others."""


def _inside(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.one_of(st.lists(children, max_size=4), st.dictionaries(names, children, max_size=4))


values: st.SearchStrategy[Json] = st.recursive(scalars, _inside, max_leaves=12)
"""JSON values; no object among them is a matcher."""

objects = st.dictionaries(names, values, max_size=4)
"""JSON objects: arguments."""

_WORDS = (
    *("$match", "optional", "values", "value", "pattern", "formats"),
    *(
        "role",
        "content",
        "text",
        "refusal",
        "tool_calls",
        "function_call",
        "function",
        "type",
        "id",
        "name",
        "arguments",
    ),
)

wild_values: st.SearchStrategy[Json] = st.recursive(
    st.one_of(scalars, st.text(max_size=6)),
    lambda children: st.one_of(
        st.lists(children, max_size=4),
        st.dictionaries(
            st.sampled_from(_WORDS) | st.text(max_size=4),
            children,
            max_size=5,
        ),
    ),
    max_leaves=15,
)
"""JSON of any shape, with the words that messages and expectations use; lone surrogates among its strings."""

argument_texts = st.one_of(
    st.text(max_size=30),
    wild_values.map(json_text),
    wild_values.map(lambda value: json_text({"city": value, "unit": value})),
    st.text(alphabet='{}[]",:\\ 0123456789.eE+-truefalsnNI', max_size=40),
)
"""What stands where the JSON text of arguments should."""


@st.composite
def tool_calls(draw: st.DrawFn) -> ToolCall:
    """Draw a call as a dialect parses it."""
    arguments = draw(objects)
    return ToolCall(draw(st.none() | texts), draw(names), json_text(arguments), arguments)


@st.composite
def likenesses(draw: st.DrawFn, max_calls: int = 6) -> list[list[Likeness]]:
    """Draw how well each of a few predicted calls answers each of a few expected ones."""
    rows = draw(st.integers(1, max_calls))
    columns = draw(st.integers(1, max_calls))
    pair = st.sampled_from(
        [
            Likeness(full=True, same_tool=True, arguments_right=1.0),
            *(Likeness(full=False, same_tool=True, arguments_right=share / 4) for share in range(4)),
            Likeness(full=False, same_tool=False, arguments_right=0.0),
        ]
    )
    return draw(st.lists(st.lists(pair, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
