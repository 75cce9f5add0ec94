"""Stage 4 for a whole run: its cases and answers as tables, a batch at a time, by the rules that the run asks for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice, takewhile

import polars as pl

from fceval import dialects
from fceval.cases.finding import Judgement
from fceval.cases.read import read_cases_at, read_turns, rows_of
from fceval.dialogue import Dialogue, wants_more
from fceval.errors import FieldError
from fceval.journal import JournalIndex, JournalPart, places
from fceval.prices import Price, cost_usd
from fceval.records import Case, ExpectedCall, JsonObject, Key, Parsed, Response, ToolCall, Usage, json_text
from fceval.rows import MetricRow
from fceval.runs import Run, dialogues_of
from fceval.scoring.bfcl.facts import as_bfcl
from fceval.scoring.bfcl.passable import why_unpassable
from fceval.scoring.bfcl.question import question_of
from fceval.scoring.equality import compare
from fceval.scoring.facts import Facts, facts_of
from fceval.scoring.matchers import acceptable, check_case, may_be_left_out
from fceval.scoring.repair import repaired
from fceval.scoring.rules import Rules
from fceval.scoring.verdict import scores_of, with_repairs
from fceval.spreading import spread
from fceval.stats.pace import Sent
from fceval.tables import ARGUMENTS, CALLS, KEY_COLUMNS, RESPONSE_FACTS, SCORES, ParquetTable, frame

_BATCH_RESPONSES = 10_000
_WORTH_PROCESSES = 30_000
"""Responses from which on it takes less time to start processes than they save."""
_TOOLS = dialects.load("tools")


def check_scorable(case: Case, rules: Rules) -> None:
    """Refuse a case that the rules could not judge.

    Raises:
        FieldError: An expectation cannot be read, or BFCL's rules lack what they need of the case.
    """
    check_case(case)
    if rules.name == "bfcl":
        question_of(case)


@dataclass(frozen=True, slots=True)
class _Judged:
    """An answer against its turn, and what repair changes."""

    facts: Facts
    """What the verdict is made of."""
    repairs: tuple[str, ...] = ()
    """Codes of the flaws that repair would undo, or did."""
    mended: Facts | None = None
    """Of the answer as repaired, where it is not that one which counts."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of a run's responses, one after the other in its tables: what is judged at once, in some process."""

    rows: range
    """Of the cases, 1-based."""
    skipped: int
    """Responses of the first of these cases that the part before has."""
    responses: int
    offsets: Mapping[int, int]
    """Where they are in the journal."""


@dataclass(frozen=True, slots=True)
class _Tables:
    """What judging a part makes of it."""

    scores: pl.DataFrame
    calls: pl.DataFrame
    arguments: pl.DataFrame
    sent: Sent


def write_tables(
    this: Run, responses: JournalIndex, processes: int | None = None, batch_responses: int = _BATCH_RESPONSES
) -> list[MetricRow]:
    """Write `scores`, `calls` and `arguments`, a batch of responses at a time; return how the run was paced.

    Each response is read once: what an attempt tells of the pace is noted while its response is judged.

    Args:
        this: The run.
        responses: Its answers.
        processes: How many judge at once; None: all cores, where there is enough to judge.
        batch_responses: How many are judged at once by each: the row groups of the tables, whoever judges.
    """
    if processes is None:
        processes = len(os.sched_getaffinity(0)) if len(responses) >= _WORTH_PROCESSES else 1
    sent = _nothing_sent(this)
    with (
        ParquetTable(this.folder / "scores.parquet", SCORES) as scores,
        ParquetTable(this.folder / "calls.parquet", CALLS) as calls,
        ParquetTable(this.folder / "arguments.parquet", ARGUMENTS) as arguments,
    ):
        for tables in spread(partial(_tables, this), _parts(this, responses, batch_responses), processes):
            scores.append(tables.scores)
            calls.append(tables.calls)
            arguments.append(tables.arguments)
            sent.add(tables.sent)
    asked = this.config.endpoint
    for response in responses.replaced():
        sent.note_replaced(response)
    return sent.rows(asked.rpm, asked.tpm, responses.possibly_billed, responses.lag_ms)


def _nothing_sent(this: Run) -> Sent:
    # Answers that other runs lent came with their attempts, all of them older than this run.
    return Sent(str(this.manifest["started_at"]) if this.config.reuse else None)


