"""The cases of `tests/data/scoring`, as a reader writes them and as the scorer takes them.

A file is an object: `about` says what its cases have in common, `tools` maps names to JSON Schemas of parameters (null:
none), `cases` is a list. A case has a `name`, `why` its verdict is fair, and

* what is wanted: `expected` or `expected_any_of`, and perhaps `order`, `extra_calls`, `strings` and its own `tools`,
  as in a dataset; `rules` holds the settings of the run;
* what was answered: `calls` (name and arguments, verbatim) or a whole `message`, and perhaps a `finish_reason`;
* the verdict: `outcome`; perhaps `passed_strict` (else as `outcome` says, where it is not `passed`), `faults` (argument
  to fault and JSON path: all there are), `rules_needed` (argument to rule: some of them), `alternative`, and `pairs`
  (expected and predicted index: all there are).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fceval.cases.rows import case_of
from fceval.dialects import load
from fceval.jsontext import read_json
from fceval.records import Case, Json, JsonObject, Key, Response, Usage
from fceval.scoring.facts import Facts, facts_of
from fceval.scoring.matchers import check_case
from fceval.scoring.rules import Rules
from fceval.scoring.verdict import scores_of
from fceval.tables import CALLS, RESPONSE_FACTS, frame

FOLDER = Path(__file__).parent / "data" / "scoring"


@dataclass(frozen=True, slots=True)
class ScoringCase:
    """One case of a data file."""

    file: str
    """Without its ending."""
    name: str
    case: Case
    rules: Rules
    message: JsonObject
    finish_reason: str | None
    verdict: Mapping[str, Any]
    """The case as it is written, for its verdict."""


def scoring_cases() -> Iterator[ScoringCase]:
    """Yield the cases of every file but the fairness probe, which has a form of its own."""
    for path in sorted(FOLDER.glob("*.json")):
        if path.stem == "fairness_probe":
            continue
        document: Any = read_json(path.read_text(encoding="utf-8"))
        for row, written in enumerate(document["cases"], 1):
            yield ScoringCase(
                file=path.stem,
                name=written["name"],
                case=_case(written, written.get("tools", document["tools"]), row),
                rules=Rules(**written.get("rules", {})),
                message=written.get("message") or message_of(written["calls"]),
                finish_reason=written.get("finish_reason"),
                verdict=written,
            )


def _case(written: Mapping[str, Any], tools: Mapping[str, Any], row: int) -> Case:
    deciding = ("expected", "expected_any_of", "order", "extra_calls", "strings")
    fields = {
        "case_id": written["name"],
        "messages": [{"role": "user", "content": written["why"]}],
        "tools": [tool(name, parameters) for name, parameters in tools.items()],
        **{name: written[name] for name in deciding if name in written},
    }
    case = case_of(fields, row)
    check_case(case)
    return case


def tool(name: str, parameters: JsonObject | None) -> JsonObject:
    """Return a tool as datasets write it."""
    return {"type": "function", "function": {"name": name, **({"parameters": parameters} if parameters else {})}}


def message_of(calls: Sequence[Mapping[str, Any]]) -> JsonObject:
    """Return the assistant message that makes these calls."""
    entries: list[Json] = [
        {
            "id": f"call_{position}",
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for position, call in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": entries}


def judged(
    case: Case, message: JsonObject, rules: Rules | None = None, finish_reason: str | None = "stop"
) -> tuple[Facts, Mapping[str, Any]]:
    """Return the facts and the score of an answer to a case, all the way from its message."""
    key = Key(case.case_id, "default", trial=0, turn=0, step=0)
    response = Response(key, "", message, finish_reason, Usage(), None, (), ())
    facts = facts_of(case, response, load("tools").parse(message), rules or Rules())
    scores = scores_of(frame([facts.response], RESPONSE_FACTS), frame(facts.calls, CALLS))
    return facts, scores.row(0, named=True)
