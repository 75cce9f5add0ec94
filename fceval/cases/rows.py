"""The shape of one row: which fields a case has, of which type, and what must agree between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    TypeAdapter,
    ValidationError,
    with_config,
)
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from fceval.errors import FieldError, did_you_mean
from fceval.identity import OfSame
from fceval.records import Case, Expected, ExpectedCall, JsonObject, Tool, Turn, json_text

_OPEN = ConfigDict(strict=True, extra="ignore")  # rows are looked at here, and kept as they were read
_CLOSED = ConfigDict(strict=True, extra="forbid")

# Names and labels are columns of tables, which hold Unicode text only: any limit of length has pydantic look at that.
_Label = Annotated[StrictStr, Field(min_length=0)]
_Name = Annotated[StrictStr, Field(min_length=1)]


@with_config(_OPEN)
class _Message(TypedDict):
    role: Annotated[StrictStr, Field(min_length=1)]


@with_config(_OPEN)
class _Function(TypedDict):
    name: _Name
    description: NotRequired[StrictStr | None]
    parameters: NotRequired[dict[str, Any] | None]
    strict: NotRequired[StrictBool | None]


@with_config(_OPEN)
class _Tool(TypedDict):
    type: NotRequired[Literal["function"]]
    function: _Function


@with_config(_CLOSED)
class _Call(TypedDict):
    name: _Name
    arguments: dict[_Label, Any]


@with_config(_CLOSED)
class _ToolResult(TypedDict):
    name: NotRequired[StrictStr]
    arguments: NotRequired[dict[str, Any]]
    content: StrictStr


_Messages = Annotated[list[_Message], Field(min_length=1)]
_Calls = list[_Call] | Literal["any"]
_Alternatives = Annotated[list[list[_Call]], Field(min_length=1)]


@with_config(_CLOSED)
class _Turn(TypedDict):
    messages: _Messages
    expected: NotRequired[_Calls]
    expected_any_of: NotRequired[_Alternatives]
    tool_results: NotRequired[list[_ToolResult]]


@with_config(_OPEN)
class _Row(TypedDict):
    case_id: _Name
    category: NotRequired[_Label | None]
    tags: NotRequired[list[_Label] | None]
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
    strings: NotRequired[Literal["normalized", "exact"] | None]
    source: NotRequired[Any]


FIELDS: tuple[str, ...] = tuple(_Row.__annotations__)
"""Every field of a row that fceval knows, in the order in which rows are written."""

_RESERVED = {
    "model": "the run says which model is asked, not a case: drop it",
    "stream": "the run says whether answers are streamed, not a case: drop it",
    "messages": "stands in `messages` of the row: drop it",
    "tools": "stands in `tools` of the row: drop it",
}
_ROW = TypeAdapter(_Row)
_NEAR = 0.8
_SHOWN = 80
_LISTED = "list[_Call]"
"""How pydantic calls the one of the two things that `expected` may be."""
_OWN_LETTERS = 3
_INNER_FIELDS = sorted({name for part in (_Call, _ToolResult, _Turn) for name in part.__annotations__})


def case_of(fields: JsonObject, row: int) -> Case:
    """Return a row as a case.

    Args:
        fields: The decoded row.
        row: Its 1-based number, kept for messages.

    Raises:
        FieldError: A field is missing, of another type, or at odds with another; the first one found.
    """
    _refuse_misspelt(tuple(fields))
    known = _offered.knows(fields.get("tools"))  # then they were checked in another row
    checked = {**fields, "tools": []} if known else fields
    try:
        _ROW.validator.validate_python(checked)
    except ValidationError as error:
        raise field_error(error) from None
    values: Mapping[str, Any] = fields
    request = values.get("request") or {}
    if request:
        _refuse_reserved(request)
    tools, names = _offered(fields["tools"])
    turns = (_turn(fields, "", names),) if fields.get("turns") is None else tuple(_turns(fields, names))
    return Case(
        case_id=values["case_id"],
        category=values.get("category") or "uncategorised",
        tools=tools,
        turns=turns,
        tool_choice=values.get("tool_choice"),
        parallel_tool_calls=values.get("parallel_tool_calls"),
        request=request,
        order=values.get("order"),
        extra_calls=values.get("extra_calls"),
        strings=values.get("strings"),
        tags=tuple(values.get("tags") or ()),
        fields=fields,
        row=row,
    )


def _refuse_reserved(request: JsonObject) -> None:
    """A dataset says what is asked, not of which model, nor over which wire."""
    for name, why in _RESERVED.items():
        if name in request:
            raise FieldError(why, f"request.{name}")


@lru_cache
def _refuse_misspelt(names: tuple[str, ...]) -> None:
    for name in names:
        word = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).lower()  # `caseId` and `case-id` mean `case_id`
        if name not in FIELDS and (advice := did_you_mean(word, FIELDS, cutoff=_NEAR)) and not _is_own_word(word):
            msg = f"unknown field{advice}"
            raise FieldError(msg, name)


def _is_own_word(word: str) -> bool:
    """Whether a name is near a known one only because it is made from it, as `request_id` and `subcategory` are."""
    if any(known.startswith(word) for known in FIELDS):
        return False
    own_letters = {known: len(word.replace(known, "", 1).strip("_")) for known in FIELDS if known in word}
    return any(
        letters >= _OWN_LETTERS or (letters and f"_{known}_" in f"_{word}_") for known, letters in own_letters.items()
    )


def _tools(entries: Any) -> tuple[tuple[Tool, ...], frozenset[str]]:  # noqa: ANN401 -- decoded JSON, checked
    """Return the tools of a row, and their names."""
    names = [entry["function"]["name"] for entry in entries]
    for position, name in enumerate(names):
        if name in names[:position]:
            msg = f"tool `{name}` is offered twice"
            raise FieldError(msg, f"tools[{position}].function.name")
    tools = tuple(
        Tool(
            name=entry["function"]["name"],
            description=entry["function"].get("description"),
            parameters=entry["function"].get("parameters"),
            strict=entry["function"].get("strict"),
            wire=entry,
        )
        for entry in entries
    )
    return tools, frozenset(names)


_offered = OfSame(_tools)
"""Rows with the same tools share them."""


def _turns(fields: Mapping[str, Any], offered: AbstractSet[str]) -> Iterator[Turn]:
    for name in ("messages", "expected", "expected_any_of"):
        if fields.get(name) is not None:
            msg = "stands beside `turns`, which takes its place: drop one of the two"
            raise FieldError(msg, name)
    for position, turn in enumerate(fields["turns"]):
        yield _turn(turn, f"turns[{position}].", offered)


def _turn(fields: Mapping[str, Any], place: str, offered: AbstractSet[str]) -> Turn:
    if fields.get("messages") is None:
        msg = "missing: the messages that are sent" + ("" if place else " (or `turns`)")
        raise FieldError(msg, place + "messages")
    has_one, has_several = fields.get("expected") is not None, fields.get("expected_any_of") is not None
    if not has_one and not has_several:
        msg = 'missing: the calls that are wanted ([] for none, "any" for some call)'
        raise FieldError(msg, place + "expected")
    if has_one and has_several:
        msg = "stands beside `expected`: give one of the two"
        raise FieldError(msg, place + "expected_any_of")
    results = tuple(fields.get("tool_results") or ())
    if results:
        _check_results(results, place + "tool_results")
    return Turn(
        messages=tuple(fields["messages"]),
        expected=_expected(fields, "expected" if has_one else "expected_any_of", place, offered),
        tool_results=results,
    )


def _check_results(results: Sequence[Mapping[str, Any]], place: str) -> None:
    """Refuse results that no call would ever get."""
    nameless = [position for position, result in enumerate(results) if "name" not in result]
    for position in nameless:
        if "arguments" in results[position]:
            msg = "missing: arguments of which tool? (without both it is the result of any call that has no other)"
            raise FieldError(msg, f"{place}[{position}].name")
    if len(nameless) > 1:
        msg = f"missing: [{nameless[0]}] is the result of any call that has no other already; there is one at most"
        raise FieldError(msg, f"{place}[{nameless[1]}].name")


def _expected(fields: Mapping[str, Any], name: str, place: str, offered: AbstractSet[str]) -> Expected:
    given = fields[name]
    if given == "any":
        return "any"
    if name == "expected":
        return (_expected_calls(given, place + name, offered),)
    return tuple(_expected_calls(calls, f"{place}{name}[{at}]", offered) for at, calls in enumerate(given))


def _expected_calls(calls: Sequence[Any], place: str, offered: AbstractSet[str]) -> tuple[ExpectedCall, ...]:
    for position, call in enumerate(calls):
        if call["name"] not in offered:
            msg = f"tool `{call['name']}` is expected but not offered{did_you_mean(call['name'], offered)}"
            raise FieldError(msg, f"{place}[{position}].name")
    return tuple([ExpectedCall(call["name"], call["arguments"]) for call in calls])


def field_error(error: ValidationError) -> FieldError:
    """Return the first thing that is wrong with a row, for the reader to say in which file and row."""
    first = error.errors(include_url=False)[0]
    field = ""
    for part in first["loc"]:
        if isinstance(part, int):
            field += f"[{part}]"
        elif part.isidentifier():
            field += f".{part}" if field else part
    if first["type"] == "missing":
        return FieldError("missing", field)
    if first["type"] == "extra_forbidden":
        return FieldError(f"unknown field{did_you_mean(str(first['loc'][-1]), _INNER_FIELDS)}", field)
    found = json_text(first["input"])
    shown = f"{found[:_SHOWN]}{'...' if len(found) > _SHOWN else ''}"
    if first["type"] == "string_unicode":
        return FieldError(f"holds a lone surrogate, which is no Unicode text: {shown}", field)
    if first["loc"][-1] == _LISTED and isinstance(first["input"], str):
        return FieldError(f'a list of calls, or "any", not {shown}', field)
    said = first["msg"].removesuffix(" after validation, not 0")
    return FieldError(f"{said.replace('valid dictionary', 'JSON object')}, found {shown}", field)
