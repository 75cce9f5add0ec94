"""Torn tails and damaged lines are set aside; the rest of a journal goes on."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.errors import LocalError
from fceval.journal import Journal, repair
from fceval.journal.lines import encode_header, encode_record
from tests.journal_records import key, mixed, read, response, small, written


def aside(path: Path, kind: str) -> list[bytes]:
    """Return what was set aside beside a journal, and remove it; it must be for its owner only."""
    files = sorted(path.parent.glob(f"journal.{kind}-*"))
    assert all(re.fullmatch(rf"journal\.{kind}-\d{{8}}T\d{{12}}", file.name) for file in files)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    contents = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    return contents


# --- the end --------------------------------------------------------------------------------------------------


@pytest.mark.untraced
def test_cut_at_any_byte_is_set_aside_and_gone_on_from(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 records: each is there or not, at most one is lost, how many bytes is said, and the file ends with a line.

    Of what stands before the line that is cut, the first line and the last one are there: more of it would only take
    longer to read.
    """
    for name in ("fsync", "fdatasync"):  # thousands of them would take minutes
        monkeypatch.setattr(os, name, lambda _: None)
    lines = mixed(path).splitlines(keepends=True)
    for number, line in enumerate(lines):
        whole = b"".join([lines[0], *lines[max(1, number - 1) : number + 1]])
        ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
        for cut in range(len(whole) - len(line), len(whole) + 1):
            path.unlink()  # a new file is written ten times as fast as an old one anew
            path.write_bytes(whole[:cut])
            kept = max([0, *(end + 1 for end in ends if end <= cut)])
            torn = max(0, cut - kept)
            with Journal(path) as journal:
                assert journal.torn_bytes == torn
                assert len(journal.index) == whole[:kept].count(b', "message": ')
            assert aside(path, "torn") == ([whole[kept:cut]] if torn else [])
            after = path.read_bytes()
            assert after[:kept] == whole[:kept]
            assert len(after) == kept or (kept == 0 and after.count(b"\n") == 1), "a new first line, where that was cut"


@pytest.mark.parametrize("cut", [0, 1, 9, 200])
def test_next_record_follows_the_last_whole_one(path: Path, cut: int) -> None:
    """Nothing is glued to what was torn."""
    whole = written(path, small(1), small(2))
    path.write_bytes(whole[: len(whole) - cut])
    written(path, small(99))
    assert [each.key for each in read(path)] == [key(1), *([key(2)] if cut < 2 else []), key(99)]


def test_zeros_at_the_end_are_a_torn_tail(path: Path) -> None:
    """So some file systems look after a power failure."""
    whole = written(path, response(1))
    path.write_bytes(whole + b"\0" * 200_000)
    with Journal(path) as journal:
        assert (len(journal.index), journal.torn_bytes) == (1, 200_000)
    assert path.read_bytes() == whole
    assert aside(path, "torn") == [b"\0" * 200_000]


