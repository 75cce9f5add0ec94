"""The documents say what is true: their commands parse, their files are there, their help is the program's own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fceval.cli import cli
from tests.cli_process import PROJECT

DOCUMENTS = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((PROJECT / "configs").glob("*.toml")),
    *sorted((PROJECT / "fceval" / "cli" / "templates").glob("*.toml")),
]
_FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def commands(text: str, suffix: str) -> Iterator[tuple[list[str], bool]]:
    """Yield the words behind each `fceval` of a document, and whether they are a whole command line.

    What stands in a line of its own is whole; what a sentence mentions may leave out arguments.
    """
    if suffix == ".toml":
        lines = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
        pieces = [(line, True) for line in lines if line.startswith("fceval ")]
    else:
        pieces = [(line, True) for block in _FENCED.findall(text) for line in block.splitlines()]
        pieces += [(span, False) for span in _INLINE.findall(_FENCED.sub("", text))]
    for piece, whole in pieces:
        for part in piece.split("&&"):
            words = part.split("#")[0].split()
            if words and words[0].rpartition("/")[2] == "fceval" and len(words) > 1:
                yield shlex.split(part, comments=True)[1:], whole


def check(words: list[str], *, whole: bool) -> None:
    """Parse a command line without running it.

    Raises:
        click.UsageError: There is no such command or flag, or an argument is missing from a whole line.
    """
    command: click.Command = cli
    context = click.Context(cli, info_name="fceval")
    while isinstance(command, click.Group) and words and words[0] not in {"--help", "--version"}:
        name, command, words = command.resolve_command(context, words)  # type: ignore[assignment]  # None only when resilient
        context = click.Context(command, info_name=name, parent=context)
    if isinstance(command, click.Group) or "--help" in words:
        return
    try:
        command.make_context(context.info_name, list(words), parent=context.parent)
    except click.MissingParameter:
        if whole:
            raise


FOUND = [
    (path.name, words, whole)
    for path in DOCUMENTS
    for words, whole in commands(path.read_text(encoding="utf-8"), path.suffix)
]


@pytest.mark.parametrize(("document", "words", "whole"), FOUND, ids=lambda each: str(each)[:60])
def test_command_parses(document: str, words: list[str], *, whole: bool) -> None:
    """A command that a document names exists, with the flags that it gives."""
    check(words, whole=whole)


@pytest.mark.parametrize(("document", "words", "whole"), FOUND, ids=lambda each: str(each)[:60])
def test_files_of_a_command_are_there(document: str, words: list[str], *, whole: bool) -> None:
    """Configs and datasets of the project that a command names exist."""
    absent = [word for word in words if word.startswith(("configs/", "datasets/")) and not (PROJECT / word).is_file()]
    assert absent == []


@pytest.mark.parametrize("words", [["rnu"], ["run", "--modle", "m"], ["dataset", "lnit", "x"], ["show"]], ids=" ".join)
def test_wrong_command_is_found(words: list[str]) -> None:
    """The check can fail: an unknown command, an unknown flag and a missing argument are told."""
    with pytest.raises(click.UsageError):
        check(words, whole=True)


def test_readme_has_commands() -> None:
    """The main commands are in the README; a document whose commands are not seen would pass everything."""
    named = {words[0] for document, words, _ in FOUND if document == "README.md"}
    assert {"run", "score", "show", "dataset", "init", "schema", "serve"} <= named


def test_help_blocks_are_the_programs_own() -> None:
    """Where a document shows help, it shows what `--help` prints."""
    for path in DOCUMENTS:
        for block in _FENCED.findall(path.read_text(encoding="utf-8")):
            if block.startswith("Usage: fceval"):
                words = block.splitlines()[0].split()[2:]
                names = [word for word in words if word.isalpha() and word.islower()]
                assert block.rstrip("\n") == help_of(names), f"{path.name}: fceval {' '.join(names)} --help"


def help_of(names: list[str]) -> str:
    """Return the help of a command, as a terminal of 80 columns shows it."""
    command: click.Command = cli
    context = click.Context(cli, info_name="fceval", **cli.context_settings)
    for name in names:
        assert isinstance(command, click.Group)
        command = command.commands[name]
        context = click.Context(command, info_name=name, parent=context)
    return context.get_help()


def test_help_is_what_the_program_prints(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The help that documents are held against is the help of the command line."""
    monkeypatch.setenv("COLUMNS", "80")
    for names in ([], ["run"], ["dataset", "sample"]):
        cli.main([*names, "--help"], prog_name="fceval", standalone_mode=False)
        assert capsys.readouterr().out.rstrip("\n") == help_of(names)


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.suffix == ".md"], ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    """Each file that a document links to exists."""
    links = _LINK.findall(_FENCED.sub("", path.read_text(encoding="utf-8")))
    assert [link for link in links if not (PROJECT / link).exists()] == []


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.suffix == ".md"], ids=lambda path: path.name)
def test_files_that_are_named_are_there(path: Path) -> None:
    """A path of the project in backticks exists, unless it is a pattern or a file of the reader's."""
    spans = _INLINE.findall(_FENCED.sub("", path.read_text(encoding="utf-8")))
    paths = [span for span in spans if re.fullmatch(r"(?:datasets|configs|tests|fceval)/[\w./-]+", span)]
    assert [each for each in paths if not (PROJECT / each).exists()] == []
