"""Foreign JSON Lines, whatever the file is called: one object a line, errors with file and row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fceval.errors import DatasetError
from fceval.jsontext import JsonTextError, read_json


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (1-based line number, object); blank lines are counted and left out.

    Raises:
        DatasetError: The file cannot be read, or a line is no JSON object.
    """
    try:
        with path.open("rb") as lines:
            for row, line in enumerate(lines, start=1):
                if line.strip():
                    yield row, _object(path, row, line)
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}"
        raise DatasetError(msg, file=str(path)) from None


def _object(path: Path, row: int, line: bytes) -> dict[str, Any]:
    try:
        value = read_json(line.decode("utf-8-sig" if row == 1 else "utf-8").strip())
    except UnicodeDecodeError as error:
        msg = f"not UTF-8 text: {error.reason} at byte {error.start}"
        raise DatasetError(msg, file=str(path), row=row) from None
    except JsonTextError as error:
        raise DatasetError(str(error), file=str(path), row=row) from None
    if not isinstance(value, dict):
        msg = "not a JSON object"
        raise DatasetError(msg, file=str(path), row=row)
    return value
