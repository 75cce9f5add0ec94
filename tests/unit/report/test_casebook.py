"""One case as text: what was off the contract is told with its meaning."""

from __future__ import annotations

from dataclasses import replace

from fceval.report.casebook import case_text
from fceval.report.document import Example

EXAMPLE = Example(
    case_id="case-1",
    variant="default",
    trial=0,
    turn=0,
    category="simple",
    tags=(),
    outcome="unparsable_call",
    measured=True,
    wanted="calls",
    messages=(),
    tools=(),
    calls=(),
    answer=None,
    finish_reason="stop",
    failure_detail=None,
)


def test_codes_are_told_with_their_meaning() -> None:
    """Those of the endpoint's answer, then what repair undoes; a code of another version as it is, made visible."""
    odd = replace(
        EXAMPLE,
        irregularities=("finish_stop_with_calls", "new\x1b"),
        repairs=("args_double_encoded",),
        passed_repaired=True,
    )
    lines = case_text(odd).splitlines()
    assert "off the contract: finish_stop_with_calls: calls are there, but the finish reason is `stop`" in lines
    assert r"off the contract: new\x1b: not known to this version" in lines
    assert "off the contract: args_double_encoded: arguments are the text of a JSON text" in lines
    assert "passes after repair of args_double_encoded" in lines


def test_repair_that_does_not_help() -> None:
    """Says so."""
    failing = replace(EXAMPLE, repairs=("call_in_content",), passed_repaired=False)
    assert "fails even after repair of call_in_content" in case_text(failing)


def test_nothing_odd_is_not_told() -> None:
    """The usual answer has no such line."""
    assert "contract" not in case_text(EXAMPLE)
    assert "repair" not in case_text(EXAMPLE)
