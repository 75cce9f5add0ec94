"""The list of a run's responses, a line each: every one of a run that is not too long, else failures and a sample."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from fceval.jsontext import JsonTextError, read_json
from fceval.records import json_text
from fceval.report.document import CaseLine
from fceval.report.examples import failing_keys
from fceval.report.wording import OUTCOME_MEANINGS, counted
from fceval.tables import KEY_COLUMNS, of_responses

LISTED = 20_000
"""How many responses are listed; a run of any length fits into memory with them."""
LONGEST_ARGUMENTS = 2_000
"""Characters of a call's arguments, or of a message on what went wrong, beyond which they are cut."""

_LONGEST_VALUE = 200
_LEAST_PASSES = 10  # one line in so many is kept for what passed, however much failed
_SEED = 20_260_101
_PLAIN = (
    *("case_id", "variant", "trial", "turn", "category", "tags", "outcome", "measured", "passed", "passed_strict"),
    *("latency_s", "prompt_tokens", "completion_tokens", "cost_usd", "attempts", "irregularities"),
)
_TEXTS = ("tags", "irregularities")
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*+")|\s+|([,:])')
_CALL_SIDES = ("expected_arguments", "predicted_arguments")

_Row = Mapping[str, Any]
_Place = tuple[str, str, int, int]


def case_list(
    scores: pl.LazyFrame, calls: pl.LazyFrame, arguments: pl.LazyFrame, limit: int = LISTED
) -> tuple[tuple[CaseLine, ...], str]:
    """Return the lines, in the order of `scores`, and what was left out; the same tables give the same lines.

    Args:
        scores: Rows of `fceval.rows.Score`.
        calls: Rows of `fceval.rows.CallFact`.
        arguments: Rows of `fceval.rows.ArgumentFact`.
        limit: The most lines. Of a longer run, failures come first, every kind of them in turn.
    """
    total, failed = scores.select(pl.len(), (pl.col("outcome") != "passed").sum()).collect(engine="streaming").row(0)
    numbered = scores.with_row_index("row")
    chosen, note = (numbered, "") if total <= limit else _cut(numbered, total, failed, limit)
    columns = ["row", *_PLAIN, "failure_detail", "bfcl_error_type"]
    rows = chosen.select(columns).collect(engine="streaming").sort("row")
    failures = rows.filter(pl.col("outcome") != "passed").select(*KEY_COLUMNS, "outcome")
    sides = pl.col(_CALL_SIDES).str.head(LONGEST_ARGUMENTS + 1)
    pairs = _by_place(of_responses(calls.with_columns(sides), failures))
    faults = _by_place(_deciding(of_responses(arguments, failures, "inner")))
    tools = _tools(calls, rows.select(KEY_COLUMNS))
    return tuple(_line(row, pairs, faults, tools) for row in rows.iter_rows(named=True)), note


def _tools(calls: pl.LazyFrame, chosen: pl.DataFrame) -> dict[_Place, tuple[str, ...]]:
    """Return the names of the tools that were expected or called in each response."""
    of_chosen = of_responses(calls, chosen)
    named = of_chosen.select(*KEY_COLUMNS, tool=pl.concat_list("tool", "predicted_tool")).explode("tool").drop_nulls()
    found = named.group_by(KEY_COLUMNS).agg(pl.col("tool").unique().sort()).collect(engine="streaming")
    return {_place(row): tuple(row["tool"]) for row in found.iter_rows(named=True)}