def _parts(this: Run, index: JournalIndex, batch: int) -> Iterator[_Part]:
    """Yield a run's responses in parts of one size, whatever cases they are of: the row groups of its tables."""
    asked = [(variant.name, trial) for variant in this.config.variants for trial in range(this.config.trials)]
    first, skipped, left = 1, 0, batch
    offsets: dict[int, int] = {}
    for row, (case_id, turns) in enumerate(read_turns(this.cases), start=1):
        keys = [Key(case_id, variant, trial, turn, 0) for variant, trial in asked for turn in range(turns)]
        of_case = dict(places(index, keys))
        offsets.update(of_case)
        rest = len(keys)
        while rest >= left:
            yield _Part(range(first, row + 1), skipped, batch, offsets)
            rest -= left
            first, skipped, left = (row, len(keys) - rest, batch) if rest else (row + 1, 0, batch)
            offsets = of_case if rest else {}
        left -= rest
    if left < batch:
        yield _Part(range(first, row + 1), skipped, batch - left, offsets)


def _tables(this: Run, part: _Part) -> _Tables:
    """Judge a part of a run."""
    sent, judged = _nothing_sent(this), list[_Judged]()
    prices, model = this.prices, this.config.endpoint.model
    with JournalPart(this.journal, part.offsets) as responses:
        answered = _answered(this, read_cases_at(this.cases, part.rows), responses)
        for dialogue, steps in islice(answered, part.skipped, part.skipped + part.responses):
            for step in steps:
                sent.note(step)
            each = _judged_turn(dialogue, _joined(steps), steps, this.config.rules)
            if len(steps) > 1:
                each = _in_steps(each, sum(bool(step.attempts) for step in steps))
            price = prices.get(dialogue.variant.model or model)
            judged.append(each if price is None else _priced(each, price))
    facts = [each.facts for each in judged]
    calls = frame([row for each in facts for row in each.calls], CALLS)
    scores = scores_of(frame([each.response for each in facts], RESPONSE_FACTS), calls)
    scores = _with_repairs(scores, judged, applied=this.config.rules.repair == "apply")
    return _Tables(scores, calls, frame([row for each in facts for row in each.arguments], ARGUMENTS), sent)


def _answered(
    this: Run, cases: Iterable[Case], responses: JournalPart
) -> Iterator[tuple[Dialogue, Sequence[Response]]]:
    """Yield the turns of cases, in the order of a run's tables, each with its responses."""
    for dialogue in dialogues_of(cases, this.config):
        for turn in range(len(dialogue.case.turns)):
            yield dialogue, _steps(dialogue, turn, responses)


def _scores(facts: Sequence[Facts]) -> pl.DataFrame:
    calls = frame([row for each in facts for row in each.calls], CALLS)
    return scores_of(frame([each.response for each in facts], RESPONSE_FACTS), calls)


def _with_repairs(scores: pl.DataFrame, batch: Sequence[_Judged], *, applied: bool) -> pl.DataFrame:
    flawed = [each for each in batch if each.repairs]
    if not flawed:
        return scores
    mended = _scores([each.mended or each.facts for each in flawed])
    codes = pl.Series("repairs", [list(each.repairs) for each in flawed], pl.List(pl.String()))
    repairs = mended.select(*KEY_COLUMNS, codes, pl.col("passed").alias("passed_repaired"))
    return with_repairs(scores, repairs, applied=applied)


def _steps(dialogue: Dialogue, turn: int, responses: JournalPart) -> list[Response]:
    """Return a turn's responses, at least one; where one is still wanted, it stands there as not run."""
    key = Key(dialogue.case.case_id, dialogue.variant.name, dialogue.trial, turn, 0)
    steps = [responses.get(key) or _not_run(key)]
    while wants_more(dialogue, steps):
        key = replace(key, step=len(steps))
        steps.append(responses.get(key) or _not_run(key))
    return steps


def _not_run(key: Key) -> Response:
    return Response(key, "", None, None, Usage(), None, (), ())


