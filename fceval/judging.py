"""Stage 4 for a whole run: its cases and answers as tables, a batch at a time, by the rules that the run asks for."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeAlias

import polars as pl

from fceval import dialects
from fceval.cases.finding import Judgement
from fceval.cases.read import read_cases_at, read_turns, rows_of
from fceval.dialects import Dialect
from fceval.dialogue import Dialogue, wants_more
from fceval.errors import FieldError
from fceval.journal import NOWHERE, JournalIndex, JournalPart, places, responses_to
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
_AT_ONCE = 50
"""Turns that take each step of judging together: a processor that runs one step again and again takes three quarters
of the time for it that it takes where all steps follow each other for each turn."""
_TOOLS = dialects.load("tools")
_Repair: TypeAlias = tuple[Parsed, tuple[str, ...]] | None
"""An answer without the flaws that can be undone, and their codes."""


def check_scorable(case: Case, rules: Rules) -> None:
    """Refuse a case that the rules could not judge.

    Raises:
        FieldError: An expectation cannot be read, or BFCL's rules lack what they need of the case.
    """
    check_case(case)
    if rules.name == "bfcl":
        question_of(case)


class _Judged(NamedTuple):
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
    places: Sequence[array[int]]
    """Where they are in the journal: a column a step."""


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
    in_steps = dialects.load(this.config.endpoint.dialect).one_call
    first, skipped, keys = 1, 0, list[Key]()
    for row, (case_id, turns) in enumerate(read_turns(this.cases), start=1):
        of_case = [Key(case_id, variant, trial, turn, 0) for variant, trial in asked for turn in range(turns)]
        keys += of_case
        while len(keys) >= batch:
            yield _Part(range(first, row + 1), skipped, places(index, keys[:batch], in_steps=in_steps))
            del keys[:batch]
            first, skipped = (row, len(of_case) - len(keys)) if keys else (row + 1, 0)
    if keys:
        yield _Part(range(first, row + 1), skipped, places(index, keys, in_steps=in_steps))


def _tables(this: Run, part: _Part) -> _Tables:
    """Judge a part of a run."""
    sent, judged = _nothing_sent(this), list[_Judged]()
    prices, model = this.prices, this.config.endpoint.model
    places = zip(*part.places, strict=True)
    asked = islice(_asked(this, read_cases_at(this.cases, part.rows)), part.skipped, None)
    with JournalPart(this.journal) as responses:
        while of_turns := list(islice(places, _AT_ONCE)):
            turns = list(islice(asked, len(of_turns)))
            answers = [_steps(*turn, at, responses) for turn, at in zip(turns, of_turns, strict=True)]
            for steps in answers:
                for step in steps:
                    sent.note(step)
            dialogues = [dialogue for dialogue, _ in turns]
            found = _judged(dialogues, answers, this.config.rules)
            for dialogue, steps, each in zip(dialogues, answers, found, strict=True):
                if len(steps) > 1:
                    each = _in_steps(each, sum(bool(step.attempts) for step in steps))  # noqa: PLW2901 -- the same one
                price = prices.get(dialogue.variant.model or model)
                judged.append(each if price is None else _priced(each, price))
    facts = [each.facts for each in judged]
    calls = frame([row for each in facts for row in each.calls], CALLS)
    scores = scores_of(frame([each.response for each in facts], RESPONSE_FACTS), calls)
    scores = _with_repairs(scores, judged, applied=this.config.rules.repair == "apply")
    return _Tables(scores, calls, frame([row for each in facts for row in each.arguments], ARGUMENTS), sent)


def _asked(this: Run, cases: Iterable[Case]) -> Iterator[tuple[Dialogue, int]]:
    """Yield the turns of cases, in the order of a run's tables."""
    for dialogue in dialogues_of(cases, this.config):
        for turn in range(len(dialogue.case.turns)):
            yield dialogue, turn


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


