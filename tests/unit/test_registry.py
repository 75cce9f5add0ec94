"""A package of plugins offers its files by name, and imports only the chosen one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fceval import registry
from fceval.errors import ConfigError


@pytest.fixture
def planets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the dotted name of a package with three plugins, one of them broken, and a private file."""
    parent = f"of_{tmp_path.name}"  # a name of its own: what was found once is remembered
    package = tmp_path / parent / "planets"
    package.mkdir(parents=True)
    for name, text in {
        "__init__": "",
        "mars": "PLUGIN = 'red'",
        "earth": "PLUGIN = 'blue'",
        "vulcan": "raise RuntimeError('imported')",
        "_orbits": "",
    }.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield f"{parent}.planets"
    for name in imported(parent):
        del sys.modules[name]


def imported(package: str) -> list[str]:
    """Return the modules below a package that are loaded."""
    return sorted(name for name in sys.modules if name.startswith(package))


def test_names_are_the_public_files_sorted(planets: str) -> None:
    """Every file is offered, but those that begin with an underscore."""
    assert registry.names(planets) == ("earth", "mars", "vulcan")


def test_names_import_no_plugin(planets: str) -> None:
    """Listing what there is costs no import, so a broken plugin disturbs nobody else."""
    registry.names(planets)
    assert imported(f"{planets}.") == []


def test_load_imports_the_chosen_file_alone(planets: str) -> None:
    """The chosen file's `PLUGIN` comes back; its neighbours are not touched."""
    assert registry.load(planets, "mars") == "red"
    assert imported(f"{planets}.") == [f"{planets}.mars"]


def test_new_file_is_offered(planets: str, tmp_path: Path) -> None:
    """Adding a plugin is adding a file."""
    tmp_path.joinpath(*planets.split("."), "venus.py").write_text("PLUGIN = 'white'")
    assert "venus" in registry.names(planets)
    assert registry.load(planets, "venus") == "white"


@pytest.mark.parametrize("name", ["marz", "_orbits", "os", "__init__", ""])
def test_unknown_name_is_the_users_mistake(planets: str, name: str) -> None:
    """What is not offered cannot be loaded, and the message says what is."""
    with pytest.raises(ConfigError, match="there are: earth, mars, vulcan"):
        registry.load(planets, name)


def test_unknown_name_suggests_the_nearest(planets: str) -> None:
    """The message names the package's kind of plugin, and guesses."""
    with pytest.raises(ConfigError, match=r"^unknown planet `marz` \(did you mean `mars`\?\)"):
        registry.load(planets, "marz")


def test_broken_plugin_is_no_unknown_name(planets: str) -> None:
    """A plugin that fails while it is imported says so itself."""
    with pytest.raises(RuntimeError, match="imported"):
        registry.load(planets, "vulcan")
