"""What a run tells of its pace and its cost: the rate as sent, what it waited for, and what it may have paid."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply
from tests.functional.conftest import Command
from tests.functional.orders import order_of, orders, right_answer, summary, table, write_cases

MOCK = ("--base-url", "embedded:mock", "--model", "mock")
REFUSING = ("--fault", "429=0.2", "--set", "endpoint.options.retry_after_s=0.1")
JITTER = 0.1
"""Part of the rate by which a run of seconds may seem faster: a request is stamped somewhat after its permit."""


def pace(run: Path) -> dict[str, float | None]:
    """Return what a run's totals tell of its pace."""
    return {name: number["value"] for name, number in summary(run)["pace"].items()}


def test_rate_is_kept_and_told(command: Command, tmp_path: Path) -> None:
    """600 requests a minute: no faster, nearly all of it used, and the time went on that limit."""
    orders(tmp_path, 40)
    ended = command("run", "--dataset", "orders.jsonl", *MOCK, "--rpm", "600", "--out", "run")
    assert ended.code == 0, ended.err
    found = pace(tmp_path / "run")
    assert (found["requested_rpm"], found["attempts"], found["retries"]) == (600, 40, 0)
    assert found["achieved_rpm"] is not None
    assert 300 < found["achieved_rpm"] <= 600 * (1 + JITTER)
    assert found["most_in_60_s"] == 40
    assert found["most_in_1_s"] is not None
    assert found["most_in_1_s"] <= 10 * (1 + 2 * JITTER)
    assert found["waited_rpm_s"] is not None
    assert found["waited_rpm_s"] > 1
    assert found["waited_pause_s"] == found["waited_tpm_s"] == 0
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "## Pace and cost" in report
    assert "| 600 |" in report


def test_refusals_are_told(command: Command, tmp_path: Path) -> None:
    """Each 429 that was retried, the one episode that they make up, and the pause that was asked for."""
    orders(tmp_path, 40)
    assert command("run", "--dataset", "orders.jsonl", *MOCK, *REFUSING, "--out", "run").code == 0
    found = pace(tmp_path / "run")
    assert found["rate_limited_responses"] == found["retries"] == table(tmp_path / "run", "scores")["retried_429"].sum()
    assert found["attempts"] == 40 + (found["retries"] or 0) > 40
    assert found["rate_limit_episodes"] == 1
    assert found["waited_pause_s"] is not None
    assert found["waited_pause_s"] > 0


def test_what_broke_off_may_be_billed(command: Command, tmp_path: Path) -> None:
    """A connection that breaks after the request went out; one that was never there costs nothing."""
    orders(tmp_path)
    broken: set[str] = set()

    def script(received: Received) -> Reply:
        order = order_of(received)
        if order in broken:
            return right_answer(received)
        broken.add(order)
        return Reply(drop=True)

    with FakeEndpoint(script) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m")
        assert command("run", "--dataset", "orders.jsonl", *address, "--out", "run").code == 0
    found = pace(tmp_path / "run")
    assert (found["attempts"], found["retries"], found["possibly_billed"]) == (6, 3, 3)


def test_what_is_asked_again_on_resuming_counts(command: Command, tmp_path: Path) -> None:
    """The attempts before an interruption were sent, too; each invocation adds what it saw of its event loop."""
    orders(tmp_path, 3)
    failing = iter([error_reply(400)] * 3)
    with FakeEndpoint(lambda received: next(failing, Reply(body=right_answer(received).body, delay_s=0.2))) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "-j", "1")
        assert command("run", "--dataset", "orders.jsonl", *address, "--out", "run").code == 3
        assert pace(tmp_path / "run")["attempts"] == 3
        assert command("run", "--resume", "run").code == 0
    found = pace(tmp_path / "run")
    assert (found["attempts"], found["retries"]) == (6, 3)
    assert found["loop_lag_p99_s"] is not None
    assert "Event-loop lag p99" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    before = (tmp_path / "run" / "journal.jsonl").read_bytes()
    assert command("run", "--resume", "run").code == 0
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before, "nothing was sent, so there is nothing to note"


@pytest.mark.parametrize("known", [True, False])
def test_cost_is_told_of_each_response_and_of_the_run(command: Command, tmp_path: Path, *, known: bool) -> None:
    """In scores, metrics, report and totals, by the run's price file; without a price it is unknown, never 0."""
    orders(tmp_path)
    (tmp_path / "prices.toml").write_text('["mock*"]\ninput = 1.0\noutput = 2.0\n', encoding="utf-8")
    given = ("--prices", "prices.toml") if known else ()
    assert command("run", "--dataset", "orders.jsonl", *MOCK, *given, "--out", "run").code == 0
    run = tmp_path / "run"
    scores = table(run, "scores")
    tokens = scores.select((pl.col("prompt_tokens") + 2 * pl.col("completion_tokens")) / 1e6).to_series()
    costs = tokens.to_list() if known else [None] * 3
    assert scores["cost_usd"].to_list() == pytest.approx(costs)
    told = table(run, "metrics").filter(pl.col("metric") == "cost_usd", pl.col("scope") == "run")
    total = pytest.approx(tokens.sum()) if known else None
    assert told.select("variant", "value", "n").rows() == [
        ("", total, 3 * known),
        ("default", total, 3 * known),
    ]
    assert pace(run)["cost_usd"] == total
    report = (run / "report.md").read_text(encoding="utf-8")
    assert ("Cost unknown." in report) is not known


def test_score_tells_the_same_again(command: Command, tmp_path: Path) -> None:
    """The pace is a function of what is in the folder, byte for byte."""
    orders(tmp_path)
    assert command("run", "--dataset", "orders.jsonl", *MOCK, *REFUSING, "--out", "run").code == 0
    files = [tmp_path / "run" / name for name in ("metrics.parquet", "summary.json", "report.md", "report.html")]
    before = [path.read_bytes() for path in files]
    assert command("score", "run").code == 0
    assert [path.read_bytes() for path in files] == before


def test_predictions_have_no_pace(command: Command, tmp_path: Path) -> None:
    """Nothing of this is told of answers that were made elsewhere."""
    orders(tmp_path, 1)
    write_cases(tmp_path / "said.jsonl", [{"case_id": "order-1", "tool_calls": []}])
    ended = command("score", "--dataset", "orders.jsonl", "--predictions", "said.jsonl", "--out", "run")
    assert ended.code == 0, ended.err
    assert pace(tmp_path / "run") == {}
    assert set(table(tmp_path / "run", "metrics")["variant"]) == {"default"}
    report = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "## Pace and cost" not in report
    assert "## Latency" not in report
