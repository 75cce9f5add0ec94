"""Rows of datasets as Hypothesis makes them: everything that a case may hold, and much that nobody would write."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
"""Every code point, lone surrogates and control characters included."""
_TEXT = st.text(max_size=12)
_NAMES = st.text(min_size=1, max_size=12)
_NUMBERS = st.integers() | st.integers(-(10**60), 10**60) | st.floats(allow_nan=False, allow_infinity=False)

json_values = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value."""
json_objects = st.dictionaries(_TEXT, json_values, max_size=3)
"""Any JSON object whose members have names in Unicode; deeper down they may be called anything."""

_literals = st.none() | st.booleans() | _NUMBERS | _ANY_TEXT | st.lists(_ANY_TEXT, max_size=3)
_arguments = st.dictionaries(_TEXT, _literals, max_size=3)


@st.composite
def case_rows(draw: st.DrawFn, case_id: str | None = None) -> dict[str, Any]:
    """Return a row that is a case.

    Args:
        draw: Hypothesis's.
        case_id: Its id; None: any.
    """
    names = draw(st.lists(_NAMES, unique=True, max_size=3))
    tools = [draw(_tools(name)) for name in names]
    row: dict[str, Any] = {"case_id": draw(_NAMES) if case_id is None else case_id, "tools": tools}
    if draw(st.booleans()):
        row |= draw(_turn(names))
    else:
        row["turns"] = draw(st.lists(_turn(names), min_size=1, max_size=2))
    row |= draw(_OPTIONAL)
    row |= {f"x-{name}": value for name, value in draw(json_objects).items()}
    return dict(draw(st.permutations(list(row.items()))))


def _tools(name: str) -> st.SearchStrategy[dict[str, Any]]:
    function = st.fixed_dictionaries(
        {"name": st.just(name)},
        optional={
            "description": st.none() | _ANY_TEXT,
            "parameters": st.none() | json_objects,
            "strict": st.none() | st.booleans(),
        },
    )
    return st.fixed_dictionaries({"function": function}, optional={"type": st.just("function")})


def _turn(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    message = st.fixed_dictionaries({"role": _NAMES}, optional={"content": json_values, "tool_calls": json_values})
    calls = st.lists(st.fixed_dictionaries({"name": st.sampled_from(names), "arguments": _arguments}), max_size=2)
    wanted = calls if names else st.just([])
    expected = st.fixed_dictionaries({"expected": st.just("any") | wanted}) | st.fixed_dictionaries(
        {"expected_any_of": st.lists(wanted, min_size=1, max_size=2)}
    )
    return st.builds(
        lambda messages, expected: {"messages": messages, **expected},
        st.lists(message, min_size=1, max_size=3),
        expected,
    )


_OPTIONAL = st.fixed_dictionaries(
    {},
    optional={
        "category": st.none() | _TEXT,
        "tags": st.none() | st.lists(_TEXT, max_size=3),
        "tool_choice": json_values,
        "parallel_tool_calls": st.none() | st.booleans(),
        "request": st.none() | json_objects,
        "order": st.none() | st.sampled_from(["any", "strict"]),
        "extra_calls": st.none() | st.sampled_from(["forbid", "allow"]),
        "source": json_values,
    },
)
