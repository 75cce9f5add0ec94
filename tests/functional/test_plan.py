"""`fceval plan`: its numbers are those of the run, it sends and writes nothing, and it refuses what a run refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fceval.planning import SPREAD
from tests.cli_process import PROJECT
from tests.fake_endpoint import FakeEndpoint
from tests.functional.conftest import Command
from tests.functional.orders import case, journal, orders, right_answer, write_cases

STARTER = PROJECT / "datasets" / "starter.jsonl"
MOCK = ("--base-url", "embedded:mock", "--model", "mock")


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    """Give an endpoint that answers orders rightly, and remembers what it was asked."""
    with FakeEndpoint(right_answer) as running:
        yield running


def prices(folder: Path) -> Path:
    """Write prices of the models of these tests."""
    path = folder / "prices.toml"
    path.write_text('["mock*"]\ninput = 1.0\noutput = 2.0\n', encoding="utf-8")
    return path


def as_json(text: str) -> dict[str, Any]:
    """Return what `--json` printed."""
    read: dict[str, Any] = json.loads(text)
    return read


def test_planned_requests_are_those_of_the_run(command: Command, tmp_path: Path) -> None:
    """Starter cases, two variants, two trials: the run asks exactly as often as planned, variant by variant."""
    (tmp_path / "a.toml").write_text(
        f'trials = 2\ndataset.path = "{STARTER}"\nendpoint = {{ base_url = "embedded:mock", model = "mock" }}\n'
        '[[variant]]\nname = "plain"\n[[variant]]\nname = "kind"\nsystem = "Be kind."\n',
        encoding="utf-8",
    )
    planned = as_json(command("plan", "a.toml", "--json").out)
    assert command("run", "a.toml", "--out", "run").code == 0
    answered = journal(tmp_path / "run")
    assert planned["total"]["requests"] == {"low": len(answered), "high": len(answered)} == {"low": 736, "high": 736}
    for variant in planned["variants"]:
        asked = sum(response["variant"] == variant["name"] for response in answered)
        assert variant["amounts"]["requests"] == {"low": asked, "high": asked}


def test_tokens_are_those_of_the_bytes_that_are_sent(command: Command, tmp_path: Path, endpoint: FakeEndpoint) -> None:
    """The estimate is made of the very bodies that the run sends, later turns with their history included."""
    said = [{"role": "user", "content": "When does order_1 arrive?"}]
    wanted = [{"name": "get_delivery_date", "arguments": {"order_id": "order_1"}}]
    results = [{"name": "get_delivery_date", "content": "on Monday"}]
    turns = [{"messages": said, "expected": wanted, "tool_results": results}, {"messages": said, "expected": wanted}]
    rows = [case(1), case(2, case_id="two-turns", messages=..., expected=..., turns=turns)]
    flags = ("--dataset", write_cases(tmp_path / "a.jsonl", rows), "--base-url", endpoint.base_url, "--model", "m")
    planned = as_json(command("plan", *flags, "--json").out)["total"]
    asked_by_the_plan = len(endpoint.received)
    assert command("run", *flags).code == 0
    assert asked_by_the_plan == 0
    assert (planned["requests"]["low"], planned["requests"]["high"]) == (2, len(endpoint.received)) == (2, 3)
    sent = sum(len(request.body) for request in endpoint.received)
    assert planned["prompt_tokens"]["high"] == pytest.approx(sent / 3.5 * (1 + SPREAD), rel=0.01)


def test_nothing_is_sent_or_written(command: Command, tmp_path: Path, endpoint: FakeEndpoint) -> None:
    """No request, no run folder, no file; the key need not be there."""
    flags = ("--dataset", orders(tmp_path), "--base-url", endpoint.base_url, "--model", "mock-1")
    before = sorted(tmp_path.rglob("*"))
    planned = command("plan", *flags, "--api-key-env", "NO_SUCH_KEY")
    assert planned.code == 0, planned.err
    assert "Warning:  endpoint.api_key_env: the environment variable NO_SUCH_KEY is not set" in planned.out
    assert sorted(tmp_path.rglob("*")) == before
    assert endpoint.received == ()


def test_text_says_what_a_person_wants_to_know(command: Command, tmp_path: Path) -> None:
    """Requests, tokens, cost, time and what binds it, and everything that was assumed."""
    planned = command(
        "plan", "--dataset", orders(tmp_path, 120), *MOCK, "--prices", prices(tmp_path), "--rpm", "60",
        "--latency", "2", "--set", "request.max_tokens=100",
    )  # fmt: skip
    assert planned.code == 0, planned.err
    lines = planned.out.splitlines()
    assert lines[0] == "120 cases, 1 variant, 1 trial; nothing is sent"
    assert lines[2].split() == ["variant", "model", "requests", "prompt", "tokens", "completion", "tokens", "cost"]
    assert lines[3].split()[:3] == ["default", "mock", "120"]
    assert lines[4].split()[:2] == ["total", "120"]
    assert "12,000" in lines[4]
    assert "$0.0" in lines[4]
    assert lines[6:] == [
        "Time:     119 s, bound by rpm",
        "Assumed:  an answer takes 2 s (--latency); no attempt is made twice",
        "Assumed:  a token is 3.5 bytes of a request's JSON, 30% more or less",
        "Assumed:  mock costs $1 and $2 a million (prices.toml: mock*)",
    ]


def test_unknown_price_is_said_to_be_unknown(command: Command, tmp_path: Path) -> None:
    """No number stands where there is none, and the way to one is told."""
    planned = command("plan", "--dataset", orders(tmp_path), *MOCK)
    assert planned.code == 0
    assert planned.out.splitlines()[4].endswith("unknown")
    assert "$" not in planned.out
    assert "unknown price for `mock`" in planned.out
    machine = as_json(command("plan", "--dataset", tmp_path / "orders.jsonl", *MOCK, "--json").out)
    assert (machine["total"]["cost_usd"], machine["variants"][0]["price"]) == (None, None)
    assert len(machine["warnings"]) == 1


def test_cost_is_that_of_the_price_file(command: Command, tmp_path: Path) -> None:
    """For machines: tokens by the price that is printed beside them."""
    planned = as_json(command("plan", "--dataset", orders(tmp_path), *MOCK, "--prices", prices(tmp_path), "--json").out)
    total, (variant,) = planned["total"], planned["variants"]
    assert variant["price"]["source"] == "prices.toml: mock*"
    for end in ("low", "high"):
        tokens = total["prompt_tokens"][end], total["completion_tokens"][end]
        assert total["cost_usd"][end] == pytest.approx((tokens[0] * 1.0 + tokens[1] * 2.0) / 1e6)


def test_what_a_run_refuses_is_refused(command: Command, tmp_path: Path) -> None:
    """Settings, datasets and prices that are wrong: exit code 2, one clear message, no plan."""
    good = orders(tmp_path)
    broken = write_cases(tmp_path / "broken.jsonl", [case(1), case(2, tools="none")])
    unknowable = {"order_id": {"$match": "regex", "pattern": "[^\\x00-\\x{10ffff}]"}}
    turn = {
        "messages": [{"role": "user", "content": "And now?"}],
        "expected": [{"name": "get_delivery_date", "arguments": unknowable}],
    }
    forced = write_cases(tmp_path / "forced.jsonl", [case(1, messages=..., expected=..., turns=[turn, turn])])
    bad_prices = tmp_path / "bad.toml"
    bad_prices.write_text("[mock]\ninput = -1\n", encoding="utf-8")
    for flags, problem in (
        (MOCK, "dataset.path: not set"),
        (("--dataset", good, "--base-url", "embedded:mock"), "endpoint.model: not set"),
        (("--dataset", good, *MOCK, "--set", "endpoint.modle=x"), "did you mean `model`"),
        (("--dataset", tmp_path / "absent.jsonl", *MOCK), "absent.jsonl"),
        (("--dataset", broken, *MOCK), "broken.jsonl, row 2, field `tools`"),
        (("--dataset", good, *MOCK, "--set", 'dataset.tags=["x"]'), "no case of the dataset has `x`"),
        (("--dataset", write_cases(tmp_path / "empty.jsonl", []), *MOCK), "empty.jsonl"),
        (("--dataset", good, *MOCK, "--prices", bad_prices), '["mock"] input: give USD'),
        (("--dataset", good, *MOCK, "--prices", tmp_path / "absent.toml"), "absent.toml: no such price file"),
        (("--dataset", forced, *MOCK, "--set", "turns=teacher_forced"), "forced.jsonl, row 1, field `turns[0]"),
        (("--dataset", good, *MOCK, "--latency", "0"), "--latency"),
    ):
        ended = command("plan", *flags)
        assert (ended.code, ended.out) == (2, ""), flags
        assert problem in ended.err, flags


def test_foreign_names_cannot_steer_the_terminal(command: Command, tmp_path: Path) -> None:
    """A model's name is shown, never obeyed."""
    planned = command("plan", "--dataset", orders(tmp_path), "--base-url", "embedded:mock", "--model", "m\u202ex")
    assert planned.code == 0
    assert "\u202e" not in planned.out
    assert r"m\u202ex" in planned.out
