"""Which request comes next, given the answers so far; single turn is the case of one turn.

A later turn of a case builds on the earlier ones in one of two ways. Free-running: the model's own message is
replayed verbatim and its calls are answered from the turn's `tool_results`. Teacher-forced: the calls that the case
expects stand in place of the model's, so that every turn is asked, whatever the model did in the others.

A turn is one request, but where the dialect has room for one call a message: then a turn that wants several calls is
asked in steps, each with the result of the call before, until all are made or the model calls nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from fceval.dialects import Api, Dialect
from fceval.errors import FieldError
from fceval.records import Case, Json, JsonObject, Key, Request, Response, ToolCall, Turn, canonical_json, json_text
from fceval.scoring.samples import sample_calls

NO_RESULT = "{}"
"""What a call gets that the case has no scripted result for."""
NOTHING_TO_CALL = "OK."
"""What the assistant has said, teacher-forced, in a turn that expects no call or leaves open which."""

Turns: TypeAlias = Literal["free_running", "teacher_forced"]
"""What a later turn builds on: the model's own answers, or the expected ones."""

_TOKEN_LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Settings: one model x prompt x parameters combination of a run."""

    name: str = "default"
    """Names it in tables and reports."""
    model: str | None = None
    """None: the endpoint's."""
    system: str | None = None
    """System prompt in place of the case's own; None: as the case has it."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Body fields, over those of `[request]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What an endpoint wants of every body, beyond what is asked; by default nothing."""

    stream: bool = False
    """Ask for the answer piece by piece, with its usage."""
    extra_body: Mapping[str, Json] = field(default_factory=dict)
    """Body fields, over all others."""
    omit: frozenset[str] = frozenset()
    """Body fields that are not sent."""
    developer_as_system: bool = False
    """Messages in the role `developer` are sent as `system`."""
    token_limit: str | None = None
    """The name that the token limit is sent under; None: as it is given."""


class Dialogue(NamedTuple):
    """One case, asked once of one variant."""

    case: Case
    variant: Variant
    trial: int
    dialect: Dialect
    model: str
    """The endpoint's, where the variant names none."""
    request: Mapping[str, Json]
    """Body fields of the run."""
    shape: Shape = Shape()
    turns: Turns = "free_running"
    only_turn: int | None = None
    """The one turn that is asked, teacher-forced; None: all, one after the other."""


def parts(dialogue: Dialogue) -> Iterator[Dialogue]:
    """Yield what can be asked independently: each turn, where none builds on the model's answers; else the whole."""
    if dialogue.turns == "free_running":
        yield dialogue
        return
    for turn in range(len(dialogue.case.turns)):
        yield dialogue._replace(only_turn=turn)


def next_request(dialogue: Dialogue, history: Sequence[Response]) -> Request | None:
    """Return the next request, or None where the dialogue is over.

    Free-running, it is over where a turn was not measured: there is nothing that the next one could build on.

    Args:
        dialogue: The case and how it is asked.
        history: The responses so far, in order; measured and not.
    """
    turn, step = _place(dialogue, history)
    if turn >= len(dialogue.case.turns) or dialogue.only_turn not in {None, turn}:
        return None
    if dialogue.turns == "free_running" and history and history[-1].message is None:
        return None
    messages = _conversation(dialogue, history, turn)
    key = Key(dialogue.case.case_id, dialogue.variant.name, dialogue.trial, turn, step)
    return Request(key, _body(dialogue, _with_system(messages, dialogue.variant.system)), dialogue.case.tools)


def _place(dialogue: Dialogue, history: Sequence[Response]) -> tuple[int, int]:
    """Return the turn and the step that come next."""
    if not history:
        return dialogue.only_turn or 0, 0
    turn = history[-1].key.turn
    if not dialogue.dialect.one_call:
        return turn + 1, 0
    steps = [response for response in history if response.key.turn == turn]
    return (turn, len(steps)) if wants_more(dialogue, steps) else (turn + 1, 0)


def wants_more(dialogue: Dialogue, steps: Sequence[Response]) -> bool:
    """Return whether a turn is asked for one more call, because the dialect has room for one a message.

    Args:
        dialogue: The case and how it is asked.
        steps: The turn's responses so far, at least one.
    """
    if not dialogue.dialect.one_call:
        return False
    most = _most_wanted(dialogue.case.turns[steps[0].key.turn])
    called = all(step.message is not None and dialogue.dialect.parse(step.message).calls for step in steps)
    return called and len(steps) < most


def _most_wanted(turn: Turn) -> int:
    return 1 if turn.expected == "any" else max(map(len, turn.expected))


