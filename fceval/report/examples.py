"""The cases that a report shows in full: which ones, and what stands beside each other in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from fceval.identity import OfSame
from fceval.records import Attempt, Case, Json, JsonObject, Key, Response
from fceval.report.document import ComparedArgument, ComparedCall, Example, Message, OfferedTool, Tried
from fceval.scoring.verdict import OUTCOMES
from fceval.tables import KEY_COLUMNS, of_responses

SHOWN = 200
"""How many failures a report shows in full unless told otherwise."""
OPENED = 1_000
"""How many responses a list of cases can open, those included; failures come first."""

_ROWS = 100_000
"""How many responses are looked through at once for those that failed: to sort all of a long run takes much memory."""

_Place = tuple[str, str, int, int]
_position = pl.col("outcome").replace_strict({name: at for at, name in enumerate(OUTCOMES)})


def failing_keys(scores: pl.LazyFrame, limit: int = SHOWN) -> list[Key]:
    """Return which responses to show: every kind of failure in turn until the limit is reached.

    Args:
        scores: Rows of `fceval.rows.Score`.
        limit: The most keys to return.

    Returns:
        Keys with step 0: the model's failures first, by outcome, then what was not measured.
    """
    in_turn = (
        _first_of_each(scores, limit)
        .with_columns(nth=pl.int_range(pl.len()).over("position"))
        .sort("nth", ~pl.col("measured"), "position")
        .head(limit)
        .sort(~pl.col("measured"), "position", *KEY_COLUMNS)
        .select(KEY_COLUMNS)
    )
    return [Key(case_id, variant, trial, turn, 0) for case_id, variant, trial, turn in in_turn.iter_rows()]


def _first_of_each(scores: pl.LazyFrame, limit: int) -> pl.DataFrame:
    """Return so many failures of every kind, the first ones by their keys, sorted; some rows are read at a time."""
    kind = _position.alias("position")
    first = scores.head(0).select(kind, *KEY_COLUMNS, "measured").collect()
    number = scores.select(pl.len()).collect(engine="streaming").item()
    for at in range(0, number, _ROWS):
        failing = scores.slice(at, _ROWS).filter(pl.col("outcome") != "passed")
        some = pl.concat([first, failing.select(kind, *KEY_COLUMNS, "measured").collect()])
        first = some.sort("position", *KEY_COLUMNS).group_by("position", maintain_order=True).head(limit)
    return first


def opened_keys(scores: pl.LazyFrame, limit: int = OPENED) -> list[Key]:
    """Return which responses a list of cases can open: failures as `failing_keys` has them, then passes.

    Args:
        scores: Rows of `fceval.rows.Score`.
        limit: The most keys to return. Of more passes than there is room for, every so many are taken.
    """
    failing = failing_keys(scores, limit)
    passed = scores.filter(pl.col("outcome") == "passed").select(KEY_COLUMNS)
    room = limit - len(failing)
    number = passed.select(pl.len()).collect(engine="streaming").item() if room else 0
    if not number:
        return failing
    nth = pl.Series(sorted({at * number // min(room, number) for at in range(min(room, number))}), dtype=pl.UInt32)
    taken = passed.with_row_index("nth").filter(pl.col("nth").is_in(nth.implode())).sort("nth")
    rows = taken.select(KEY_COLUMNS).collect(engine="streaming").iter_rows()
    return [*failing, *(Key(case_id, variant, trial, turn, 0) for case_id, variant, trial, turn in rows)]


def examples(  # noqa: PLR0913, PLR0917 -- the tables of a run and what they refer to
    keys: list[Key],
    scores: pl.LazyFrame,
    calls: pl.LazyFrame,
    arguments: pl.LazyFrame,
    cases: Mapping[str, Case],
    responses: Mapping[Key, Response],
) -> tuple[Example, ...]:
    """Return an `Example` per key, in their order; what `cases` and `responses` lack is left empty."""
    places = pl.DataFrame(
        [_place(key) for key in keys], schema=scores.select(KEY_COLUMNS).collect_schema(), orient="row"
    )
    scored = {_place_of(row): row for row in _rows(scores, places)}
    compared = _compared(_rows(calls, places), _rows(arguments, places))
    answers: dict[_Place, list[Response]] = {}
    for key in sorted(responses):
        answers.setdefault(_place(key), []).append(responses[key])
    return tuple(
        _example(scored[place], cases.get(place[0]), tuple(compared.get(place, {}).values()), answers.get(place, []))
        for place in map(_place, keys)
    )


def _place(key: Key) -> _Place:
    return key.case_id, key.variant, key.trial, key.turn


def _place_of(row: Mapping[str, Any]) -> _Place:
    return row["case_id"], row["variant"], row["trial"], row["turn"]


def _rows(table: pl.LazyFrame, places: pl.DataFrame) -> list[dict[str, Any]]:
    order = [name for name in ("pair", "path", "argument") if name in table.collect_schema().names()]
    found = of_responses(table, places).collect(engine="streaming")
    return found.sort(*KEY_COLUMNS, *order).to_dicts()


def _compared(calls: list[dict[str, Any]], arguments: list[dict[str, Any]]) -> dict[_Place, dict[int, ComparedCall]]:
    of_pair: dict[tuple[_Place, int], list[ComparedArgument]] = {}
    for row in arguments:
        fields = (row[name] for name in ("argument", "path", "fault", "rule", "expected", "predicted"))
        of_pair.setdefault((_place_of(row), row["pair"]), []).append(ComparedArgument(*fields))
    pairs: dict[_Place, dict[int, ComparedCall]] = {}
    for row in calls:
        place = _place_of(row)
        pairs.setdefault(place, {})[row["pair"]] = ComparedCall(
            expected_tool=None if row["expected_index"] is None else row["tool"],
            predicted_tool=row["predicted_tool"],
            fault=row["fault"],
            ignored=row["ignored"],
            expected_arguments=row["expected_arguments"],
            predicted_arguments=row["predicted_arguments"],
            arguments=tuple(of_pair.get((place, row["pair"]), ())),
        )
    return pairs


def _example(
    score: Mapping[str, Any], case: Case | None, calls: tuple[ComparedCall, ...], answers: list[Response]
) -> Example:
    messages = [answer.message for answer in answers if answer.message is not None]
    return Example(
        case_id=score["case_id"],
        variant=score["variant"],
        trial=score["trial"],
        turn=score["turn"],
        category=score["category"],
        tags=tuple(score["tags"]),
        outcome=score["outcome"],
        measured=score["measured"],
        wanted=score["wanted"],
        messages=_conversation(case, score["turn"]) if case else (),
        tools=tuple(_offered(tool.name, tool.description, tool.parameters) for tool in case.tools) if case else (),
        calls=calls,
        answer="\n".join(_pretty(message) for message in messages) if messages else None,
        finish_reason=score["finish_reason"],
        failure_detail=score["failure_detail"],
        alternative=score["alternative"],
        alternatives=_alternatives(case, score["turn"]) if case else 1,
        irregularities=tuple(score["irregularities"]),
        repairs=tuple(score.get("repairs", ())),  # younger than the first scores of this format version
        passed_repaired=score.get("passed_repaired"),
        attempts=tuple(_tried(attempt) for answer in answers for attempt in answer.attempts),
    )


def _tried(attempt: Attempt) -> Tried:
    return Tried(
        started_at=attempt.started_at,
        latency_s=attempt.latency_s,
        ttft_s=attempt.ttft_s,
        status=attempt.status,
        failure=attempt.failure,
        detail=attempt.detail,
    )


def _alternatives(case: Case, turn: int) -> int:
    expected = case.turns[turn].expected
    return 1 if expected == "any" else len(expected)


def _conversation(case: Case, turn: int) -> tuple[Message, ...]:
    said = [message for spoken in case.turns[: turn + 1] for message in spoken.messages]
    return tuple(Message(str(message.get("role", "")), _content(message)) for message in said)


def _content(message: JsonObject) -> str:
    """Return the text of a message that is nothing but text, else all of it but its role."""
    rest = {name: value for name, value in message.items() if name != "role"}
    content = rest.get("content")
    return content if isinstance(content, str) and len(rest) == 1 else _pretty(rest)


def _offered(name: str, description: str | None, parameters: JsonObject | None) -> OfferedTool:
    return OfferedTool(name, description or "", "" if parameters is None else _schema_text(parameters))


def _pretty(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


_schema_text = OfSame[JsonObject, str](_pretty)
"""Most cases offer the same tools."""
