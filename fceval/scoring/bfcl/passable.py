"""Whether a case of BFCL can be passed at all, by BFCL's rules: for a few of them no answer is right."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fceval.scoring.bfcl.calls import doc_of, expected_name, parameter_error
from fceval.scoring.bfcl.question import Question
from fceval.scoring.bfcl.values import MAY_BE_LEFT_OUT, Value
from fceval.scoring.bfcl.verdict import CRASHES


def why_unpassable(question: Question) -> tuple[str, str] | None:
    """Return where and why no answer can pass; None where one can.

    Args:
        question: A case in BFCL's terms.

    Returns:
        The field, as `source.ground_truth[0].f.x`, and the reason for a person.
    """
    if question.any_call is not None:
        return None
    for position, wanted in enumerate(question.ground_truth):
        place = f"source.ground_truth[{position}]"
        try:
            found = _obstacle(question, wanted)
        except CRASHES as error:
            return place, f"BFCL's checker fails on it ({type(error).__name__}: {error})"
        if found:
            parameter, why = found
            return f"{place}.{expected_name(wanted)}.{parameter}", why
    return None


def _obstacle(question: Question, wanted: Value) -> tuple[str, str] | None:
    """Return a parameter, and why no value of it can be right; None where there is none such."""
    parameters, possible = doc_of(question, wanted)["parameters"], wanted[expected_name(wanted)]
    for parameter in parameters["required"]:
        if parameter not in possible:
            return parameter, "the function requires it, and the possible answer does not take it"
    for parameter, acceptable in possible.items():
        if MAY_BE_LEFT_OUT in acceptable and parameter not in parameters["required"]:
            continue
        declared = parameters["properties"].get(parameter)
        if declared is None:
            return parameter, "the possible answer requires it, and the function does not take it"
        if not any(_passes(question, value, acceptable, declared) for value in _candidates(question, acceptable)):
            return parameter, "none of its acceptable values can be written so that BFCL reads it as that value"
    return None


def _passes(question: Question, value: Value, acceptable: Value, declared: Value) -> bool:
    try:
        return parameter_error(question, value, acceptable, declared) is None
    except CRASHES:
        return False


def _candidates(question: Question, acceptable: Value) -> Iterator[Value]:
    """Yield arguments, one of which passes if any argument does."""
    for value in acceptable:
        chosen = _chosen(value)
        if question.language == "python":
            yield chosen
        elif question.language == "java":
            yield from _java_texts(chosen)
        else:
            yield from _javascript_texts(chosen)


def _chosen(value: Value) -> Value:
    """Return an acceptable value with one choice made wherever an object leaves several."""
    if isinstance(value, list):
        return [_chosen(each) if isinstance(each, dict) else each for each in value]
    if not isinstance(value, dict):
        return value
    chosen = {}
    for key, members in value.items():
        listed = members if isinstance(members, list) else [members]
        if MAY_BE_LEFT_OUT not in members:
            chosen[key] = listed[0]
    return chosen


def _java_texts(value: Value) -> Iterator[str]:
    if isinstance(value, list):
        quoted = ", ".join(_source(each) for each in value)
        bare = ", ".join(each if isinstance(each, str) else _source(each) for each in value)
        yield f"new T[]{{{bare}}}"
        yield f"new ArrayList<>(Arrays.asList({quoted}))" if value else "new ArrayList<>()"
        yield f"new ArrayList<>(Arrays.asList({', '.join(f'{_source(each)}L' for each in value)}))"
    elif isinstance(value, dict):
        putting = " ".join(f'put("{key}", {_source(member)});' for key, member in value.items())
        yield f"new HashMap<String, Object>() {{{{ {putting} }}}}"
        yield "new HashMap<>()"
    else:
        text = value if isinstance(value, str) else _source(value)
        yield from (text, f"{text}L", f"{text}f")


def _javascript_texts(value: Value) -> Iterator[str]:
    text = value if isinstance(value, str) else _source(value)
    yield from (text, f"{text}n")


def _source(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