# --- the middle -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", range(51))
def test_flipped_byte_of_any_line_is_isolated(path: Path, line: int) -> None:
    """Refused without `salvage`; with it the line is set aside, every other one is as it was."""
    lines = mixed(path).splitlines(keepends=True)
    damaged = bytearray(lines[line])
    damaged[len(damaged) // 3] ^= 0x40
    path.write_bytes(b"".join([*lines[:line], damaged, *lines[line + 1 :]]))
    with pytest.raises(LocalError, match=f"line {line + 1} is damaged"), Journal(path):
        pass
    with Journal(path, salvage=True) as journal:
        assert (journal.salvaged_lines, journal.torn_bytes) == (1, 0)
    assert aside(path, "damaged") == [damaged]
    after = path.read_bytes().splitlines(keepends=True)
    assert after[1:] == [*lines[1:line], *lines[line + 1 :]]
    assert after[0] == (lines[0] if line else encode_header("journal", None))
    with Journal(path, salvage=True) as journal:
        assert journal.salvaged_lines == 0, "it is mended"
    assert aside(path, "damaged") == []


@given(st.data())
def test_any_changed_byte_costs_one_record_at_most(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Also where it is a line's end that changed, or a new one that came to be; no byte is thrown away."""
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    whole = written(path, *map(small, range(6)))
    place = data.draw(st.integers(0, len(whole) - 2))
    value = data.draw(st.just(ord("\n")) | st.integers(0, 255)) if whole[place] != ord("\n") else 0x20
    path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
    changed = whole[place] != value
    with Journal(path, salvage=True) as journal:
        assert bool(journal.salvaged_lines) == changed
        assert len(journal.index) >= 5
    if whole[place] == ord("\n"):
        assert len(read(path)) == 6
    whole_lines = set(whole.splitlines())
    for content in aside(path, "damaged"):
        assert bytes([value]) in content
        assert not whole_lines & set(content.splitlines()), "a line that is whole stays in the journal"


def test_two_damaged_lines_and_a_torn_tail_at_once(path: Path) -> None:
    """Each goes where it belongs."""
    lines = written(path, *map(response, range(5))).splitlines(keepends=True)
    lines[2] = lines[2].replace(b"Hello", b"hello")
    lines[4] = b"\0" * 30 + b"\n"
    path.write_bytes(b"".join(lines)[:-5])
    with Journal(path, salvage=True) as journal:
        assert (journal.salvaged_lines, journal.torn_bytes) == (2, len(lines[5]) - 5)
        journal.append(response(9))
    assert aside(path, "damaged") == [lines[2] + lines[4]]
    assert [each.key for each in read(path)] == [key(0), key(2), key(9)]


def test_whole_journal_is_not_written_anew(path: Path) -> None:
    """Who always says `salvage` pays nothing for it."""
    written(path, response(1))
    before = path.stat()
    with Journal(path, salvage=True) as journal:
        assert journal.salvaged_lines == 0
    assert (path.stat().st_ino, path.stat().st_size) == (before.st_ino, before.st_size)


def test_newer_format_is_not_salvaged(path: Path) -> None:
    """What this version does not know is not damaged."""
    newer = encode_record({"format_version": 99, "kind": "journal"}) + b"damaged\n"
    path.write_bytes(newer)
    with pytest.raises(LocalError, match="format version 99"), Journal(path, salvage=True):
        pass
    assert path.read_bytes() == newer
    assert list(path.parent.glob("*.partial")) == []


@pytest.mark.parametrize("name", ["write_whole", "sync_folder", "keep"])
def test_salvage_that_fails_leaves_the_journal_and_can_be_repeated(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Disk full in the middle of it: nothing is lost, no file stays open."""
    lines = written(path, *map(response, range(3))).splitlines(keepends=True)
    lines[2] = lines[2].replace(b"Hello", b"hello")
    path.write_bytes(b"".join(lines))

    def failing(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sum(file.is_symlink() for file in Path("/proc/self/fd").iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(repair, name, failing)
        with pytest.raises(LocalError, match="No space left on device; make room"), Journal(path, salvage=True):
            pass
    assert sum(file.is_symlink() for file in Path("/proc/self/fd").iterdir()) == before
    assert list(path.parent.glob("*.partial")) == []
    with Journal(path, salvage=True) as journal:
        assert [each.key for each in journal.index.responses()] == [key(0), key(2)]
    assert lines[2] in aside(path, "damaged")


def test_salvaged_journal_is_still_locked(path: Path) -> None:
    """Nobody else may write to it, by its old name or its new one."""
    whole = written(path, response(1), response(2))
    path.write_bytes(whole.replace(b"case-1", b"case-7"))
    with (
        Journal(path, salvage=True) as journal,
        pytest.raises(LocalError, match="another process is writing"),
        Journal(path),
    ):
        pass
    assert journal.salvaged_lines == 1


def test_journal_under_a_foreign_lock_is_not_salvaged(path: Path) -> None:
    """Its writer may be in the middle of a line."""
    with Journal(path) as journal:
        journal.append(response(1))
        damaged = path.read_bytes().replace(b"Hello", b"hello")
        path.write_bytes(damaged)
        with pytest.raises(LocalError, match="another process is writing"), Journal(path, salvage=True):
            pass
        assert path.read_bytes() == damaged
        assert aside(path, "damaged") == []
