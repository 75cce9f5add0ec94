"""Answers that were there before: mended after damage, and lent by other runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply
from tests.functional.conftest import Command
from tests.functional.orders import journal, order_of, orders, right_answer, summary, table


def test_damaged_lines_are_set_aside_and_asked_again(command: Command, tmp_path: Path) -> None:
    """Two records of eight changed on the disk: refused, then mended on request; only those two are sent again."""
    orders(tmp_path, 8)
    path = tmp_path / "run" / "journal.jsonl"
    with FakeEndpoint(right_answer) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "-j", "1")
        command("run", "--dataset", "orders.jsonl", *address, "--out", "run")
        before = {name: table(tmp_path / "run", name) for name in ("scores", "calls", "arguments")}
        lines = path.read_bytes().splitlines(keepends=True)
        hit = [number for number, line in enumerate(lines) if b'"message": ' in line][2:4]
        for number in hit:
            lines[number] = lines[number].replace(b"get_delivery_date", b"get_delivery_dat\x00")
        path.write_bytes(b"".join(lines))
        refused = command("run", "--resume", "run")
        assert (refused.code, len(endpoint.received)) == (5, 8)
        assert f"line {hit[0] + 1} is damaged" in refused.err
        assert "--salvage" in refused.err
        ended = command("run", "--resume", "run", "--salvage")
        assert ended.code == 0, ended.err
        assert "2 damaged lines are set aside; what they held will be asked for again" in ended.err
        assert sorted(order_of(request) for request in endpoint.received[8:]) == ["order_3", "order_4"]
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == 10
    (aside,) = (tmp_path / "run").glob("journal.damaged-*")
    assert aside.read_bytes() == b"".join(lines[number] for number in hit)
    for name, rows in before.items():
        assert table(tmp_path / "run", name).equals(rows), name


def test_salvage_of_a_sound_journal_changes_nothing(command: Command, tmp_path: Path) -> None:
    """Whoever asks for it in vain loses nothing."""
    orders(tmp_path)
    with FakeEndpoint(right_answer) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m")
        command("run", "--dataset", "orders.jsonl", *address, "--out", "run")
        content = (tmp_path / "run" / "journal.jsonl").read_bytes()
        assert command("run", "--resume", "run", "--salvage").code == 0
        assert len(endpoint.received) == 3
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == content


def test_answers_of_another_run_are_not_asked_again(command: Command, tmp_path: Path) -> None:
    """What was answered there is taken over, trial by trial; a trial that was not asked is, and so is a failure."""
    orders(tmp_path, 3)
    asked = 0

    def script(received: Received) -> Reply:
        nonlocal asked
        asked += 1
        if order_of(received) == "order_2" and asked <= 6:
            return error_reply(400)
        return message_reply(content=f"answer {asked}")

    with FakeEndpoint(script) as endpoint:
        address = ("--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "-j", "1")
        assert command("run", *address, "--out", "base", "--trials", "2").code == 3
        assert asked == 6
        ended = command("run", *address, "--out", "more", "--trials", "3", "--set", "reuse=['base']")
        assert ended.code == 0, ended.err
        assert asked == 6 + 2 + 3, "two failures, and the third trial of each order"
        base, more = (said(tmp_path / name) for name in ("base", "more"))
        lent = {key: text for key, text in base.items() if text is not None}
        assert {key: more[key] for key in lent} == lent
        assert len(lent) == 4
        assert len(set(more.values())) == 9, "trials stay apart: no two of them share an answer"
        again = command("run", *address, "--out", "once-more", "--trials", "3", "--set", "reuse=['base', 'more']")
        assert (again.code, asked) == (0, 11)
    assert said(tmp_path / "once-more") == more
    assert summary(tmp_path / "once-more")["measured"] == 9


def said(run: Path) -> dict[tuple[str, int], str | None]:
    """Return the text of each answer of a run, by case and trial; None where the model did not get to answer."""
    return {
        (record["case_id"], record["trial"]): record["message"] and record["message"]["content"]
        for record in journal(run)
    }


@pytest.mark.parametrize(
    "settings", [["--set", "request.temperature=0"], ["--model", "other"], ["--set", "endpoint.stream=true"]]
)
def test_answers_to_other_requests_are_not_taken(command: Command, tmp_path: Path, settings: list[str]) -> None:
    """Another body, another request: everything is asked."""
    orders(tmp_path, 3)
    with FakeEndpoint(right_answer) as endpoint:
        address = ("--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m")
        command("run", *address, "--out", "base")
        command("run", *address, *settings, "--out", "more", "--set", "reuse=['base']")
        assert len(endpoint.received) == 6


def test_run_that_lends_must_be_there_and_sound(command: Command, tmp_path: Path) -> None:
    """A folder without a run is a mistake of the settings, a damaged journal one of the disk; nothing is sent."""
    orders(tmp_path, 3)
    with FakeEndpoint(right_answer) as endpoint:
        address = ("--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m")
        command("run", *address, "--out", "base")
        missing = command("run", *address, "--out", "more", "--set", "reuse=['nowhere']")
        path = tmp_path / "base" / "journal.jsonl"
        path.write_bytes(path.read_bytes().replace(b"order_1", b"order_7"))
        damaged = command("run", *address, "--out", "more", "--set", "reuse=['base']")
        assert len(endpoint.received) == 3
    assert (missing.code, "nowhere: no run there" in missing.err) == (2, True), missing.err
    assert (damaged.code, "is damaged" in damaged.err) == (5, True), damaged.err
    assert not (tmp_path / "more").exists()
    assert json.loads((tmp_path / "base" / "run.json").read_text("utf-8"))["planned_responses"] == 3
