"""Stage 4 for a whole run: its cases and answers as tables, a batch at a time, by the rules that the run asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice

from fceval.cases.read import read_cases
from fceval.journal import JournalIndex
from fceval.records import Case, Key, Response, Usage
from fceval.runs import Run, dialogues
from fceval.scoring.bfcl.facts import as_bfcl
from fceval.scoring.bfcl.question import question_of
from fceval.scoring.facts import Facts, facts_of
from fceval.scoring.matchers import check_case
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
