"""Text that would do harm is inert in whatever shows it: a terminal, Markdown, JSON."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fceval.report.visible import visible_lines
from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint
from tests.hostile_run import TEXTS, answer, write_dataset

_OUR_OWN = re.compile(r"\x1b\[(?:[0-9;]*m|2K|1A|\?25[lh])")
"""What rich writes to colour text, and to draw the line of progress again."""


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the hostile run in `run`, and what its terminal was sent in `terminal`."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "home").mkdir()
    dataset = write_dataset(folder / "cases.jsonl")
    with FakeEndpoint(answer) as endpoint:
        sent = _on_terminal(
            Fceval(folder, folder / "home"), 3,
            "run", dataset.name, "--base-url", endpoint.base_url, "--model", "m", "--out", "run",
        )  # fmt: skip
    (folder / "terminal").write_text(sent, encoding="utf-8", errors="surrogateescape")
    return folder


def _on_terminal(fceval: Fceval, code: int, *arguments: str) -> str:
    """Return what a command sends to a terminal."""
    if arguments[0] == "run":
        arguments = ("run", "--dataset", *arguments[1:])
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fceval", *arguments],
        cwd=fceval.folder,
        env=fceval.environment({"TERM": "xterm-256color", "LANG": "C.UTF-8"}),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    sent = b"".join(_pieces(ours))
    assert process.wait(30) == code
    return sent.decode(errors="surrogateescape")


def _pieces(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # so Linux says that the other side is closed
            piece = b""
        if not piece:
            os.close(terminal)
            return
        yield piece


def steering(sent: str) -> list[str]:
    """Return the lines with a character that a terminal would obey or hide, beside those that are our own."""
    lines = _OUR_OWN.sub("", sent).replace("\r\n", "\n").replace("\r", "").splitlines()
    return [repr(line) for line in lines if visible_lines(line) != line]


def test_steering_is_found() -> None:
    """The search itself."""
    assert len(steering("\x1b[31mred\x1b[0m\r\n\x1b[2J\r\n\x9b2J\r\n\x1b]52;c;x\x07\r\nsafe\r\n\u202e\r\n")) == 4


def test_terminal_of_a_run_is_not_steered(run_folder: Path) -> None:
    """Neither by its live line nor by its short report, nor by what it says went wrong."""
    sent = (run_folder / "terminal").read_text(encoding="utf-8", errors="surrogateescape")
    assert "inconclusive" in sent
    assert steering(sent) == []


@pytest.mark.parametrize("number", [0, *range(1, len(TEXTS), 25)])
def test_terminal_of_a_shown_case_is_not_steered(run_folder: Path, number: int) -> None:
    """Whatever its messages, calls and error are."""
    case_id = f"{TEXTS[number]} of {number}"
    if "\0" in case_id or case_id.startswith("-"):
        case_id = f"0 of {number}"  # no argument of a process has a NUL in it: what is not there is said
    sent = _on_terminal(
        Fceval(run_folder, run_folder / "home"), 2 if case_id.startswith("0 ") else 0, "show", "run", case_id
    )
    assert steering(sent) == []


def test_terminal_of_the_list_of_failures_is_not_steered(run_folder: Path) -> None:
    """It has the id of every case."""
    sent = _on_terminal(Fceval(run_folder, run_folder / "home"), 0, "show", "run")
    assert "clear_screen" not in sent
    assert r"\x1b[2J" in sent
    assert "\r" not in sent.replace("\r\n", "")
    assert steering(sent) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["dataset", "stats", "cases.jsonl"],
        ["dataset", "stats", "cases.jsonl", "--format", "json"],
        ["dataset", "lint", "cases.jsonl"],
    ],
)
def test_terminal_of_a_dataset_is_not_steered(run_folder: Path, arguments: list[str]) -> None:
    """It may come from anywhere."""
    sent = _on_terminal(Fceval(run_folder, run_folder / "home"), 0, *arguments)
    assert steering(sent) == []


def test_markdown_has_nothing_hidden_and_no_markup(run_folder: Path) -> None:
    """Foreign text begins no line, no tag, no link and no heading outside of code."""
    text = (run_folder / "run" / "report.md").read_text(encoding="utf-8")
    assert [repr(line) for line in text.split("\n") if visible_lines(line) != line] == []
    prose = _without_code(text)
    assert not re.search(r"(?<!\\)(?:<[a-z/!]|\]\()", prose)
    assert "A heading of mine" not in "\n".join(line for line in prose.split("\n") if line.startswith("#"))
    assert "evil" not in prose


def _without_code(text: str) -> str:
    """Return Markdown without its fenced blocks and code spans."""
    kept: list[str] = []
    fence = ""
    for line in text.split("\n"):
        ticks = re.match("`{3,}", line)
        if fence:
            fence = "" if line == fence else fence
        elif ticks:
            fence = ticks[0]
        else:
            kept.append(re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    assert not fence
    return "\n".join(kept)


def test_json_is_exact_and_shows_all(run_folder: Path) -> None:
    """Each text reads back as it was written, and none of it is hidden in the file."""
    fceval = Fceval(run_folder, run_folder / "home")
    assert fceval("report", "run", "--format", "json").returncode == 0
    text = (run_folder / "run" / "report.json").read_text(encoding="utf-8")
    assert [repr(line) for line in text.split("\n") if visible_lines(line) != line] == []
    ids = {example["case_id"] for section in json.loads(text)["sections"] for example in section["examples"]}
    assert ids == {f"{text.encode('utf-8', 'replace').decode()} of {number}" for number, text in enumerate(TEXTS)}


def test_files_are_named_by_us_alone(run_folder: Path) -> None:
    """No text of anybody's is part of a path."""
    names = {path.name for path in (run_folder / "run").rglob("*")}
    assert all(re.fullmatch(r"[a-z_]+\.(?:json|jsonl|parquet|md|html|xml)", name) for name in names)
    assert sorted(path.name for path in run_folder.iterdir()) == ["cases.jsonl", "home", "run", "terminal"]
