"""BFCL's verdict written into the facts of a response, beside what the native rules found in its calls."""

from __future__ import annotations

from fceval.records import Case, JsonObject
from fceval.scoring.bfcl.outcome import outcome_of
from fceval.scoring.bfcl.question import question_of
from fceval.scoring.bfcl.verdict import judge
from fceval.scoring.facts import Facts


def as_bfcl(facts: Facts, case: Case, message: JsonObject) -> Facts:
    """Return facts whose outcome is the one that BFCL's rules give.

    BFCL knows no cut-off answers and no refusals; where it calls an answer wrong, these words say why.

    Args:
        facts: Of the native rules; pairs and arguments stay as they are.
        case: A case that was imported from BFCL.
        message: The assistant message.

    Raises:
        FieldError: The case was not imported from BFCL.
    """
    question = question_of(case)
    verdict = judge(question, message)
    if verdict.valid:
        outcome = "passed"
    elif facts.response.cut_off:
        outcome = "truncated"
    elif facts.response.refused:
        outcome = "refused"
    else:
        outcome = outcome_of(question, message, verdict)
    return facts._replace(response=facts.response._replace(bfcl_outcome=outcome, bfcl_error_type=verdict.error_type))
