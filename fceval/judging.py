"""Stage 4 for a whole run: its cases and answers as tables, a batch at a time, by the rules that the run asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count, islice, takewhile

import polars as pl

from fceval import dialects
from fceval.cases.finding import Judgement
from fceval.cases.read import read_cases
from fceval.dialogue import Dialogue, wants_more
from fceval.errors import FieldError
from fceval.journal import JournalIndex
from fceval.prices import Price, cost_usd
from fceval.records import Case, ExpectedCall, JsonObject, Key, Parsed, Response, ToolCall, Usage, json_text
from fceval.rows import MetricRow
from fceval.runs import Run, dialogues
from fceval.scoring.bfcl.facts import as_bfcl
from fceval.scoring.bfcl.passable import why_unpassable
from fceval.scoring.bfcl.question import question_of
from fceval.scoring.equality import compare
from fceval.scoring.facts import Facts, facts_of
from fceval.scoring.matchers import acceptable, check_case, may_be_left_out
from fceval.scoring.repair import repaired
from fceval.scoring.rules import Rules
from fceval.scoring.verdict import scores_of, with_repairs
from fceval.stats.pace import Sent
from fceval.tables import ARGUMENTS, CALLS, KEY_COLUMNS, RESPONSE_FACTS, SCORES, ParquetTable, frame

_BATCH_RESPONSES = 10_000
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


def write_tables(this: Run, responses: JournalIndex) -> list[MetricRow]:
    """Write `scores`, `calls` and `arguments`, a batch of responses at a time; return how the run was paced.

    The journal is read once: what an attempt tells of the pace is noted while its response is judged.
    """
    # Answers that other runs lent came with their attempts, all of them older than this run.
    sent = Sent(str(this.manifest["started_at"]) if this.config.reuse else None)
    judged = _judged(this, responses, sent)
    applied = this.config.rules.repair == "apply"
    with (
        ParquetTable(this.folder / "scores.parquet", SCORES) as scores,
        ParquetTable(this.folder / "calls.parquet", CALLS) as calls,
        ParquetTable(this.folder / "arguments.parquet", ARGUMENTS) as arguments,
    ):
        while batch := list(islice(judged, _BATCH_RESPONSES)):
            facts = [each.facts for each in batch]
            scores.append(_with_repairs(_scores(facts), batch, applied=applied))
            calls.append(frame([row for each in facts for row in each.calls], CALLS))
            arguments.append(frame([row for each in facts for row in each.arguments], ARGUMENTS))
    asked = this.config.endpoint
    for response in responses.replaced():
        sent.note_replaced(response)
    return sent.rows(asked.rpm, asked.tpm, responses.possibly_billed, responses.lag_ms)


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


def _judged(this: Run, responses: JournalIndex, sent: Sent) -> Iterator[_Judged]:
    prices, model = this.prices, this.config.endpoint.model
    for dialogue in dialogues(this):
        price = prices.get(dialogue.variant.model or model)
        for turn in range(len(dialogue.case.turns)):
            steps = _steps(dialogue, turn, responses)
            for step in steps:
                sent.note(step)
            judged = _judged_turn(dialogue, _joined(steps), steps, this.config.rules)
            yield judged if price is None else _priced(judged, price)


def _steps(dialogue: Dialogue, turn: int, responses: JournalIndex) -> list[Response]:
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


def _priced(judged: _Judged, price: Price) -> _Judged:
    response = judged.facts.response
    usage = Usage(response.prompt_tokens, response.completion_tokens)
    return replace(judged, facts=replace(judged.facts, response=replace(response, cost_usd=cost_usd(usage, price))))


def looked_up(this: Run, keys: Sequence[Key]) -> tuple[Mapping[str, Case], Mapping[Key, Response]]:
    """Return the cases and responses of some keys; what took several steps holds the messages of all of them."""
    if this.is_redacted:
        return {}, {}
    wanted = {key.case_id for key in keys}
    cases = {case.case_id: case for case in read_cases(this.cases) if case.case_id in wanted} if wanted else {}
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
