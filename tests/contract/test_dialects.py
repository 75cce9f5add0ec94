"""What every dialect keeps to, whichever files there are."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fceval import dialects
from fceval.cases.read import read_cases
from fceval.errors import ConfigError
from fceval.jsontext import read_json
from fceval.records import Case, Json, JsonObject, Tool, ToolCall, Turn
from tests.strategies import argument_texts, tool_calls, wild_values

PROJECT = Path(__file__).resolve().parents[2]
STARTER = PROJECT / "datasets" / "starter.jsonl"
DATA = PROJECT / "tests" / "data" / "dialects"
MOST_CALLS = {"functions": 1}
"""Of a message, where its syntax has no room for any number of them."""
WITHOUT_IDS = frozenset({"functions", "prompt_json", "prompt_python", "prompt_xml"})
"""Dialects in which a call has no id."""

every_dialect = pytest.mark.parametrize("name", dialects.names())
plain_texts = st.text(st.characters(codec="utf-8", exclude_characters="<[{(`"), max_size=20)
"""Texts in which no syntax could see a call or a thought."""

_PIECES = (
    *(
        "[]",
        "<tool_call>",
        "</tool_call>",
        "<think>",
        "</think>",
        "```json\n",
        "```",
        "\n",
        " ",
        ", ",
        "[",
        "]",
        "{",
        "}",
    ),
    *(
        '{"name": "f", "arguments": {"a": 1}}',
        '[{"name": "f", ',
        '"arguments": ',
        "f(a=1)",
        "[f(",
        'g(b="x")',
        "a=",
        ")",
    ),
    *("**{", "-1", "1e999", "0x1F", "'", '"', '"""', "\\", "#", "\u2028", "\0", "None", "true", "Hello. "),
)
written_texts = st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=20).map("".join)
"""Texts made of the pieces that calls in text are made of."""


@every_dialect
@given(
    message=st.dictionaries(st.text(max_size=5), wild_values, max_size=5)
    | st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("content", "tool_calls", "function_call", "refusal", "role", "output"), wild_values),
    )
)
def test_parse_never_raises(name: str, message: dict[str, Json]) -> None:
    """Any JSON object is a message; what cannot be read is a problem."""
    _check_calls(dialects.load(name).parse(message).calls)


@every_dialect
@given(text=written_texts)
@example(text="[f(a=" + "-" * 10_000 + "1)]")
@example(text="[f(a=" + "not " * 10_000 + "1)]")
@example(text="[f(a=x" + ".x" * 50_000 + ")]")
@example(text="[f(a=" + "[" * 10_000)
@example(text='[{"name": "f", "arguments": ' + "[" * 100_000)
@example(text="<tool_call>" + '{"name":' * 100_000)
def test_parse_never_raises_on_text(name: str, text: str) -> None:
    """Any text is an answer, wherever the dialect reads it."""
    dialect = dialects.load(name)
    for message in ({"role": "assistant", "content": text}, dialect.answer([], text)):
        _check_calls(dialect.parse(message).calls)


def _check_calls(calls: tuple[ToolCall, ...]) -> None:
    assert all(call.name and (call.problem is None) == isinstance(call.value, dict) for call in calls)


@every_dialect
@given(text=argument_texts)
def test_parse_never_raises_on_arguments(name: str, text: str) -> None:
    """Any text may stand where the arguments of a call should."""
    dialect = dialects.load(name)
    _check_calls(dialect.parse(dialect.answer([ToolCall("a", "f", text, None, "unread")], None)).calls)


@every_dialect
@given(calls=st.lists(tool_calls(), min_size=1, max_size=4), text=st.none() | plain_texts)
def test_parse_undoes_answer(name: str, calls: list[ToolCall], text: str | None) -> None:
    """The calls and the text of a message that a dialect wrote are those that it was given."""
    dialect = dialects.load(name)
    calls = calls[: MOST_CALLS.get(name)]
    parsed = dialect.parse(dialect.answer(calls, text))
    expected = [call._replace(call_id=None) for call in calls] if name in WITHOUT_IDS else calls
    assert [call._replace(notes=()) for call in parsed.calls] == expected  # some of them have no id, which is noted
    assert (parsed.text, parsed.problems) == (text or "", ())


@every_dialect
@given(text=plain_texts)
def test_text_comes_back(name: str, text: str) -> None:
    """A message without calls is its text."""
    dialect = dialects.load(name)
    parsed = dialect.parse(dialect.answer([], text))
    assert (parsed.calls, parsed.text, parsed.problems) == ((), text, ())


@every_dialect
def test_results_are_told(name: str) -> None:
    """Every result is in the messages, in the order of the calls."""
    calls = [ToolCall("a", "f", "{}", {}), ToolCall("b", "g", "{}", {})]
    told = json.dumps(dialects.load(name).results(calls, ["first result", "second result"]))
    assert 0 < told.index("first result") < told.index("second result")


