"""Someone else's dataset as cases: `fceval dataset import NAME SOURCE --out FILE`.

An importer is one file whose name is the option's name. To add one, write a class with the method of `Importer` and
`PLUGIN: Importer = ThatClass()`. What the format of fceval cannot express is yielded as `Skipped` with the reason:
nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, cast

from fceval import registry
from fceval.cases.rows import case_of
from fceval.errors import DatasetError, FieldError
from fceval.records import Case, JsonObject


@dataclass(frozen=True, slots=True)
class Imported:
    """One row that became a case."""

    file: str
    """Where it comes from, for messages."""
    row: int
    """1-based, in that file."""
    fields: JsonObject
    """The case, in the format of fceval."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that became no case."""

    file: str
    row: int | None
    """1-based; None: the file as a whole."""
    why: str
    """For a person."""

    def __str__(self) -> str:
        place = self.file + (f", row {self.row}" if self.row else "")
        return f"{place}: {self.why}"


Item: TypeAlias = Imported | Skipped


class Importer(Protocol):
    """Reads one foreign format."""

    def read(self, source: Path) -> Iterator[Item]:
        """Yield what became a case, and what did not, in the order of the source.

        Raises:
            DatasetError: The source is not of this format at all, or a row of it is damaged.
        """


def names() -> tuple[str, ...]:
    """Return the importers there are."""
    return registry.names(__name__)


def load(name: str) -> Importer:
    """Return an importer.

    Raises:
        ConfigError: There is none of that name.
    """
    return cast("Importer", registry.load(__name__, name))


def import_cases(
    importer: Importer, source: Path, check: Callable[[Case], None], skipped: Callable[[Skipped], None]
) -> Iterator[Case]:
    """Yield the cases of a foreign dataset; a row that makes no valid case is skipped with the reason.

    Args:
        importer: Of the source's format.
        source: A file or a folder, as the importer says.
        check: Raises `FieldError` for a case whose expectations cannot be read.
        skipped: Called with each item that becomes no case.

    Raises:
        DatasetError: As `Importer.read`; or an id comes twice, or there is no case at all.
    """
    seen: dict[str, Imported] = {}
    for item in importer.read(source):
        if isinstance(item, Skipped):
            skipped(item)
            continue
        try:
            case = case_of(item.fields, len(seen) + 1)
            check(case)
        except FieldError as error:
            place = f"field `{error.field}` of the case: " if error.field else ""
            skipped(Skipped(item.file, item.row, f"{place}{error}"))
            continue
        if (first := seen.setdefault(case.case_id, item)) is not item:
            msg = f"`{case.case_id}` comes from row {first.row} of {first.file} already: ids must be unique"
            raise DatasetError(msg, file=item.file, row=item.row)
        yield case
    if not seen:
        msg = "nothing in it became a case"
        raise DatasetError(msg, file=str(source))
