"""BFCL's error type to the outcome of fceval that says the same.

BFCL knows neither refusals, cut-off answers nor endpoints that fail: those stay fceval's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from fceval.records import JsonObject
from fceval.scoring.bfcl.answers import DecodedCall, decode
from fceval.scoring.bfcl.calls import call_error, doc_of, sent_name
from fceval.scoring.bfcl.question import Question
from fceval.scoring.bfcl.verdict import CRASHES, WOULD_CRASH, Verdict, unmatched

_OUTCOMES = {
    "ast_decoder:decoder_wrong_output_format": "unparsable_call",
    "irrelevance_error:decoder_success": "unexpected_call",
    "simple_function_checker:missing_required": "missing_argument",
    "simple_function_checker:missing_optional": "missing_argument",
    "simple_function_checker:unexpected_param": "unexpected_argument",
    "dict_checker:unclear": "wrong_value",
    "list_dict_checker:unclear": "wrong_value",
    WOULD_CRASH: "wrong_value",
}
_FAMILIES = {"type_error": "wrong_type", "value_error": "wrong_value"}


def outcome_of(question: Question, message: JsonObject, verdict: Verdict) -> str:
    """Return the outcome, of `fceval.scoring.verdict.OUTCOMES`, that a verdict of BFCL amounts to; never raises.

    Args:
        question: What was asked.
        message: The assistant message that was judged.
        verdict: What `judge` said of the two.
    """
    if verdict.error_type is None:
        return "passed"
    family, _, word = verdict.error_type.partition(":")
    if word == "decoder_failed":
        return "unparsable_call" if message.get("tool_calls") else "missing_call"
    calls = decode(message) or ()
    if word == "wrong_count":
        return "missing_call" if len(calls) < len(question.ground_truth) else "extra_call"
    if word == "wrong_func_name":
        return _wrong_name(question, calls)
    if word == "cannot_find_match":
        return _unmatched_outcome(question, calls)
    return _of_error(verdict.error_type, family)


def _of_error(error_type: str, family: str) -> str:
    return _OUTCOMES.get(error_type) or _FAMILIES.get(family, "wrong_value")


def _wrong_name(question: Question, calls: Sequence[DecodedCall]) -> str:
    offered = [sent_name(doc["name"]) for doc in question.function]
    return "wrong_tool" if all(call.name in offered for call in calls) else "unknown_tool"


def _unmatched_outcome(question: Question, calls: Sequence[DecodedCall]) -> str:
    """Return what is wrong with the calls left for the expected call that found no partner.

    BFCL says no more than that there is one. The first call left that names its function tells; where none does, the
    names are wrong.
    """
    try:
        wanted, left = unmatched(question, calls) or ({}, [])
        doc = doc_of(question, wanted)
        namesakes = [call for call in left if call.name == sent_name(doc["name"])]
        if not namesakes:
            return _wrong_name(question, left)
        error = call_error(question, doc, wanted, namesakes[0]) or WOULD_CRASH
    except CRASHES:
        return "wrong_value"
    return _of_error(error, error.partition(":")[0])
