"""What could not be written to a journal, in a file on whatever disk has room; beside the journal it is taken back."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from fceval.errors import LocalError
from fceval.journal.files import keep, moment
from fceval.journal.lines import decode_record, encode_header, is_whole

_NAME = "journal.spilled-"


def folders_to_try(own: Path) -> list[Path]:
    """Return where a spill file may go: the run's own folder, that for temporary files, home, and the current one."""
    folders = [own]
    with contextlib.suppress(OSError):  # it tries to write, and may find no place
        folders.append(Path(tempfile.gettempdir()))
    with contextlib.suppress(RuntimeError):  # not everybody has a home
        folders.append(Path.home())
    return [folder.absolute() for folder in (*folders, Path())]


def spill(folders: Iterable[Path], journal_id: str | None, lines: Sequence[bytes]) -> Path | None:
    """Write lines of a journal to a file in the first folder that takes them all.

    Args:
        folders: Where to try.
        journal_id: Of the journal that they belong to; None where it has none.
        lines: The lines.

    Returns:
        The file, which is on the disk; None where no folder took them.
    """
    first = encode_header("spill", journal_id)
    for folder in folders:
        path = folder / f"{_NAME}{moment()}"
        with contextlib.suppress(OSError):
            keep(path, [first, *lines])
            return path
    return None


def spill_files(folder: Path) -> list[Path]:
    """Return the spill files in a folder, the oldest first."""
    return sorted(folder.glob(f"{_NAME}*"))


def read_spill(path: Path, journal_id: str | None) -> list[bytes]:
    """Return the lines in a spill file.

    Raises:
        LocalError: It cannot be read, is damaged, or belongs to another journal.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise LocalError(msg) from error
    first = (lines and decode_record(lines[0])) or {}
    damaged = next((number for number, line in enumerate(lines, start=1) if not is_whole(line)), None)
    if first.get("kind") != "spill" or damaged is not None or not lines[-1].endswith(b"\n"):
        problem = f"line {damaged} is damaged" if damaged else "is incomplete"
        msg = f"{path}: {problem}; move it out of the run's folder to go on without the answers in it"
        raise LocalError(msg)
    if journal_id is not None and first.get("id") not in {None, journal_id}:
        msg = f"{path}: holds answers of another run; move it to that run's folder"
        raise LocalError(msg)
    return lines[1:]
