"""Run folders: found again, kept apart, and never mixed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fceval import runs
from fceval.cases.read import read_cases
from fceval.dialogue import Shape
from fceval.errors import ConfigError, LocalError
from fceval.journal import Journal
from tests.run_folders import SHAPING, begun, config


def test_folder_is_named_by_time_and_name(tmp_path: Path) -> None:
    """Two runs that begin in one second are two folders, and nobody else reads them."""
    settings = config(tmp_path, name="nightly")
    folders = {runs.new_folder(settings, None) for _ in range(20)}
    assert len(folders) == 20
    for folder in folders:
        moment, name, token = folder.name.split("-")
        assert (len(moment), name, len(token)) == (16, "nightly", 4)
        assert folder.parent == tmp_path / "reports"
        assert folder.stat().st_mode & 0o777 == 0o700


def test_folder_in_use_is_refused(tmp_path: Path) -> None:
    """A run, anything else, a file, and the name that means the newest run; an empty folder is taken."""
    run = begun(tmp_path)
    with pytest.raises(ConfigError, match=r"holds a run already: go on with it \(--resume "):
        runs.new_folder(run.config, run.folder)
    with pytest.raises(ConfigError, match="is not empty: choose another --out"):
        runs.new_folder(run.config, run.folder.parent)
    with pytest.raises(ConfigError, match="`latest` means the newest run"):
        runs.new_folder(run.config, tmp_path / "latest")
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="cannot be made"):
        runs.new_folder(run.config, tmp_path / "file" / "x")
    (tmp_path / "empty").mkdir()
    assert runs.new_folder(run.config, tmp_path / "empty") == tmp_path / "empty"


def test_run_is_opened_as_it_was_begun(tmp_path: Path) -> None:
    """Settings and manifest survive; the file is the owner's alone and holds no more than it should."""
    run = begun(tmp_path, trials=3, request={"temperature": 0.5})
    opened = runs.open_run(run.folder)
    assert opened == run
    assert (run.folder / "run.json").stat().st_mode & 0o777 == 0o600
    assert opened.own_settings.dataset.path is None
    assert opened.meta()["dataset"] == "a.jsonl (1 cases, sha256 000000000000)"


def test_report_says_how_was_asked_where_it_is_not_as_usual(tmp_path: Path) -> None:
    """Numbers of streamed answers and of teacher-forced turns are not those of a plain run."""
    assert not {"stream", "turns"} & begun(tmp_path).meta().keys()
    endpoint = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "stream": True}
    meta = begun(tmp_path, endpoint=endpoint, turns="teacher_forced").meta()
    assert (meta["stream"], meta["turns"]) == ("yes", "teacher-forced")


