"""The fixed requests of a probe, as cases without labels: each tries one thing that an endpoint must get right.

A prompt names the tool and spells its arguments out, `Call get_weather {"city": "Paris"}`, so that a small model can
follow it. What the model makes of it is not judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fceval.cases.rows import case_of
from fceval.records import Case, Json, JsonObject, json_text

Fault: TypeAlias = Literal["shape", "key"]
"""What is wrong with a request that must be turned down: its body, or the key that it is sent with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the suite."""

    case: Case
    """Its `case_id` is the request's name."""
    about: str
    """What it tries, one line."""
    streamed_only: bool = False
    follows: str = ""
    """Name of the request whose answer is the first turn of this one; empty: it stands alone."""
    wrong: Fault | None = None
    """None: a request that any endpoint can answer."""

    @property
    def ways(self) -> tuple[bool, ...]:
        """Whether to stream: once each, or streamed only."""
        return (True,) if self.streamed_only else (False, True)


def _tool(name: str, description: str, **properties: JsonObject) -> JsonObject:
    parameters: dict[str, Json] = {"type": "object", "properties": properties, "additionalProperties": False}
    if properties:
        parameters["required"] = list(properties)
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


_TEXT: JsonObject = {"type": "string"}
_PERSON: JsonObject = {
    "type": "object",
    "properties": {"name": _TEXT, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
_LEG: JsonObject = {
    "type": "object",
    "properties": {"from": _TEXT, "to": _TEXT},
    "required": ["from", "to"],
    "additionalProperties": False,
}
_WEATHER = _tool("get_weather", "Return the weather of a city.", city=_TEXT)
_TIME = _tool("get_server_time", "Return the server's time. Takes no arguments.")
_NOTE = _tool("save_note", "Save a note, exactly as given.", text=_TEXT)
_TRIP = _tool("book_trip", "Book a trip.", traveller=_PERSON, legs={"type": "array", "items": _LEG})

AWKWARD_TEXT = "Zo\u00eb says \"hi\" \\ C:\\new\\table\n\u6771\u4eac \U0001f600 'end'"
"""Accents, both quotes, backslashes before letters that JSON reads as escapes, a line feed, a surrogate pair."""
LONG_TEXT = "\n".join(f"{number:04} {'-' * 100}" for number in range(1, 701))
"""More than 70 KB: relays cut lines at 64 KiB. A tokenizer makes little of a run of dashes."""
_LONG_NOTE = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_FEW_TOKENS = 16  # OpenAI's Responses API takes no fewer


def _call(tool: str, **arguments: Json) -> str:
    return f"Call {tool} {json_text(arguments)}"


_PARIS = _call("get_weather", city="Paris")
_BOTH = f"{_PARIS}, and in the same answer {_call('get_weather', city='Rome')}"
_JOURNEY: JsonObject = {
    "traveller": {"name": "Ada", "age": 36},
    "legs": [{"from": "Paris", "to": "Rome"}, {"from": "Rome", "to": "Oslo"}],
}
_ANSWERED: tuple[JsonObject, ...] = (
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "callparis",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "callparis", "content": '{"celsius": 18, "sky": "clear"}'},
)
_RESULT: JsonObject = {"name": "get_weather", "content": '{"celsius": 18, "sky": "clear"}'}


def probe_suite() -> tuple[Asked, ...]:
    """Return the requests, in order; the first one is the plainest, and others build on its answer."""
    few: JsonObject = {"max_tokens": _FEW_TOKENS}
    named: JsonObject = {"type": "function", "function": {"name": "get_weather"}}
    hello = "Say hello in one short sentence. Use no tool."
    return (
        _asked("auto call", "a call that the model is free to make", _PARIS, [_WEATHER], tool_choice="auto"),
        _asked("no call", "tools on offer, and no reason to call one", hello, [_WEATHER]),
        _asked("required call", "`tool_choice: required`", _PARIS, [_WEATHER], tool_choice="required"),
        _asked("named call", "`tool_choice` names one of two tools", _PARIS, [_TIME, _WEATHER], tool_choice=named),
        _asked(
            "forbidden call", "`tool_choice: none`, and a prompt that tempts", _PARIS, [_WEATHER], tool_choice="none"
        ),
        _asked("parallel calls", "two calls in one answer", _BOTH, [_WEATHER]),
        _asked(
            "parallel off", "`parallel_tool_calls: false`, asked for two", _BOTH, [_WEATHER], parallel_tool_calls=False
        ),
        _asked("no arguments", "a tool that takes none", _call("get_server_time"), [_TIME]),
        _asked("nested arguments", "an object and an array of objects", _call("book_trip", **_JOURNEY), [_TRIP]),
        _asked(
            "awkward text",
            "quotes, backslashes, line feed, accents, emoji",
            _call("save_note", text=AWKWARD_TEXT),
            [_NOTE],
        ),
        _asked("long arguments", "more than 70 KB in one argument", _call("save_note", text=LONG_TEXT), [_NOTE]),
        _asked("tool result", "a history with a call and its result", [_user(_PARIS), *_ANSWERED], [_WEATHER]),
        _second_call(),
        _asked("usage", "token counts at the end of a stream, no tools", hello, [], streamed_only=True),
        _asked(
            "token limit", "a call that the limit cuts off", _call("save_note", text=_LONG_NOTE), [_NOTE], request=few
        ),
        _asked(
            "bad request", "a body of the wrong shape: is it turned down, and how?", _PARIS, [_WEATHER], wrong="shape"
        ),
        _asked(
            "wrong key", "a key that nobody was given: is it turned down, and how?", _PARIS, [_WEATHER], wrong="key"
        ),
    )


def _asked(  # noqa: PLR0913 -- what a request of the suite is made of
    name: str,
    about: str,
    prompt: str | list[JsonObject],
    tools: list[JsonObject],
    *,
    streamed_only: bool = False,
    wrong: Fault | None = None,
    **fields: Json,
) -> Asked:
    messages = [_user(prompt)] if isinstance(prompt, str) else prompt
    row: JsonObject = {"case_id": name, "messages": messages, "tools": tools, "expected": [], **fields}
    return Asked(case_of(row, 1), about, streamed_only=streamed_only, wrong=wrong)


def _second_call() -> Asked:
    """Return the request that goes on where the first one's answer left off: are the ids of its calls new ones?"""
    turns = [
        {"messages": [_user(_PARIS)], "tool_results": [_RESULT], "expected": []},
        {"messages": [_user(_call("get_weather", city="Rome"))], "expected": []},
    ]
    row: JsonObject = {"case_id": "second call", "turns": turns, "tools": [_WEATHER], "tool_choice": "auto"}
    return Asked(case_of(row, 1), "another call after the first one's result: ids must differ", follows="auto call")


def _user(text: str) -> JsonObject:
    return {"role": "user", "content": text}
