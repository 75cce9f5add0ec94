"""A run without what was said in it: no message, answer or value is left, and what is left still works."""

from __future__ import annotations

from pathlib import Path

from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply
from tests.functional.conftest import Command
from tests.functional.orders import case, order_of, summary, table, write_cases

SAID = ("SECRETQUESTION", "SECRETANSWER", "SECRETVALUE", "SECRETERROR", "SECRETWANTED")


def script(received: Received) -> Reply:
    """Say something that is not to be kept: as text, as an argument, as an error."""
    number = order_of(received)
    if number == "order_1":
        return message_reply(content="SECRETANSWER")
    if number == "order_2":
        return error_reply(400, "SECRETERROR")
    return message_reply(tool_calls=[("get_delivery_date", {"order_id": "SECRETVALUE"})])


def traces(folder: Path) -> set[str]:
    """Return what of it is in any file of a folder, in tables read as such."""
    text = b"".join(path.read_bytes() for path in folder.iterdir()).decode(errors="replace")
    text += "".join(table(folder, name).write_csv() for name in ("calls", "arguments", "metrics"))
    text += str(table(folder, "scores").to_dicts())
    return {said for said in SAID if said in text}


def test_what_was_said_is_gone_and_the_numbers_stay(command: Command, tmp_path: Path) -> None:
    """In every file; the run is compared, gated and reported on as before, but not gone on with nor judged again."""
    asked = [{"role": "user", "content": f"SECRETQUESTION: when does order_{number} arrive?"} for number in (1, 2, 3)]
    wanted = [{"name": "get_delivery_date", "arguments": {"order_id": "SECRETWANTED"}}]
    rows = [case(number, messages=[asked[number - 1]], expected=wanted) for number in (1, 2, 3)]
    write_cases(tmp_path / "orders.jsonl", rows)
    with FakeEndpoint(script) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "--max-not-measured", "1")
        assert command("run", "--dataset", "orders.jsonl", *address, "--out", "run").code == 0
    run = tmp_path / "run"
    (run / "journal.torn-20261123T000000000000").write_bytes(b"SECRETANSWER")
    assert command("report", "run", "--format", "json").code == 0
    assert traces(run) == set(SAID)
    before, outcomes = summary(run), table(run, "scores")["outcome"].to_list()

    assert command("redact", "run").code == 0
    assert command("redact", "run").code == 0, "what was interrupted can be done again"
    assert traces(run) == set()
    assert (summary(run), table(run, "scores")["outcome"].to_list()) == (before, outcomes)
    assert not (run / "report.json").exists()
    assert "missing call" in (run / "report.md").read_text(encoding="utf-8")
    assert command("report", "run", "--format", "json").code == 0
    assert command("show", "run", "order-1").code == 0
    assert command("compare", "run", "run").code == 0
    for refused in (("run", "--resume", "run"), ("score", "run")):
        ended = command(*refused)
        assert (ended.code, "is redacted: its cases and answers are gone" in ended.err) == (2, True)
    assert traces(run) == set()


def test_run_that_is_not_scored_is_left_alone(command: Command, tmp_path: Path) -> None:
    """Nothing would stay of it."""
    write_cases(tmp_path / "orders.jsonl", [case()])
    with FakeEndpoint(script) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "--max-not-measured", "1")
        assert command("run", "--dataset", "orders.jsonl", *address, "--out", "run").code == 0
    (tmp_path / "run" / "scores.parquet").unlink()
    assert command("redact", "run").code == 2
    assert (tmp_path / "run" / "journal.jsonl").is_file()