def _steps(dialogue: Dialogue, turn: int, of_steps: Sequence[int], responses: JournalPart) -> list[Response]:
    """Return a turn's responses, at least one; where one is still wanted, it stands there as not run."""
    key = Key(dialogue.case.case_id, dialogue.variant.name, dialogue.trial, turn, 0)
    steps = [responses.get(key, of_steps[0]) or _not_run(key)]
    while wants_more(dialogue, steps):
        key = key._replace(step=len(steps))
        steps.append(responses.get(key, next(iter(of_steps[key.step : key.step + 1]), NOWHERE)) or _not_run(key))
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
        attempts[-1] = last.attempts[-1]._replace(latency_s=sum(attempt.latency_s for attempt in final))
    return last._replace(
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


def _judged(dialogues: Sequence[Dialogue], answers: Sequence[Sequence[Response]], rules: Rules) -> list[_Judged]:
    """Judge turns, each by its dialogue and its responses: parsed all of them, then repaired, then compared."""
    parsed = [_parsed(dialogue.dialect, steps) for dialogue, steps in zip(dialogues, answers, strict=True)]
    repairs: list[_Repair] = [None] * len(parsed)
    if rules.repair != "off" and rules.name != "bfcl":  # BFCL knows no repair
        repairs = [
            None if said is None else repaired(said, each.case) for each, said in zip(dialogues, parsed, strict=True)
        ]
    return [
        _judged_turn(dialogue, _joined(steps), said, repair, rules)
        for dialogue, steps, said, repair in zip(dialogues, answers, parsed, repairs, strict=True)
    ]


def _judged_turn(
    dialogue: Dialogue, response: Response, parsed: Parsed | None, repair: _Repair, rules: Rules
) -> _Judged:
    case = dialogue.case
    facts = facts_of(case, response, parsed, rules)
    if parsed is None or response.message is None:
        return _Judged(facts)
    if rules.name == "bfcl":  # which reads messages in its own way
        message = response.message if dialogue.dialect is _TOOLS else _TOOLS.answer(parsed.calls, parsed.text or None)
        return _Judged(as_bfcl(facts, case, message))
    if repair is None:
        return _Judged(facts)
    mended, codes = repair
    facts_mended = facts_of(case, response, mended, rules)
    return _Judged(facts_mended, codes) if rules.repair == "apply" else _Judged(facts, codes, facts_mended)


def _parsed(dialect: Dialect, steps: Sequence[Response]) -> Parsed | None:
    """Return what was said in the steps of a turn; None where the turn was not measured."""
    if steps[-1].message is None:
        return None
    return _parsed_together([dialect.parse(step.message) for step in steps if step.message is not None])


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
    return judged._replace(facts=judged.facts._replace(response=judged.facts.response._replace(requests=requests)))


def _priced(judged: _Judged, price: Price) -> _Judged:
    response = judged.facts.response
    usage = Usage(response.prompt_tokens, response.completion_tokens)
    return judged._replace(facts=judged.facts._replace(response=response._replace(cost_usd=cost_usd(usage, price))))


def looked_up(this: Run, keys: Sequence[Key]) -> tuple[Mapping[str, Case], Mapping[Key, Response]]:
    """Return the cases and responses of some keys; what took several steps holds the messages of all of them."""
    if this.is_redacted:
        return {}, {}
    rows = rows_of(this.cases, {key.case_id for key in keys}) if keys else []
    cases = {case.case_id: case for case in read_cases_at(this.cases, rows)}
    answers = responses_to(this.journal, keys) if keys else {}
    return cases, {key: _whole(steps) for key, steps in answers.items()}


def _whole(steps: Sequence[Response]) -> Response:
    if len(steps) == 1:
        return steps[0]
    return _joined(steps)._replace(message={"steps": [step.message for step in steps]})


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
    alone = case._replace(turns=(case.turns[0]._replace(expected=(expected,)),))
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
