"""From nothing to a first run: `init`, `schema`, and the configs that are shipped."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema_rs
import pytest

from fceval.config import load_config
from tests.cli_process import PROJECT
from tests.functional.conftest import Command
from tests.functional.orders import orders, summary

CONFIGS = sorted((PROJECT / "configs").glob("*.toml"))


def test_first_steps(command: Command, tmp_path: Path) -> None:
    """In an empty folder, the command that `init` prints runs and reports."""
    written = command("init", "mine")
    assert written.code == 0
    line = written.out.splitlines()[-1].split()
    assert line == ["fceval", "run", "mine/fceval.toml"]
    assert command("dataset", "lint", "mine/cases.jsonl").code == 0
    ended = command(*line[1:])
    assert ended.code == 0, ended.err
    (run,) = (path for path in (tmp_path / "reports").iterdir() if path.is_dir())
    assert run.name.endswith(tuple(f"-first-{number:04x}" for number in range(16**4)))
    assert summary(run)["measured"] == 6


def test_init_overwrites_nothing(command: Command, tmp_path: Path) -> None:
    """A file that is there stays, and nothing is written beside it."""
    (tmp_path / "cases.jsonl").write_text("mine\n", encoding="utf-8")
    ended = command("init")
    assert (ended.code, ended.out) == (2, "")
    assert "cases.jsonl: exists already, and is not overwritten" in ended.err
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"cases.jsonl": "mine\n"}


def test_schema_knows_right_from_wrong(command: Command) -> None:
    """The printed schema accepts the configs that are shipped, and refuses an unknown name and a wrong type."""
    schema = json.loads(command("schema").out)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.validator_for(schema)
    shipped = [*CONFIGS, PROJECT / "fceval" / "cli" / "templates" / "fceval.toml"]
    for path in shipped:
        assert list(validator.iter_errors(tomllib.loads(path.read_text(encoding="utf-8")))) == [], path.name
    for wrong in ({"nam": "x"}, {"endpoint": {"modle": "m"}}, {"trials": "two"}, {"variant": [{"nam": "x"}]}):
        assert not validator.is_valid(wrong), wrong


def test_schema_explains_settings(command: Command) -> None:
    """An editor can show what each setting means."""
    schema = json.loads(command("schema").out)
    tables = [schema, *schema["$defs"].values()]
    unexplained = [
        name for table in tables for name, setting in table.get("properties", {}).items()
        if "description" not in setting and "$ref" not in setting and "allOf" not in setting
    ]  # fmt: skip
    assert unexplained == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_config_is_valid(path: Path) -> None:
    """Each config of the project loads, and its dataset is there."""
    config = load_config(path)
    assert config.dataset.path is not None
    assert config.dataset.path.is_file()


def test_flags_go_over_the_file_and_set_over_flags(command: Command, tmp_path: Path) -> None:
    """Defaults, then the file, then flags, then `--set`: what counts is in `run.json`."""
    orders(tmp_path)
    (tmp_path / "a.toml").write_text(
        'trials = 2\ndataset.path = "orders.jsonl"\n'
        'endpoint = { base_url = "embedded:mock", model = "of-the-file", concurrency = 3 }\n',
        encoding="utf-8",
    )
    ended = command(
        "run", "a.toml", "--model", "of-the-flag", "-j", "4", "--set", "endpoint.concurrency=5", "--out", "run"
    )
    assert ended.code == 0
    config = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["config"]
    assert (config["trials"], config["endpoint"]["model"], config["endpoint"]["concurrency"]) == (2, "of-the-flag", 5)