def _cut(scores: pl.LazyFrame, total: int, failed: int, limit: int) -> tuple[pl.LazyFrame, str]:
    """Return as many failures as fit beside a sample of passes, and what that leaves out."""
    passes = total - failed
    failures = min(failed, limit - min(passes, limit // _LEAST_PASSES))
    sampled = min(passes, limit - failures)
    keys = [(key.case_id, key.variant, key.trial, key.turn) for key in failing_keys(scores, failures)]
    shown = pl.DataFrame(keys, schema=scores.select(KEY_COLUMNS).collect_schema(), orient="row")
    # Python's own generator: its samples stay the same from version to version.
    nth = random.Random(_SEED).sample(range(passes), sampled)  # noqa: S311 -- a sample
    passed = scores.filter(pl.col("outcome") == "passed").select("row").collect(engine="streaming")["row"].sort()
    failing = of_responses(scores.select("row", *KEY_COLUMNS), shown).collect(engine="streaming")["row"]
    rows = pl.concat([failing, passed.gather(nth)])
    which = f"the {counted(failed, 'failure')}"
    if failures < failed:
        which = f"{failures:,} of {failed:,} failures, every kind of them in turn,"
    told = f"Listed are {which} and a random sample of {sampled:,} of {counted(passes, 'pass', 'passes')}"
    return scores.filter(pl.col("row").is_in(rows.implode())), f"{told}; all {total:,} responses are in scores.parquet."


def _deciding(arguments: pl.LazyFrame) -> pl.LazyFrame:
    """Return of each response the first argument with the fault that became its outcome."""
    faulty = arguments.filter(pl.col("fault") == pl.col("outcome")).sort(*KEY_COLUMNS, "pair", "path", "argument")
    shown = pl.col("expected", "predicted").str.head(_LONGEST_VALUE + 1)
    return faulty.unique(KEY_COLUMNS, keep="first").with_columns(shown)


def _by_place(table: pl.LazyFrame) -> dict[_Place, list[_Row]]:
    found: dict[_Place, list[_Row]] = {}
    for row in table.collect(engine="streaming").sort(*KEY_COLUMNS, "pair").iter_rows(named=True):
        found.setdefault(_place(row), []).append(row)
    return found


def _place(row: _Row) -> _Place:
    return row["case_id"], row["variant"], row["trial"], row["turn"]


def _line(
    row: _Row,
    pairs: Mapping[_Place, list[_Row]],
    faults: Mapping[_Place, list[_Row]],
    tools: Mapping[_Place, tuple[str, ...]],
) -> CaseLine:
    place = _place(row)
    calls = pairs.get(place, [])
    plain: dict[str, Any] = {name: tuple(row[name]) if name in _TEXTS else row[name] for name in _PLAIN}
    return CaseLine(
        **plain,
        detail=_detail(row, calls, faults.get(place, [])),
        expected=_calls("expected", calls),
        predicted=_calls("predicted", calls),
        tools=tools.get(place, ()),
    )


def _calls(side: str, pairs: Iterable[_Row]) -> tuple[str, ...]:
    """Return the calls of one side in their own order."""
    tool = {"expected": "tool", "predicted": "predicted_tool"}[side]
    there = sorted(
        (pair for pair in pairs if pair[f"{side}_index"] is not None), key=lambda pair: pair[f"{side}_index"]
    )
    return tuple(_call(pair[tool], pair[f"{side}_arguments"]) for pair in there)


def _call(tool: str | None, arguments: str | None) -> str:
    return f'{{"name": {json_text(tool)}, "arguments": {_one_line(arguments or "")}}}'


def _one_line(text: str) -> str:
    """Return JSON text on one line, evenly spaced; numbers stay as written. What is no JSON becomes a JSON string."""
    if len(text) > LONGEST_ARGUMENTS:
        return json_text(_shortened(text, LONGEST_ARGUMENTS))
    try:
        value = read_json(text)
    except JsonTextError:
        return json_text(text)
    if "\\" not in text and json_text(value) == text:  # as most of it is written: nothing would change
        return text
    return _TOKEN.sub(_spaced, text)


def _spaced(token: re.Match[str]) -> str:
    string, separator = token.groups()
    if string:
        return json_text(read_json(string))
    return f"{separator} " if separator else ""


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… (cut)"


def _detail(row: _Row, calls: Iterable[_Row], faults: Iterable[_Row]) -> str:
    """Say in a phrase what the outcome rests on."""
    outcome: str = row["outcome"]
    if outcome == "passed":
        return ""
    if row["failure_detail"]:
        return _shortened(row["failure_detail"], LONGEST_ARGUMENTS)
    for fault in faults:
        return _argument_fault(fault)
    for call in calls:
        if call["fault"] == outcome:
            return _call_fault(call)
    return str(row["bfcl_error_type"] or OUTCOME_MEANINGS[outcome])


def _argument_fault(fault: _Row) -> str:
    where = f"{fault['tool']}, argument {fault['argument']}"
    if fault["path"] not in {f"$.{fault['argument']}", fault["argument"]}:
        where += f" at {fault['path']}"
    expected, predicted = (
        "nothing" if value is None else _shortened(value, _LONGEST_VALUE)
        for value in (fault["expected"], fault["predicted"])
    )
    return f"{where}: expected {expected}, got {predicted}"


def _call_fault(call: _Row) -> str:
    if call["expected_index"] is None:
        return f"{call['predicted_tool']} was called"
    if call["predicted_index"] is None:
        return f"{call['tool']} was not called"
    return f"expected {call['tool']}, got {call['predicted_tool']}"
