"""Runs that are killed again and again: what is there at the end is what would have been there without."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli_process import PROJECT
from tests.fake_endpoint import FakeEndpoint, Received, Reply, message_reply
from tests.functional.conftest import Command
from tests.functional.orders import journal, order_of, orders, right_answer, table

CASES = 80
WORKERS = 4
RUNS = 4
KILLS_A_RUN = 50
SIDE_BY_SIDE = 2
LONGEST_S = 300.0


def partly_right(received: Received) -> Reply:
    """Answer right, but every fifth order with text; take a little time for it."""
    number = int(order_of(received).removeprefix("order_"))
    body = message_reply(content="Soon.").body if number % 5 == 0 else right_answer(received).body
    return Reply(body=body, delay_s=0.02)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], int]:
    """Give the cases, how each of the runs ended that were killed 200 times in all, and the requests sent."""
    folder = tmp_path_factory.mktemp("killed")
    cases = orders(folder, CASES)
    with FakeEndpoint(partly_right) as endpoint:
        address = ("--dataset", str(cases), "--base-url", endpoint.base_url, "--model", "m", "-j", str(WORKERS))
        killing = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.killed_runs", str(folder / f"{seed}")),
                    *(str(RUNS // SIDE_BY_SIDE), str(KILLS_A_RUN), str(seed), *address),
                ],
                cwd=PROJECT,
                env={"PATH": os.environ["PATH"], "HOME": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            for seed in range(SIDE_BY_SIDE)
        ]
        ended: list[dict[str, Any]] = []
        for process in killing:
            with process:
                out, err = process.communicate(timeout=LONGEST_S)
            assert process.returncode == 0, err
            ended += map(json.loads, out.splitlines())
        return cases, ended, len(endpoint.received)


def as_bytes(run: Path, name: str) -> bytes:
    """Return one table of a run as the bytes of a file; scores without what the clock says."""
    written = io.BytesIO()
    table(run, name).write_parquet(written)
    return written.getvalue()


def test_200_kills_in_every_stage_lose_nothing(after: tuple[Path, list[dict[str, Any]], int]) -> None:
    """Each case is answered once, and every run ends as if it had been left alone; the kills came in all stages."""
    _, ended, _ = after
    assert [each["code"] for each in ended] == [0] * RUNS
    asking, writing = (sum(each[stage] for each in ended) for stage in ("asking", "writing"))
    assert asking + writing == RUNS * KILLS_A_RUN
    assert writing >= RUNS * KILLS_A_RUN / 4
    assert asking >= RUNS * KILLS_A_RUN / 4
    for each in ended:
        counted = Counter(record["case_id"] for record in journal(Path(each["run"])))
        assert (len(counted), set(counted.values())) == (CASES, {1})


def test_requests_sent_again_are_at_most_those_in_flight(after: tuple[Path, list[dict[str, Any]], int]) -> None:
    """A kill while something is asked costs as many requests as there are workers, and a later one costs none.

    Each request that the endpoint saw is noted in a journal, and so may be counted as possibly billed.
    """
    _, ended, received = after
    assert 0 <= received - RUNS * CASES <= sum(each["asking"] for each in ended) * WORKERS
    begun = sum((Path(each["run"]) / "journal.jsonl").read_bytes().count(b'"begun_at": ') for each in ended)
    assert RUNS * CASES <= received <= begun


def test_tables_are_those_of_an_undisturbed_run(
    after: tuple[Path, list[dict[str, Any]], int], command: Command, tmp_path: Path
) -> None:
    """Byte for byte, but for what the clock says; and no half-written file is left."""
    cases, ended, _ = after
    with FakeEndpoint(partly_right) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "-j", str(WORKERS))
        assert command("run", "--dataset", cases, *address, "--out", "whole").code == 0
    whole = tmp_path / "whole"
    kept = {path.name for path in whole.iterdir()}
    for run in (Path(each["run"]) for each in ended):
        for name in ("scores", "calls", "arguments"):
            assert as_bytes(run, name) == as_bytes(whole, name), name
        for name in ("calls.parquet", "arguments.parquet"):
            assert (run / name).read_bytes() == (whole / name).read_bytes()
        left = {path.name for path in run.iterdir() if not path.name.startswith("journal.torn-")} - kept
        assert not left
