"""Answers made elsewhere, as responses: what `fceval score --predictions` reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, StrictStr, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from fceval.cases.digests import Seen, TurnCounts
from fceval.cases.read import read_rows
from fceval.cases.rows import field_error
from fceval.errors import DatasetError
from fceval.records import Json, JsonObject, Key, Response, Usage, json_text

_OPEN = ConfigDict(extra="ignore")  # rows are looked at here, and kept as they were read
_LAST_TRIAL = 999
_VARIANT = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"


@with_config(_OPEN)
class _Call(TypedDict):
    name: StrictStr
    arguments: Any


@with_config(_OPEN)
class _Prediction(TypedDict):
    case_id: Annotated[StrictStr, Field(min_length=1)]
    variant: NotRequired[Annotated[StrictStr, Field(pattern=_VARIANT)]]
    trial: NotRequired[Annotated[int, Field(ge=0, le=_LAST_TRIAL, strict=True)]]
    turn: NotRequired[Annotated[int, Field(ge=0, strict=True)]]
    tool_calls: NotRequired[list[_Call] | None]
    content: NotRequired[StrictStr | None]
    message: NotRequired[dict[str, Any]]
    finish_reason: NotRequired[StrictStr | None]


_PREDICTION = TypeAdapter(_Prediction)
_NO_USAGE = Usage()


def read_predictions(path: Path, turns: TurnCounts) -> Iterator[Response]:
    """Yield the responses of a predictions file, in its order.

    Args:
        path: JSONL: `{"case_id", "trial"?, "tool_calls": [{"name", "arguments"}]}` or `{"case_id", "message"}`.
        turns: Of the dataset.

    Raises:
        DatasetError: A row is no prediction, is for an unknown case, or predicts what another row did.
    """
    seen = Seen()
    for row, fields in read_rows(path):
        try:
            prediction: Any = _PREDICTION.validator.validate_python(fields)
        except ValidationError as error:
            wrong = field_error(error)
            raise DatasetError(str(wrong), file=str(path), row=row, field=wrong.field) from None
        key = _key(prediction)
        if key.turn >= (planned := turns.of(key.case_id)):
            known = planned > 0
            problem = f"`{key.case_id}` has no turn {key.turn}" if known else f"the dataset has no `{key.case_id}`"
            raise DatasetError(problem, file=str(path), row=row, field="turn" if known else "case_id")
        if seen.add(key) and (first := next(at for at, each in read_rows(path) if _key(each) == key)) != row:
            problem = f"row {first} predicts the same case, trial and turn"
            raise DatasetError(problem, file=str(path), row=row)
        if "message" not in prediction and "tool_calls" not in prediction:
            problem = "neither `tool_calls` nor `message`"
            raise DatasetError(problem, file=str(path), row=row)
        reason = prediction.get("finish_reason")
        yield Response(key, "", _message(prediction), reason, _NO_USAGE, None, (), ())


def _key(prediction: Mapping[str, Any]) -> Key:
    trial, turn = prediction.get("trial", 0), prediction.get("turn", 0)
    return Key(prediction["case_id"], prediction.get("variant", "default"), trial, turn, step=0)


def _message(prediction: Mapping[str, Any]) -> JsonObject:
    """Return the prediction as an assistant message; null and an empty list of calls stay apart."""
    if "message" in prediction:
        message: JsonObject = prediction["message"]
        return message
    calls = prediction["tool_calls"]
    entries: Json = calls and [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": call["name"],
                "arguments": call["arguments"] if isinstance(call["arguments"], str) else json_text(call["arguments"]),
            },
        }
        for number, call in enumerate(calls)
    ]
    return {"role": "assistant", "content": prediction.get("content"), "tool_calls": entries}
