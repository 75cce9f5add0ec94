"""What a killed writer or a failing disk left in a journal, set aside: nothing of it is thrown away."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from fceval.journal.files import keep, moment, sync_folder, write_whole
from fceval.journal.lines import check_version, decode_record, encode_header, is_whole

_RECORD = re.compile(rb'\{"case_id": .*?,"_crc":"[0-9a-f]{8}"\}', re.DOTALL)
_STEP_BYTES = 2**16


def set_torn_tail_aside(file: int, path: Path) -> int:
    """Move an incomplete last line to a file of its own: a killed or starved writer leaves one.

    Args:
        file: The journal, open for writing and locked.
        path: Its name; the file of its own stands beside it.

    Returns:
        The length of the line in bytes; 0 where the journal ends as it should.

    Raises:
        OSError: The disk is full ...
    """
    content_end = os.fstat(file).st_size
    whole_end = _end_of_last_line(file, content_end)
    torn = content_end - whole_end
    if not torn:
        return 0
    tail = os.pread(file, torn, whole_end)
    if is_whole(tail):  # nothing is missing but the line's end
        os.pwrite(file, b"\n", content_end)
        return 0
    keep(path.with_name(f"journal.torn-{moment()}"), [tail])
    os.ftruncate(file, whole_end)
    return torn


def _end_of_last_line(file: int, size: int) -> int:
    end = size
    while end > 0:
        start = max(0, end - _STEP_BYTES)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def salvage(file: int, path: Path) -> tuple[int, int]:
    """Copy damaged lines to a file of their own and write the journal anew without them.

    Whatever interrupts it, the journal is there, as it was or mended. Whole records in a damaged line (the end of one
    became another byte, say) are kept.

    Args:
        file: The journal, open, locked, and without a torn tail; it is closed where another one is returned.
        path: Its name; the damaged lines go to a file beside it.

    Returns:
        The journal, open for writing and locked, and how many lines of it were damaged.

    Raises:
        LocalError: The journal is of a newer format.
        OSError: The disk is full ...
    """
    damaged = sum(not is_whole(line) for line in _lines(file))
    if not damaged:
        return file, 0
    keep(path.with_name(f"journal.damaged-{moment()}"), (part for part, whole in _parts(file) if not whole))
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    mended = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(mended, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody gets in between when it takes the journal's name
        for line in _mended(file, path):
            write_whole(mended, line)
        os.fsync(mended)
        partial.replace(path)
        sync_folder(path.parent)
    except BaseException:
        os.close(mended)
        partial.unlink(missing_ok=True)
        raise
    os.close(file)
    return mended, damaged


def _lines(file: int) -> Iterator[bytes]:
    os.lseek(file, 0, os.SEEK_SET)
    with open(file, "rb", closefd=False) as lines:
        yield from lines


def _parts(file: int) -> Iterator[tuple[bytes, bool]]:
    """Yield a journal in pieces, and whether each is a whole line of it."""
    for line in _lines(file):
        if is_whole(line):
            yield line, True
            continue
        end = 0
        for found in _RECORD.finditer(line):
            if is_whole(found.group()):
                yield line[end : found.start()], False
                yield found.group() + b"\n", True
                end = found.end()
        yield line[end:], False


def _mended(file: int, path: Path) -> Iterator[bytes]:
    """Yield the whole lines of a journal, after a new first line where that one is lost."""
    lines = (part for part, whole in _parts(file) if whole)
    first = next(lines, b"")
    record = decode_record(first) or {}
    if "case_id" in record or not record:
        yield encode_header("journal", None)
    else:
        check_version(path, record)
    yield first
    yield from lines
