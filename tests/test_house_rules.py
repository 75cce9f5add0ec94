"""What no linter checks: the shape of the tree, and what its files may not say.

Each rule is a function from files to offences, one line each. It is held against the tree, and against a small
offender that proves it can fail.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import pytest

PROJECT = Path(__file__).resolve().parents[1]
MAX_LINES = 400
VAGUE_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"})
TOP_LEVEL = frozenset(
    {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "configs",
        "datasets",
        "fceval",
        "pyproject.toml",
        "reports",
        "tests",
    }
)
BUILT = frozenset({"PKG-INFO", "__pycache__"})
"""What a source distribution or Python itself leaves beside the files; git ignores it."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the project."""

    path: PurePosixPath
    """From the project's root."""
    text: str
    """Empty for a file that is no text."""

    @property
    def is_python(self) -> bool:
        """Whether Python reads it."""
        return self.path.suffix == ".py"

    @property
    def is_prose_or_code(self) -> bool:
        """Whether its words are ours: cases and recorded bytes may say anything, and this file names what it bans."""
        return self.path.parts[0] != "datasets" and self.path.parts[:2] not in {
            ("tests", "data"),
            ("tests", "golden"),
            ("tests", "test_house_rules.py"),
        }


Rule: TypeAlias = Callable[[Sequence[Source]], Iterator[str]]


def short_files(sources: Sequence[Source]) -> Iterator[str]:
    """No Python file is longer than 400 lines: split it where its subject splits."""
    for source in sources:
        lines = len(source.text.splitlines())
        if source.is_python and lines > MAX_LINES:
            yield f"{source.path}: {lines} lines, more than {MAX_LINES}"


def telling_names(sources: Sequence[Source]) -> Iterator[str]:
    """No file or folder has a name that fits anything: name it after what it does."""
    for source in sources:
        for name in [*source.path.parts[:-1], source.path.stem]:
            if name.strip("_") in VAGUE_NAMES:
                yield f"{source.path}: `{name}` says nothing"


def known_top_level(sources: Sequence[Source]) -> Iterator[str]:
    """The project's root holds what tools demand there, and the folders of the map."""
    for name in sorted({source.path.parts[0] for source in sources}):
        if name not in TOP_LEVEL and not name.startswith("."):
            yield f"{name}: does not belong at the top level"


_OF_ONE_MACHINE = re.compile(
    r"(?<![\w.~}])/(?:home|root|Users|work|tmp|mnt)/\w+|[A-Z]:\\Users|pypi\.org|pythonhosted\.org|artifactory|--index-url"
)


def no_machine_of_ours(sources: Sequence[Source]) -> Iterator[str]:
    """No text names a path of one machine, or a package registry: those are the user's to configure."""
    for source in sources:
        if source.is_prose_or_code:
            for number, line in enumerate(source.text.splitlines(), 1):
                if found := _OF_ONE_MACHINE.search(line):
                    yield f"{source.path}:{number}: `{found.group()}`"


_DIRECTIVE = re.compile(
    r"(?:ruff:\s*)?noqa(?::\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*)?"
    r"|(?:type|mypy): ?ignore[\w-]*(?:\[[\w, -]*\])?"
    r"|pragma: no (?:cover|branch)"
)


def justified_exceptions(sources: Sequence[Source]) -> Iterator[str]:
    """Each comment that silences a tool says why."""
    for source in sources:
        for number, comment in _comments(source):
            rest, silenced = _DIRECTIVE.subn("", comment)
            if silenced and not re.search(r"\w{4,}", rest):
                yield f"{source.path}:{number}: {comment.strip()}: no reason given"


def _comments(source: Source) -> Iterator[tuple[int, str]]:
    if source.is_python:
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")


def nothing_left_for_later(sources: Sequence[Source]) -> Iterator[str]:
    """No note in the tree stands for work that is not done: it belongs in the issue tracker."""
    for source in sources:
        if source.is_prose_or_code:
            for number, line in enumerate(source.text.splitlines(), 1):
                if found := _UNFINISHED.search(line):
                    yield f"{source.path}:{number}: `{found.group()}`"


_WAYS_TO_SKIP = frozenset({"skip", "skipif", "skipUnless", "skipIf", "skipTest", "SkipTest", "xfail", "importorskip"})


