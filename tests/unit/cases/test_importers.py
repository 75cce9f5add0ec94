"""The line from a foreign dataset to checked cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fceval.cases import importers
from fceval.cases.importers import Imported, Item, Skipped, import_cases
from fceval.errors import ConfigError, DatasetError, FieldError
from fceval.records import Case

ROW: dict[str, Any] = {
    "case_id": "a",
    "messages": [{"role": "user", "content": "Hello"}],
    "tools": [],
    "expected": [],
}


@dataclass(frozen=True, slots=True)
class _Given:
    """An importer of what it was given."""

    items: tuple[Item, ...]

    def read(self, source: Path) -> Iterator[Item]:
        """Yield it, whatever the source."""
        assert source.name
        yield from self.items


def _accept(case: Case) -> None:
    assert case.case_id


def _refuse_b(case: Case) -> None:
    if case.case_id == "b":
        msg = "cannot be read"
        raise FieldError(msg, "expected[0]")


def _read(*items: Item) -> tuple[list[str], list[str]]:
    skipped: list[Skipped] = []
    cases = list(import_cases(_Given(items), Path("source"), _refuse_b, skipped.append))
    return [case.case_id for case in cases], [str(each) for each in skipped]


def test_every_importer_is_found_by_its_file() -> None:
    """A file of the package is an importer, and each can be loaded."""
    assert importers.names() == ("bfcl", "k2vv", "openai", "promptfoo")
    for name in importers.names():
        assert callable(importers.load(name).read)


def test_unknown_importer_is_an_error() -> None:
    """The message names the ones there are."""
    with pytest.raises(ConfigError, match="did you mean `bfcl`"):
        importers.load("bcfl")


def test_what_makes_no_case_is_told_with_its_place() -> None:
    """Rows that the importer or the case format refuses are listed, and the others come through."""
    cases, skipped = _read(
        Imported("f", 1, ROW),
        Skipped("f", 2, "no label"),
        Imported("f", 3, ROW | {"case_id": "b"}),
        Imported("f", 4, ROW | {"case_id": "c", "tools": None}),
        Skipped("g", None, "not of this kind"),
    )
    assert cases == ["a"]
    assert [each.partition(": ")[0] for each in skipped] == ["f, row 2", "f, row 3", "f, row 4", "g"]
    assert "expected[0]" in skipped[1]
    assert "tools" in skipped[2]


def test_same_id_twice_is_an_error() -> None:
    """The second place is named, and the first."""
    with pytest.raises(DatasetError, match=r"g, row 7: `a` comes from row 1 of f already"):
        _read(Imported("f", 1, ROW), Imported("g", 7, ROW))


def test_source_without_a_case_is_an_error() -> None:
    """An empty dataset is never written."""
    with pytest.raises(DatasetError, match="nothing in it became a case"):
        list(import_cases(_Given((Skipped("f", 1, "no label"),)), Path("f"), _accept, lambda _: None))
