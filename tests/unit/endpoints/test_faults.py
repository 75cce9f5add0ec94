"""The table of faults: names, places, and the errors among them."""

from __future__ import annotations

import pytest

from fceval.endpoints._contract import Refused
from fceval.endpoints._faults import FAULTS, TRANSPORT, misshapen, refusal
from fceval.endpoints._irregular import ANSWERS, BODIES
from fceval.endpoints._irregular_streams import CHUNKS, EVENTS
from fceval.irregularities import IRREGULARITIES
from tests.mock_server import asked


def test_first_faults_keep_their_shares() -> None:
    """What is drawn at a rate of 429, 500 and hang is what it was when there were no others."""
    assert list(FAULTS)[:3] == ["429", "500", "hang"]


def test_every_fault_is_a_code_an_error_or_of_the_transport() -> None:
    """A fault is named after what it is."""
    for name in FAULTS:
        assert (name in IRREGULARITIES) + (name in TRANSPORT) + (name.isdigit() or name == "quota") == 1


def test_what_is_made_irregular_is_a_fault() -> None:
    """Nothing can be made that cannot be asked for."""
    assert {*ANSWERS, *BODIES, *CHUNKS, *EVENTS} <= set(FAULTS)


@pytest.mark.parametrize(
    ("fault", "status", "kind", "code"),
    [
        ("401", 401, "invalid_request_error", "invalid_api_key"),
        ("402", 402, "billing_error", "billing_not_active"),
        ("403", 403, "permission_error", None),
        ("404", 404, "invalid_request_error", "model_not_found"),
        ("408", 408, "timeout", None),
        ("502", 502, "server_error", None),
        ("503", 503, "server_error", "server_is_overloaded"),
        ("504", 504, "server_error", None),
        ("529", 529, "overloaded_error", None),
        ("quota", 429, "insufficient_quota", "insufficient_quota"),
    ],
)
def test_errors_have_the_contracts_shape(fault: str, status: int, kind: str, code: str | None) -> None:
    """Status, type and code are those of the error."""
    raw = asked(fault, "one call", stream=True)
    assert (raw.status, raw.body["error"]["type"], raw.body["error"]["code"]) == (status, kind, code)


def test_choice_of_none_is_refused() -> None:
    """A server that does not know it names the field."""
    raw = asked("none_400", "forbidden")
    assert (raw.status, raw.body["error"]["param"]) == (400, "tool_choice")
    assert asked("none_400", "one call").status == 200


def test_errors_in_other_shapes() -> None:
    """The one that vLLM had, a string, and FastAPI's."""
    refused = Refused(400, "no")
    assert [misshapen(refused, number) for number in range(3)] == [
        {"object": "error", "message": "no", "type": "BadRequestError", "param": None, "code": 400},
        {"error": "no"},
        {"detail": "no"},
    ]


def test_other_faults_are_no_refusals() -> None:
    """Only errors are raised."""
    assert refusal("index_reused", 1) is None
