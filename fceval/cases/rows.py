"""The shape of one row: which fields a case has, of which type, and what must agree between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from fceval.errors import FieldError, did_you_mean
from fceval.records import Case, Expected, ExpectedCall, Json, JsonObject, Tool, Turn, json_text
from fceval.jsontext import read_json

_STRICT = ConfigDict(strict=True, extra="allow")


class _Message(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc] -- how pydantic configures a TypedDict
    role: Annotated[StrictStr, Field(min_length=1)]


class _Function(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc] -- as above
    name: Annotated[StrictStr, Field(min_length=1)]
    description: NotRequired[StrictStr | None]
    parameters: NotRequired[dict[str, Any] | None]
    strict: NotRequired[StrictBool | None]


class _Tool(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc] -- as above
    type: NotRequired[Literal["function"]]
    function: _Function


class _Call(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")  # type: ignore[misc] -- as above
    name: Annotated[StrictStr, Field(min_length=1)]
    arguments: dict[str, Any]


class _ToolResult(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")  # type: ignore[misc] -- as above
    name: StrictStr
    arguments: NotRequired[dict[str, Any]]
    content: StrictStr


def _refuse_words(value: object) -> object:
    if isinstance(value, str) and value != "any":
        msg = f'a list of calls, or "any", not "{value}"'
        raise ValueError(msg)
    return value


_Messages = Annotated[list[_Message], Field(min_length=1)]
_Calls = Annotated[list[_Call] | Literal["any"], BeforeValidator(_refuse_words)]
_Alternatives = Annotated[list[list[_Call]], Field(min_length=1)]


class _Turn(TypedDict):
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")  # type: ignore[misc] -- as above
    messages: _Messages
    expected: NotRequired[_Calls]
    expected_any_of: NotRequired[_Alternatives]
    tool_results: NotRequired[list[_ToolResult]]


class _Row(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc] -- as above
    case_id: Annotated[StrictStr, Field(min_length=1)]
    category: NotRequired[StrictStr | None]
    tags: NotRequired[list[StrictStr] | None]
    messages: NotRequired[_Messages | None]
    tools: list[_Tool]
    expected: NotRequired[_Calls | None]
    expected_any_of: NotRequired[_Alternatives | None]
    turns: NotRequired[Annotated[list[_Turn], Field(min_length=1)] | None]
    tool_choice: NotRequired[Any]
    parallel_tool_calls: NotRequired[StrictBool | None]
    request: NotRequired[dict[str, Any] | None]
    order: NotRequired[Literal["any", "strict"] | None]
    extra_calls: NotRequired[Literal["forbid", "allow"] | None]
    source: NotRequired[Any]


FIELDS: tuple[str, ...] = tuple(_Row.__annotations__)
"""Every field of a row that fceval knows, in the order in which rows are written."""

_ROW = TypeAdapter(_Row)
_NEAR = 0.8


def case_of(fields: JsonObject, row: int) -> Case:
    """Return a row as a case.

    Args:
        fields: The decoded row.
        row: Its 1-based number, kept for messages.

    Raises:
        FieldError: A field is missing, of another type, or at odds with another; the first one found.
    """
    try:
        _ROW.validate_python(fields)
    except ValidationError as error:
        raise _row_error(error) from None
    _refuse_misspelt(fields)
    tools = _tools(json_text(fields["tools"]))
    turns = tuple(_turns(fields))
    _refuse_unoffered(fields, turns, {tool.name for tool in tools})
    values: Mapping[str, Any] = fields
    return Case(
        case_id=values["case_id"],
        category=values.get("category") or "uncategorised",
        tools=tools,
        turns=turns,
        tool_choice=values.get("tool_choice"),
        parallel_tool_calls=values.get("parallel_tool_calls"),
        request=values.get("request") or {},
        order=values.get("order"),
        extra_calls=values.get("extra_calls"),
        tags=tuple(values.get("tags") or ()),
        fields=fields,
        row=row,
    )


def _refuse_misspelt(fields: JsonObject) -> None:
    for name in fields:
        if name not in FIELDS and (advice := did_you_mean(name, FIELDS, cutoff=_NEAR)):
            msg = f"unknown field{advice}"
            raise FieldError(name, msg)


@lru_cache(maxsize=4096)
def _tools(text: str) -> tuple[Tool, ...]:
    """Return the tools of a row; rows with equal tools share them."""
    entries: Any = read_json(text)
    names = [entry["function"]["name"] for entry in entries]
    for position, name in enumerate(names):
        if name in names[:position]:
            msg = f"tool `{name}` is offered twice"
            raise FieldError(f"tools[{position}].function.name", msg)
    return tuple(
        Tool(
            name=entry["function"]["name"],
            description=entry["function"].get("description"),
            parameters=entry["function"].get("parameters"),
            strict=entry["function"].get("strict"),
            wire=entry,
        )
        for entry in entries
    )


def _turns(fields: Mapping[str, Any]) -> Iterator[Turn]:
    alone = [name for name in ("messages", "expected", "expected_any_of") if fields.get(name) is not None]
    if fields.get("turns") is None:
        yield _turn(fields, "")
        return
    if alone:
        msg = f"stands beside `turns`, which takes its place: drop one of the two"
        raise FieldError(alone[0], msg)
    for position, turn in enumerate(fields["turns"]):
        yield _turn(turn, f"turns[{position}].")


def _turn(fields: Mapping[str, Any], place: str) -> Turn:
    if fields.get("messages") is None:
        msg = "missing: the messages that are sent" + ("" if place else " (or `turns`)")
        raise FieldError(f"{place}messages", msg)
    given = [name for name in ("expected", "expected_any_of") if fields.get(name) is not None]
    if not given:
        msg = 'missing: the calls that are wanted ([] for none, "any" for some call)'
        raise FieldError(f"{place}expected", msg)
    if len(given) > 1:
        msg = "stands beside `expected`: give one of the two"
        raise FieldError(f"{place}expected_any_of", msg)
    return Turn(
        messages=tuple(fields["messages"]),
        expected=_expected(fields, given[0]),
        tool_results=tuple(fields.get("tool_results") or ()),
    )


def _expected(fields: Mapping[str, Any], name: str) -> Expected:
    if fields[name] == "any":
        return "any"
    lists: Sequence[Any] = fields[name] if name == "expected_any_of" else [fields[name]]
    return tuple(tuple(ExpectedCall(call["name"], call["arguments"]) for call in calls) for calls in lists)


def _refuse_unoffered(fields: JsonObject, turns: tuple[Turn, ...], offered: set[str]) -> None:
    for number, turn in enumerate(turns):
        if turn.expected == "any":
            continue
        for alternative, calls in enumerate(turn.expected):
            for position, call in enumerate(calls):
                if call.name not in offered:
                    place = f"turns[{number}]." if fields.get("turns") is not None else ""
                    source = fields["turns"][number] if place else fields  # type: ignore[index, call-overload]
                    one = source.get("expected_any_of") is None  # type: ignore[union-attr]
                    listed = f"expected[{position}]" if one else f"expected_any_of[{alternative}][{position}]"
                    msg = f"tool `{call.name}` is expected but not offered{did_you_mean(call.name, offered)}"
                    raise FieldError(f"{place}{listed}.name", msg)


def _row_error(error: ValidationError) -> FieldError:
    first = error.errors(include_url=False)[0]
    field = ""
    for part in first["loc"]:
        if isinstance(part, int):
            field += f"[{part}]"
        elif part.isidentifier():
            field += f".{part}" if field else part
    if first["type"] == "missing":
        return FieldError(field, "missing")
    if first["type"] == "extra_forbidden":
        return FieldError(field, "unknown field")
    found = json_text(first["input"]) if first["type"] != "value_error" else ""
    shown = f", found {found[:80]}{'...' if len(found) > 80 else ''}" if found else ""  # noqa: PLR2004 -- a line's worth
    return FieldError(field, first["msg"].removeprefix("Value error, ") + shown)