def _joined(steps: Sequence[Response]) -> Response:
    """Return the steps of a turn as one response: it took what all of them took, and ended as the last one."""
    if len(steps) == 1:
        return steps[0]
    last, final = steps[-1], [step.attempts[-1] for step in steps if step.attempts]
    attempts = [attempt for step in steps for attempt in step.attempts]
    if last.attempts:
        attempts[-1] = replace(last.attempts[-1], latency_s=sum(attempt.latency_s for attempt in final))
    return replace(
        last,
        key=steps[0].key,
        usage=Usage(
            prompt_tokens=_sum(step.usage.prompt_tokens for step in steps),
            completion_tokens=_sum(step.usage.completion_tokens for step in steps),
        ),
        irregularities=tuple(sorted({code for step in steps for code in step.irregularities})),
        attempts=tuple(attempts),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _judged_turn(dialogue: Dialogue, response: Response, steps: Sequence[Response], rules: Rules) -> _Judged:
    case, dialect = dialogue.case, dialogue.dialect
    if response.message is None:
        return _Judged(facts_of(case, response, None, rules))
    parsed = _parsed_together([dialect.parse(step.message) for step in steps if step.message is not None])
    if rules.name == "bfcl":  # which reads messages in its own way, and knows no repair
        message = response.message if dialogue.dialect is _TOOLS else _TOOLS.answer(parsed.calls, parsed.text or None)
        return _Judged(as_bfcl(facts_of(case, response, parsed, rules), case, message))
    repair = None if rules.repair == "off" else repaired(parsed, case)
    if repair is None:
        return _Judged(facts_of(case, response, parsed, rules))
    mended, codes = repair
    facts = facts_of(case, response, mended, rules)
    if rules.repair == "apply":
        return _Judged(facts, codes)
    return _Judged(facts_of(case, response, parsed, rules), codes, facts)


def _parsed_together(parts: Sequence[Parsed]) -> Parsed:
    """Return what was said in the steps of a turn as if it had been said at once."""
    if len(parts) == 1:
        return parts[0]
    return Parsed(
        calls=tuple(call for part in parts for call in part.calls),
        text=parts[-1].text,
        refusal=parts[-1].refusal,
        problems=tuple(problem for part in parts for problem in part.problems),
        notes=tuple(sorted({note for part in parts for note in part.notes})),
        leaked=tuple(call for part in parts for call in part.leaked),
    )


def _in_steps(judged: _Judged, requests: int) -> _Judged:
    """Return what was judged with the number of requests that it took: the steps of a turn are no retries."""
    return replace(judged, facts=replace(judged.facts, response=replace(judged.facts.response, requests=requests)))


def _priced(judged: _Judged, price: Price) -> _Judged:
    response = judged.facts.response
    usage = Usage(response.prompt_tokens, response.completion_tokens)
    return replace(judged, facts=replace(judged.facts, response=replace(response, cost_usd=cost_usd(usage, price))))


def looked_up(this: Run, keys: Sequence[Key]) -> tuple[Mapping[str, Case], Mapping[Key, Response]]:
    """Return the cases and responses of some keys; what took several steps holds the messages of all of them."""
    if this.is_redacted:
        return {}, {}
    rows = rows_of(this.cases, {key.case_id for key in keys}) if keys else []
    cases = {case.case_id: case for case in read_cases_at(this.cases, rows)}
    with closing(JournalIndex(this.journal)) as index:
        return cases, {key: response for key in keys if (response := _whole(key, index))}


def _whole(key: Key, index: JournalIndex) -> Response | None:
    found = takewhile(lambda step: step is not None, (index.get(replace(key, step=step)) for step in count()))
    steps = [step for step in found if step is not None]
    if len(steps) <= 1:
        return steps[0] if steps else None
    return replace(_joined(steps), message={"steps": [step.message for step in steps]})


def judgement() -> Judgement:
    """Return what linting has to know of expectations and of foreign rules."""
    return Judgement(
        check=check_case,
        acceptable=acceptable,
        may_be_left_out=may_be_left_out,
        is_equal=lambda wanted, value, node: not compare(wanted, value, node, Rules()).fault,
        passes=_passes,
        why_unpassable=_why_unpassable,
    )


def _passes(case: Case, expected: tuple[ExpectedCall, ...], calls: Sequence[tuple[str, JsonObject]]) -> bool:
    alone = replace(case, turns=(replace(case.turns[0], expected=(expected,)),))
    made = [ToolCall(f"call_{at}", name, json_text(value), value) for at, (name, value) in enumerate(calls)]
    message = dialects.load("tools").answer(made, None)
    response = Response(Key(case.case_id, "", 0, 0, 0), "", message, None, Usage(), None, (), ())
    facts = facts_of(alone, response, Parsed(tuple(made), ""), Rules())
    return bool(_scores([facts])["passed"][0])


def _why_unpassable(case: Case) -> tuple[str, str] | None:
    try:
        return why_unpassable(question_of(case))
    except FieldError:
        return None  # not a case of BFCL
