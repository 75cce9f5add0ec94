"""Small files: there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fceval.journal.files import keep, lock, moment, sync_folder, write_whole


def test_file_is_kept_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    """All of its contents, in their order."""
    keep(tmp_path / "file", [b"a" * 100_000, b"", b"b"])
    assert (tmp_path / "file").read_bytes() == b"a" * 100_000 + b"b"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    """A file, and a link to one elsewhere."""
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            keep(tmp_path / name, [b"new"])
    assert (tmp_path / "file").read_bytes() == b"old"
    assert not (tmp_path / "elsewhere").exists()


def test_full_disk_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    """Half of it would be worse than none."""

    def contents() -> Iterator[bytes]:
        yield b"a part"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        keep(tmp_path / "file", contents())
    assert list(tmp_path.iterdir()) == []


def test_full_device_is_an_error() -> None:
    """Also where it takes nothing at all."""
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left"):
        write_whole(full, b"content")
    os.close(full)


def test_lock_is_of_the_file_that_has_the_name(tmp_path: Path) -> None:
    """Whoever locks a file that was replaced has locked nothing."""
    path = tmp_path / "file"
    path.touch()
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    lock(first, path)
    with pytest.raises(BlockingIOError):
        lock(second, path)
    (tmp_path / "other").touch()
    (tmp_path / "other").replace(path)
    with pytest.raises(BlockingIOError):
        lock(first, path)
    for file in (first, second):
        os.close(file)


def test_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Its names cannot be brought to the disk."""
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


def test_moments_sort_by_time() -> None:
    """As names of files."""
    moments = [moment() for _ in range(3)]
    assert moments == sorted(moments)
    assert len(moments[0]) == len("20261123T000000000000")