def check_teacher_forced(case: Case) -> None:
    """Refuse a case whose expected calls cannot be spelled out as the history of a later turn.

    Raises:
        FieldError: With the field, as `turns[0].expected[0].arguments.city`.
    """
    for number, turn in enumerate(case.turns[:-1]):
        try:
            sample_calls(turn.expected, case.tools)
        except FieldError as error:
            listed = "expected" if len(turn.expected) == 1 else "expected_any_of[0]"
            msg = f"{error}; expect a literal there, or run with turns = free_running"
            raise FieldError(msg, f"turns[{number}].{listed}{error.field}") from None


# --- what was said --------------------------------------------------------------------------------------------


def _conversation(dialogue: Dialogue, history: Sequence[Response], turn: int) -> list[JsonObject]:
    """Return what was said before the next request, the user's part of it included."""
    messages: list[JsonObject] = []
    for number, part in enumerate(dialogue.case.turns[: turn + 1]):
        messages += part.messages
        if number == turn or dialogue.turns == "free_running":
            steps = [response for response in history if response.key.turn == number]
            messages += _own_part(dialogue, steps) if steps else ()
        else:
            messages += _expected_part(dialogue, number)
    return messages


def _own_part(dialogue: Dialogue, steps: Sequence[Response]) -> Iterator[JsonObject]:
    """Yield what the model said in a turn, verbatim, each step followed by the results of its calls."""
    made: list[ToolCall] = []
    for step in steps:
        if step.message is not None:
            calls = dialogue.dialect.parse(step.message).calls
            made += calls
            contents = _results(dialogue.case.turns[step.key.turn], made)[len(made) - len(calls) :]
            yield step.message
            yield from dialogue.dialect.results(calls, contents)


def _expected_part(dialogue: Dialogue, number: int) -> Iterator[JsonObject]:
    """Yield what the model should have said in a turn, and the results of its calls."""
    turn = dialogue.case.turns[number]
    calls = [
        # Nine letters and digits: the only ids that every server takes in a history.
        ToolCall(f"call{number:02}{position:03}", name, json_text(arguments), arguments)
        for position, (name, arguments) in enumerate(sample_calls(turn.expected, dialogue.case.tools))
    ]
    contents = _results(turn, calls)
    width = 1 if dialogue.dialect.one_call else max(1, len(calls))
    for start in range(0, max(1, len(calls)), width):
        step = calls[start : start + width]
        yield dialogue.dialect.answer(step, None if calls else NOTHING_TO_CALL)
        yield from dialogue.dialect.results(step, contents[start : start + width])


def _with_system(messages: list[JsonObject], system: str | None) -> list[JsonObject]:
    if system is None:
        return messages
    role = "system"
    if messages and messages[0].get("role") in {"system", "developer"}:
        role = str(messages[0]["role"])
        messages = messages[1:]
    return [{"role": role, "content": system}, *messages]


def _results(turn: Turn, calls: Sequence[ToolCall]) -> list[str]:
    """Return a scripted result per call.

    It is the first unused one of that tool and those arguments, else of that tool; else the one for any call.
    """
    unused = [result for result in turn.tool_results if "name" in result]
    default = next((result for result in turn.tool_results if "name" not in result), {"content": NO_RESULT})
    contents = []
    for call in calls:
        named = [result for result in unused if result["name"] == call.name]
        exact = [result for result in named if "arguments" in result and _same(result["arguments"], call.value)]
        chosen = next(iter([*exact, *(result for result in named if "arguments" not in result)]), None)
        if chosen is not None:
            unused.remove(chosen)
        contents.append(str((chosen or default)["content"]))
    return contents


def _same(one: Json, other: Json) -> bool:
    return canonical_json(one) == canonical_json(other)


# --- what is sent ---------------------------------------------------------------------------------------------


def _body(dialogue: Dialogue, messages: Sequence[JsonObject]) -> JsonObject:
    """Return the body: what is asked, the nearer settings over the farther ones, and what the endpoint wants."""
    shape, api = dialogue.shape, dialogue.dialect.api
    if shape.developer_as_system:
        messages = [_in_the_role_of_system(message) for message in messages]
    body: dict[str, Json] = {"model": dialogue.variant.model or dialogue.model}
    body.update(dialogue.dialect.render(dialogue.case, messages))
    limit = "max_output_tokens" if api == "responses" else shape.token_limit
    for fields in (dialogue.request, dialogue.variant.request, dialogue.case.request):
        if fields:
            body.update({limit if limit and name in _TOKEN_LIMITS else name: value for name, value in fields.items()})
    if shape.stream:
        body.update(_streaming(api))
    body.update(shape.extra_body)
    return {name: value for name, value in body.items() if name not in shape.omit} if shape.omit else body


def _in_the_role_of_system(message: JsonObject) -> JsonObject:
    return {**message, "role": "system"} if message.get("role") == "developer" else message


def _streaming(api: Api) -> JsonObject:
    """Return what asks for a stream; that of the Responses API tells its usage unasked."""
    return {"stream": True} if api == "responses" else {"stream": True, "stream_options": {"include_usage": True}}
