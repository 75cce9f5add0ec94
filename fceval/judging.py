"""Stage 4 for a whole run: its cases and answers as tables, a batch at a time, by the rules that the run asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice

from fceval import dialects
from fceval.cases.finding import Judgement
from fceval.cases.read import read_cases
from fceval.errors import FieldError
from fceval.journal import JournalIndex
from fceval.records import Case, ExpectedCall, JsonObject, Key, Parsed, Response, ToolCall, Usage, json_text
from fceval.runs import Run, dialogues
from fceval.scoring.bfcl.facts import as_bfcl
from fceval.scoring.bfcl.passable import why_unpassable
from fceval.scoring.bfcl.question import question_of
from fceval.scoring.equality import compare
from fceval.scoring.facts import Facts, facts_of
from fceval.scoring.matchers import acceptable, check_case, may_be_left_out
from fceval.scoring.rules import Rules
from fceval.scoring.verdict import scores_of
from fceval.tables import ARGUMENTS, CALLS, RESPONSE_FACTS, SCORES, ParquetTable, frame

_BATCH_RESPONSES = 10_000


def check_scorable(case: Case, rules: Rules) -> None:
    """Refuse a case that the rules could not judge.

    Raises:
        FieldError: An expectation cannot be read, or BFCL's rules lack what they need of the case.
    """
    check_case(case)
    if rules.name == "bfcl":
        question_of(case)


def write_tables(this: Run, responses: JournalIndex) -> None:
    """Write `scores`, `calls` and `arguments`, a batch of responses at a time."""
    facts = _facts(this, responses)
    with (
        ParquetTable(this.folder / "scores.parquet", SCORES) as scores,
        ParquetTable(this.folder / "calls.parquet", CALLS) as calls,
        ParquetTable(this.folder / "arguments.parquet", ARGUMENTS) as arguments,
    ):
        while batch := list(islice(facts, _BATCH_RESPONSES)):
            call_rows = frame([row for each in batch for row in each.calls], CALLS)
            scores.append(scores_of(frame([each.response for each in batch], RESPONSE_FACTS), call_rows))
            calls.append(call_rows)
            arguments.append(frame([row for each in batch for row in each.arguments], ARGUMENTS))


def _facts(this: Run, responses: JournalIndex) -> Iterator[Facts]:
    rules = this.config.rules
    for dialogue in dialogues(this):
        case = dialogue.case
        for turn in range(len(case.turns)):
            key = Key(case.case_id, dialogue.variant.name, dialogue.trial, turn, 0)
            response = responses.get(key) or Response(key, "", None, None, Usage(), None, (), ())
            if response.message is None:
                yield facts_of(case, response, None, rules)
                continue
            facts = facts_of(case, response, dialogue.dialect.parse(response.message), rules)
            yield as_bfcl(facts, case, response.message) if rules.name == "bfcl" else facts


def looked_up(this: Run, keys: Sequence[Key]) -> tuple[Mapping[str, Case], Mapping[Key, Response]]:
    """Return the cases and responses of some keys."""
    wanted = {key.case_id for key in keys}
    cases = {case.case_id: case for case in read_cases(this.cases) if case.case_id in wanted} if wanted else {}
    with closing(JournalIndex(this.journal)) as index:
        return cases, {key: response for key in keys if (response := index.get(key))}


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
    scores = scores_of(frame([facts.response], RESPONSE_FACTS), frame(facts.calls, CALLS))
    return bool(scores["passed"][0])


def _why_unpassable(case: Case) -> tuple[str, str] | None:
    try:
        return why_unpassable(question_of(case))
    except FieldError:
        return None  # not a case of BFCL
