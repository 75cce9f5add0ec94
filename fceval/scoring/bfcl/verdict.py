"""A question and an answer to BFCL's verdict: decode, count, then hold call against call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fceval.records import JsonObject
from fceval.scoring.bfcl.answers import DecodedCall, decode
from fceval.scoring.bfcl.calls import call_error, doc_of
from fceval.scoring.bfcl.question import Question
from fceval.scoring.bfcl.values import Value

WOULD_CRASH = "fceval:bfcl_would_crash"
"""Error type of an answer on which BFCL's checker itself fails."""

CRASHES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python's operations raise where a case or an answer has a shape that BFCL did not foresee."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What BFCL says of an answer."""

    valid: bool
    error_type: str | None
    """BFCL's word for the first thing that is wrong; None where the answer is valid."""


_VALID = Verdict(valid=True, error_type=None)


def judge(question: Question, message: JsonObject) -> Verdict:
    """Return BFCL's verdict on an assistant message; never raises.

    Args:
        question: What was asked, and what is accepted.
        message: As the endpoint sent it: BFCL looks at `tool_calls` and, where that is null or missing, `content`.
    """
    calls = decode(message)
    error = _ast_error(question, calls) if question.any_call is None else _relevance_error(question.any_call, calls)
    return _VALID if error is None else Verdict(valid=False, error_type=error)


def _relevance_error(wanted: bool, calls: Sequence[DecodedCall] | None) -> str | None:  # noqa: FBT001 -- not a mode
    """A broken call is no call: where none is wanted, that is right."""
    called = bool(calls) and all(isinstance(call.arguments, dict) for call in calls or ())
    if called == wanted:
        return None
    return "relevance_error:decoder_failed" if wanted else "irrelevance_error:decoder_success"


def _ast_error(question: Question, calls: Sequence[DecodedCall] | None) -> str | None:
    if calls is None:
        return "ast_decoder:decoder_failed"
    if not all(isinstance(call.arguments, dict) for call in calls):
        return "ast_decoder:decoder_wrong_output_format"
    if len(calls) != len(question.ground_truth):
        return f"{_CHECKERS[question.checker]}:wrong_count"
    try:
        if question.checker == "parallel":
            return None if unmatched(question, calls) is None else f"{_CHECKERS['parallel']}:cannot_find_match"
        wanted = question.ground_truth[0]
        doc = question.function[0] if question.checker == "simple" else doc_of(question, wanted)
        return call_error(question, doc, wanted, calls[0])
    except CRASHES:
        return WOULD_CRASH


_CHECKERS = {
    "simple": "simple_function_checker",
    "multiple": "multiple_function_checker",
    "parallel": "parallel_function_checker_no_order",
}


def unmatched(question: Question, calls: Sequence[DecodedCall]) -> tuple[Value, list[DecodedCall]] | None:
    """Pair calls as BFCL does: each expected call, in its order, takes the first call left that is right for it.

    There is no second thought: a call that is taken stays taken, even where another pairing would be complete.

    Returns:
        The first expected call that finds no partner, and the calls left for it; None where all find one.
    """
    left = list(calls)
    for wanted in question.ground_truth:
        doc = doc_of(question, wanted)
        found = next((place for place, call in enumerate(left) if not call_error(question, doc, wanted, call)), None)
        if found is None:
            return wanted, left
        del left[found]
    return None