@every_dialect
def test_render_keeps_what_parse_reads(name: str) -> None:
    """An answer and the results of its calls go back to the endpoint as the dialect wrote them."""
    dialect = dialects.load(name)
    call = ToolCall("a", "f", '{"a": 1}', {"a": 1})
    written = [dialect.answer([call], None), *dialect.results([call], ["sunny"])]
    sent = _conversation(dialect.render(CASE, [USER, *written]))
    items = [item for message in written for item in _items(message)]
    assert sent[-len(items) :] == items


@every_dialect
def test_render_writes_the_history(name: str) -> None:
    """Calls and results that a dataset writes as Chat Completions does are told in the dialect's own way."""
    dialect = dialects.load(name)
    call = ToolCall("a", "look_up", '{"city": "Lyon"}', {"city": "Lyon"})
    calling = dialects.load("tools").answer([call], "I look it up.")
    sent = _conversation(
        dialect.render(CASE, [USER, calling, {"role": "tool", "tool_call_id": "a", "content": "sunny"}])
    )
    said = json.dumps(sent)
    assert "I look it up." in said
    assert 0 < said.index("look_up") < said.index("Lyon") < said.rindex("sunny")


@every_dialect
@pytest.mark.parametrize(
    "choice",
    [
        None,
        "none",
        "auto",
        "required",
        {"type": "function", "function": {"name": "f"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
        {"type": "unheard_of"},
        7,
    ],
)
@pytest.mark.parametrize("parallel", [None, True, False])
def test_any_choice_is_rendered(name: str, choice: Json, parallel: bool | None) -> None:  # noqa: FBT001 -- a field
    """Every `tool_choice` becomes JSON, one that is unheard of too."""
    case = CASE._replace(tool_choice=choice, parallel_tool_calls=parallel)
    json.dumps(dialects.load(name).render(case, [USER]))


@every_dialect
def test_starter_cases_are_rendered(name: str) -> None:
    """Every shipped case becomes JSON that holds what the user says, byte for byte, and every tool's name."""
    dialect = dialects.load(name)
    for case in _starter():
        messages = case.turns[0].messages
        body = read_json(json.dumps(dialect.render(case, messages)))
        assert isinstance(body, dict)
        said = [message["content"] for message in _conversation(body) if message.get("role") == "user"]
        assert said == [message["content"] for message in messages if message["role"] == "user"]
        assert all(json.dumps(tool.name)[1:-1] in json.dumps(body) for tool in case.tools)


@cache
def _starter() -> tuple[Case, ...]:
    return tuple(read_cases(STARTER))


@every_dialect
def test_path_is_appended_to_the_base_url(name: str) -> None:
    """The path begins with a slash."""
    assert dialects.load(name).path.startswith("/")


def test_misspelt_dialect() -> None:
    """A name that is no file's is refused with the nearest one."""
    with pytest.raises(ConfigError, match="did you mean `tools`"):
        dialects.load("tool")


def _data() -> list[Any]:
    return [
        pytest.param(name, recorded, id=f"{name}-{about}")
        for name in dialects.names()
        for path in sorted((DATA / name).glob("*.json"))
        for about, recorded in _read(path)["messages"].items()
    ]


def _read(path: Path) -> Any:  # noqa: ANN401 -- any JSON
    return read_json(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "recorded"), _data())
def test_message_is_read(name: str, recorded: dict[str, Any]) -> None:
    """A recorded or written-down message has the calls, the text and the problems that its file says.

    What a file leaves out is empty: `calls` as name and arguments (null: unusable), `text`, the beginnings of
    `problems`, and `notes` of the message and of its calls.
    """
    parsed = dialects.load(name).parse(recorded["message"])
    found = [{"name": call.name, "arguments": call.value} for call in parsed.calls]
    assert found == recorded.get("calls", [])
    assert parsed.text == recorded.get("text", "")
    assert parsed.refusal == recorded.get("refusal", "")
    problems = recorded.get("problems", [])
    assert len(parsed.problems) == len(problems), parsed.problems
    assert all(map(str.startswith, parsed.problems, problems)), parsed.problems
    notes = sorted({*parsed.notes, *(note for call in parsed.calls for note in call.notes)})
    assert notes == recorded.get("notes", [])


def test_every_dialect_has_messages() -> None:
    """Each dialect has files of messages to read."""
    assert {param.values[0] for param in _data()} == set(dialects.names())


USER: JsonObject = {"role": "user", "content": "What is the weather in Paris?"}
_FUNCTION: JsonObject = {"name": "f", "description": "Does it.", "parameters": {"type": "object", "properties": {}}}
CASE = Case(
    case_id="c",
    category="simple",
    tools=(Tool("f", "Does it.", {"type": "object"}, None, {"type": "function", "function": _FUNCTION}),),
    turns=(Turn((USER,), "any"),),
    tool_choice=None,
    parallel_tool_calls=None,
    request={},
    order=None,
    extra_calls=None,
    tags=(),
    fields={},
    row=1,
)


def _conversation(body: JsonObject) -> list[Any]:
    sent: Any = body.get("messages", body.get("input"))
    assert isinstance(sent, list)
    return sent


def _items(message: JsonObject) -> list[Any]:
    output: Any = message.get("output")
    return output if isinstance(output, list) else [message]