def no_skipped_tests(sources: Sequence[Source]) -> Iterator[str]:
    """Nothing skips but the fixture for shared data, which fails in CI instead."""
    for source in sources:
        if source.is_python and source.path.parts[0] == "tests":
            tree = ast.parse(source.text)
            excused = (
                {id(node) for node in _within(tree, "shared_data")} if source.path.name == "conftest.py" else set()
            )
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and node.attr in _WAYS_TO_SKIP and id(node) not in excused:
                    yield f"{source.path}:{node.lineno}: `{ast.unparse(node)}`"


def _within(tree: ast.Module, function: str) -> Iterator[ast.AST]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            yield from ast.walk(node)


def mirrored_tests(sources: Sequence[Source]) -> Iterator[str]:
    """Each file of `tests/unit` is named after the module that it tests, at the same place."""
    modules = {source.path.with_suffix("") for source in sources if source.path.parts[0] == "fceval"}
    modules |= {folder for module in modules for folder in module.parents}
    for source in sources:
        if source.is_python and source.path.parts[:2] == ("tests", "unit") and source.path.name != "conftest.py":
            module = PurePosixPath("fceval", *source.path.parts[2:-1], source.path.stem.removeprefix("test_"))
            if not modules & {module, module.with_name(f"_{module.name}")}:
                yield f"{source.path}: there is no {module}.py"


RULES: dict[str, tuple[Rule, Source]] = {
    rule.__name__: (rule, Source(PurePosixPath(path), text))
    for rule, path, text in [
        (short_files, "fceval/long.py", "x = 1\n" * (MAX_LINES + 1)),
        (telling_names, "fceval/_utils/dates.py", ""),
        (known_top_level, "Makefile", ""),
        (no_machine_of_ours, "README.md", "cd /home/ann/fceval"),
        (justified_exceptions, "fceval/x.py", "import y  # type: ignore[import]  # noqa: F401, E501"),
        (nothing_left_for_later, "CONTRIBUTING.md", "TODO: say more"),
        (no_skipped_tests, "tests/conftest.py", "def other():\n    pytest.mark.skip()\n"),
        (mirrored_tests, "tests/unit/report/test_nothing.py", ""),
    ]
}
"""Each rule, and a file that breaks it."""


def _tree() -> list[Source]:
    """Return every file that is or would be committed; outside of git, every file but caches."""
    if (PROJECT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, encoding="utf-8").stdout
        paths = [PurePosixPath(name) for name in listed.split("\0") if name and (PROJECT / name).is_file()]
    else:
        found = (path.relative_to(PROJECT) for path in PROJECT.rglob("*") if path.is_file())
        paths = [
            PurePosixPath(path) for path in found if not (BUILT & set(path.parts) or path.parts[0].startswith("."))
        ]
    return [Source(path, _text(PROJECT / path)) for path in sorted(paths)]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@pytest.fixture(scope="module")
def tree() -> list[Source]:
    """Give the files of the project."""
    return _tree()


@pytest.mark.untraced
@pytest.mark.parametrize("name", RULES)
def test_tree_keeps_the_rule(name: str, tree: list[Source]) -> None:
    """The tree has no offence."""
    rule, _ = RULES[name]
    offences = list(rule(tree))
    assert not offences, f"{rule.__doc__}\n" + "\n".join(offences)


@pytest.mark.parametrize("name", RULES)
def test_rule_finds_an_offender(name: str) -> None:
    """The rule can fail: its offender gives one offence, which names the file."""
    rule, offender = RULES[name]
    (offence,) = rule([offender])
    assert str(offender.path.parts[0]) in offence


def test_reason_excuses_an_exception() -> None:
    """A directive with a reason passes, for every tool."""
    text = (
        "a = 1  # noqa: N816 -- the wire's spelling\n"
        "b = 1  # type: ignore[misc]  # the stubs are behind\n"
        "c = 1  # pragma: no cover -- Windows only\n"
    )
    assert list(justified_exceptions([Source(PurePosixPath("fceval/x.py"), text)])) == []


def test_tree_is_seen(tree: list[Source]) -> None:
    """The rules are held against the real files, not against an empty list."""
    paths = {str(source.path) for source in tree}
    assert {"pyproject.toml", "fceval/records.py", "tests/test_house_rules.py"} <= paths


def test_wheel_holds_the_whole_package(tree: list[Source], tmp_path: Path) -> None:
    """Templates and `py.typed` are installed with the code, and tests are not."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    built = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, encoding="utf-8")
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == {str(source.path) for source in tree if source.path.parts[0] == "fceval"}
