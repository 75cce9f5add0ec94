"""Small writes that are there whole or not at all, and stay there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path


def moment() -> str:
    """Return the time as it stands in the names of files: UTC, to the microsecond."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def write_whole(file: int, content: bytes) -> None:
    """Write all of something: a full disk takes a part, and the next write tells why it does not take the rest."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def keep(path: Path, contents: Iterable[bytes]) -> None:
    """Write a new file for its owner only; it is on the disk when this returns, and not there when this raises.

    Raises:
        OSError: It is there already, or cannot be written.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        for content in contents:
            write_whole(file, content)
        os.fsync(file)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(file: int, path: Path) -> None:
    """Lock a file for as long as it is open.

    Raises:
        BlockingIOError: Another process holds it, or has put another file in its place.
        OSError: The file system knows no locks.
    """
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if not os.path.samestat(os.fstat(file), path.stat()):
        raise BlockingIOError