def test_latest_is_the_newest_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself the word means the newest run of `reports`; below a folder the newest one there."""
    monkeypatch.chdir(tmp_path)
    first, second = begun(tmp_path), begun(tmp_path)
    runs.mark_latest(first)
    runs.mark_latest(second)
    assert runs.open_run(Path("latest")).folder.resolve() == second.folder
    assert runs.open_run(tmp_path / "reports" / "latest").folder == second.folder
    with pytest.raises(ConfigError, match="other/latest: no run yet"):
        runs.open_run(Path("other/latest"))


def test_run_outside_the_reports_is_not_the_latest(tmp_path: Path) -> None:
    """Nothing is written beside a folder that the user chose."""
    run = begun(tmp_path, out=tmp_path / "elsewhere" / "x")
    runs.mark_latest(run)
    assert [path.name for path in run.folder.parent.iterdir()] == ["x"]


def test_discarded_run_is_gone_and_the_one_before_is_the_latest(tmp_path: Path) -> None:
    """As if it had never begun; what a user put into the folder stays."""
    first, second = begun(tmp_path), begun(tmp_path)
    runs.mark_latest(second)
    (second.folder / "notes.txt").touch()
    runs.discard(second.folder)
    assert [path.name for path in second.folder.iterdir()] == ["notes.txt"]
    assert runs.open_run(tmp_path / "reports" / "latest").folder == first.folder


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, ConfigError, "no run there: give the folder of a run"),
        (b"{", LocalError, "not a `run.json` that fceval wrote: not valid JSON"),
        (b"[]", LocalError, "not a `run.json` that fceval wrote"),
        (b"\xff", LocalError, "not a `run.json` that fceval wrote"),
        (b'{"format_version": 99}', LocalError, "format version 99: update fceval"),
        (b'{"format_version": "1"}', LocalError, "not a `run.json` that fceval wrote"),
        (b'{"format_version": 1, "config": {}}', LocalError, "not a `run.json` that fceval wrote: 'fceval_version'"),
    ],
)
def test_folder_that_holds_no_run_is_refused(
    tmp_path: Path, content: bytes | None, error: type[Exception], message: str
) -> None:
    """With what is wrong with it."""
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(error) as caught:
        runs.open_run(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize("member", ["started_at", "planned_responses", "dataset", "config"])
def test_manifest_with_a_gap_is_refused(tmp_path: Path, member: str) -> None:
    """When it is opened, not when a report needs it."""
    run = begun(tmp_path)
    manifest = dict(run.manifest)
    del manifest[member]
    (run.folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(LocalError, match=f"not a `run.json` that fceval wrote: '{member}'"):
        runs.open_run(run.folder)


def test_setting_that_this_fceval_does_not_know_is_named(tmp_path: Path) -> None:
    """A run of another version, or edited by hand."""
    run = begun(tmp_path)
    manifest: Any = json.loads(json.dumps(run.manifest))
    manifest["config"]["endpoint"]["rmp"] = 5
    (run.folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run\.json: 1 mistake\n  endpoint\.rmp: unknown setting"):
        runs.open_run(run.folder)


def test_copy_has_what_a_run_is_and_nothing_else(tmp_path: Path) -> None:
    """Its settings, cases and answers; readable by its owner only."""
    run = begun(tmp_path)
    (run.folder / "report.md").touch()
    copy = runs.copied(run, tmp_path / "copy")
    assert sorted(path.name for path in copy.folder.iterdir()) == ["cases.parquet", "journal.jsonl", "run.json"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in copy.folder.iterdir())
    assert runs.open_run(copy.folder) == replace(run, folder=copy.folder)
    assert copy.journal.read_bytes() == run.journal.read_bytes()
    with pytest.raises(ConfigError, match="holds a run already"):
        runs.copied(run, run.folder)


def test_run_without_answers_is_known_as_one(tmp_path: Path) -> None:
    """No journal, or one with nothing in it."""
    run = begun(tmp_path)
    assert not runs.is_unanswered(run)
    run.journal.unlink()
    assert runs.is_unanswered(run)
    with Journal(run.journal):
        pass
    assert runs.is_unanswered(run)


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What cannot be written leaves the old file and no rest."""
    path = tmp_path / "a"
    runs.write_file(path, b"old")
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "b").mkdir()
    with pytest.raises(LocalError, match="b: cannot be written: Is a directory"):
        runs.write_file(tmp_path / "b", b"new")
    with pytest.raises(LocalError, match="cannot be written: No such file or directory"):
        runs.write_file(tmp_path / "none" / "a", b"new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]
    assert path.read_bytes() == b"old"


def test_dialogues_ask_as_the_settings_say(tmp_path: Path) -> None:
    """Shape and turns reach each dialogue; by default both are plain."""
    run = begun(tmp_path)
    (plain,) = runs.dialogues_of(read_cases(run.cases), run.config)
    assert (plain.shape, plain.turns) == (Shape(), "free_running")
    endpoint = {"base_url": "http://127.0.0.1:9/v1", "model": "m", **SHAPING}
    run = begun(tmp_path, endpoint=endpoint, turns="teacher_forced")
    (shaped,) = runs.dialogues_of(read_cases(run.cases), run.config)
    assert shaped.turns == "teacher_forced"
    assert shaped.shape == Shape(
        stream=True,
        extra_body={"top_k": 5},
        omit=frozenset({"seed"}),
        developer_as_system=True,
        token_limit="max_tokens",
    )
