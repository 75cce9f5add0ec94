"""The journal's writer: what is asked is noted before it is sent, and a disk that fails loses nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fceval.errors import LocalError
from fceval.journal import Journal, JournalIndex
from fceval.records import JsonObject
from tests.cli_process import PROJECT
from tests.journal_records import key, read, response, written

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT)}


def records(path: Path) -> list[JsonObject]:
    """Return the lines of a journal, decoded."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_file_is_for_its_owner_only(path: Path) -> None:
    """Prompts and answers are nobody else's business."""
    written(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_journal_goes_on_where_it_ended(path: Path) -> None:
    """What is known when it is opened is known to who goes on."""
    first = written(path, response(1))
    with Journal(path) as journal:
        assert (journal.index.measured(key(1)), journal.index.measured(key(2))) == (response(1), None)
        assert (journal.torn_bytes, journal.salvaged_lines, journal.restored, journal.unwritten) == (0, 0, 0, 0)
        journal.append(response(2))
    assert path.read_bytes().startswith(first)
    assert [each.key for each in read(path)] == [key(1), key(2)]


def test_begin_is_in_the_file_before_it_returns(path: Path) -> None:
    """What follows it may be killed at once."""
    with Journal(path) as journal:
        journal.begin([(key(1), "f1")])
        (first, begun) = records(path)
        assert (begun["case_id"], begun["fingerprint"], "message" in begun) == ("case-1", "f1", False)
        journal.append(response(1))
        assert [("message" in record, "begun_at" in record) for record in records(path)[1:]] == [
            (False, True),
            (True, False),
        ]
    assert len(str(first["id"])) == 16


# --- a full disk ----------------------------------------------------------------------------------------------


def starve(path: Path, room_bytes: int, then: str) -> list[str]:
    """Ask and answer 50 times in a process whose files may not grow beyond a size; return the lines that it prints.

    Args:
        path: The journal.
        room_bytes: The size.
        then: Statements that follow, with `journal` open.
    """
    program = f"""
import resource
from pathlib import Path
from fceval.errors import LocalError
from fceval.journal import Journal
from tests.journal_records import key, small

path = Path({str(path)!r})


def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


room({room_bytes})
kept = 0
try:
    with Journal(path) as journal:
        for number in range(50):
            try:
                journal.append(small(number))
                kept += 1
            except LocalError as error:
                print(kept, journal.unwritten, error)
        {then}
except LocalError as error:
    print("end", error)
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, env=ENVIRONMENT, check=True)
    return done.stdout.decode().splitlines()


def test_full_disk_stops_the_journal_and_keeps_what_came_after(path: Path) -> None:
    """Nothing is torn; each later answer says so as well, and is in memory, and is written once there is room."""
    said = starve(path, 5_000, "print(journal.flush_unwritten()); room(-1); journal.settle(); print(journal.unwritten)")
    kept = int(said[0].split()[0])
    assert 5 < kept < 45
    assert [line.split()[:2] for line in said[: 50 - kept]] == [[str(kept), str(each + 1)] for each in range(50 - kept)]
    assert all(f"{path}: cannot be written: File too large; make room, then --resume" in line for line in said[:-2])
    assert said[-2:] == ["False", "0"]
    assert [each.key for each in read(path)] == list(map(key, range(50)))


def test_torn_line_is_taken_back_at_once(path: Path) -> None:
    """Whoever is killed on a full disk leaves a journal that ends with a line."""
    said = starve(path, 5_000, "import os; print(path.stat().st_size); os._exit(0)")
    assert int(said[-1]) < 5_000 or not said
    assert path.read_bytes().endswith(b"}\n")
    with Journal(path) as journal:
        assert journal.torn_bytes == 0


def test_request_that_cannot_be_noted_is_not_begun(path: Path) -> None:
    """The engine must not send it; it is not written later either."""
    begin = "journal.begin([(key(7), 'f')])"
    refused = f"""
        try:
            {begin}
        except LocalError as error:
            print("not begun", error)
        room(-1)
        {begin}
        print(journal.unwritten)"""
    said = starve(path, 5_000, refused.strip())
    assert said[-2].startswith(f"not begun {path}: cannot be written: File too large")
    assert said[-1] == "0"
    assert len(read(path)) == 50
    with JournalIndex(path) as index:
        assert index.possibly_billed == 1


def test_begin_that_does_not_fit_leaves_nothing(path: Path) -> None:
    """Room for a few bytes is no room."""
    small_room = """room(path.stat().st_size + 20)
        try:
            journal.begin([(key(7), 'f')])
        except LocalError as error:
            print(error)"""
    (said,) = starve(path, 1_000_000, small_room)
    assert "File too large" in said
    with JournalIndex(path) as index:
        assert (len(index), index.possibly_billed) == (50, 0)
    assert path.read_bytes().endswith(b"}\n")


def test_no_room_for_the_first_byte_is_said_when_it_is_opened(path: Path) -> None:
    """Before a request is sent."""
    (said,) = starve(path, 10, "print('open')")
    assert said.startswith(f"end {path}: cannot be written: File too large")


def test_what_cannot_be_written_is_spilled_and_taken_back(path: Path) -> None:
    """Into the run's folder where a file fits there; the next one to open the journal has it."""
    said = starve(path, 9_000, "journal.settle(patience_s=0)")
    kept, count = int(said[0].split()[0]), 50 - int(said[0].split()[0])
    (spilled,) = path.parent.glob("journal.spilled-*")
    assert said[-1] == (
        f"end {path}: cannot be written: File too large; {count} answers are in {spilled}: make room, then --resume"
    )
    assert len(read(path)) == kept
    with Journal(path) as journal:
        assert (journal.restored, len(journal.index)) == (count, 50)
    assert not spilled.exists()
    assert [each.key for each in read(path)] == list(map(key, range(50)))


def test_leaving_the_journal_writes_what_is_kept(path: Path) -> None:
    """However it is left: what came in the last moment is in it, and nothing is spilled."""
    with contextlib.suppress(KeyboardInterrupt), Journal(path) as journal:
        journal.keep(response(0))
        raise KeyboardInterrupt
    assert read(path) == [response(0)]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_leaving_the_journal_spills_what_nobody_settled(path: Path) -> None:
    """A caller that forgets, or fails in another way, loses nothing either."""
    said = starve(path, 9_000, "pass")
    assert "answers are in" in said[-1]
    (spilled,) = path.parent.glob("journal.spilled-*")
    spilled.unlink()
    path.unlink()
    said = starve(path, 9_000, "raise LocalError('first')")
    assert said[-1] == "end first"
    assert len(list(path.parent.glob("journal.spilled-*"))) == 1


def test_what_fits_nowhere_is_counted(path: Path) -> None:
    """It is lost, and that is said."""
    said = starve(path, 600, "journal.settle(patience_s=0)")
    count = 50 - int(said[0].split()[0])
    assert f"{count} answers are lost, no other disk had room for them: make room, then --resume" in said[-1]
    assert list(path.parent.glob("journal.spilled-*")) == []


class Disk:
    """A disk that takes so many more writes to a journal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writes = 10**9
        self.truncates = True
        self._pwrite = os.pwrite
        self._ftruncate = os.ftruncate
        monkeypatch.setattr(os, "pwrite", self.pwrite)
        monkeypatch.setattr(os, "ftruncate", self.ftruncate)

    def pwrite(self, file: int, content: bytes, offset: int) -> int:
        """Write, or take a part of it and fail the next time."""
        self.writes -= 1
        if self.writes < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._pwrite(file, content if self.writes else content[:9], offset)

    def ftruncate(self, file: int, size: int) -> None:
        """Cut a file, or fail."""
        if not self.truncates:
            raise OSError(errno.EIO, "Input/output error")
        self._ftruncate(file, size)


def test_of_lines_that_are_written_together_those_stay_that_fit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one does and is in the file; what the disk took of the second one is taken back."""
    real, taken = os.pwrite, 0

    def pwrite(file: int, content: bytes, offset: int) -> int:
        nonlocal taken
        taken += 1
        if taken > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, content[: content.index(b"\n") + 6], offset)

    with Journal(path) as journal:
        for number in range(3):
            journal.keep(response(number))
        assert read(path) == []
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", pwrite)
            with pytest.raises(LocalError, match="No space left on device"):
                journal.begin([(key(3), "f")])
        assert (read(path), journal.unwritten) == ([response(0)], 2)
        assert path.read_bytes().endswith(b"}\n")
        journal.settle()
        assert [each.key for each in read(path)] == list(map(key, range(3)))
        assert journal.index.possibly_billed == 0


def test_requests_that_begin_together_begin_all_or_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One write for all; where the disk takes the first one only, that one counts as begun, and no other is written."""
    real, contents = os.pwrite, list[bytes]()

    def pwrite(file: int, content: bytes, offset: int) -> int:
        contents.append(content)
        if len(contents) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, content[: content.index(b"\n") + 6] if len(contents) == 2 else content, offset)

    with Journal(path) as journal, monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", pwrite)
        journal.begin([(key(number), "f") for number in range(3)])
        assert (len(contents), contents[0].count(b"\n")) == (1, 3)
        journal.keep(response(0))
        with pytest.raises(LocalError, match="No space left on device"):
            journal.begin([(key(number), "f") for number in (3, 4)])
        assert (read(path), journal.unwritten) == ([response(0)], 0)
        journal.begin([(key(5), "f")])
    with JournalIndex(path) as index:
        assert (len(index), index.possibly_billed) == (1, 3)


def test_settle_waits_for_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries again and again, and ends as soon as there is some."""
    disk = Disk(monkeypatch)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        disk.writes = 10**9 if len(waited) == 3 else 1

    monkeypatch.setattr(time, "sleep", sleep)
    with Journal(path) as journal:
        disk.writes = 1
        for number in range(3):
            with pytest.raises(LocalError, match="No space left on device"):
                journal.append(response(number))
        journal.settle()
        assert (len(waited), journal.unwritten) == (3, 0)
        journal.settle()
        journal.append(response(3))
    assert [each.key for each in read(path)] == list(map(key, range(4)))


def test_who_is_interrupted_while_waiting_is_told_where_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C means that nobody wants to wait; what is in memory is spilled all the same."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    disk = Disk(monkeypatch)
    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        append_and_settle(path, disk)
    (spilled,) = path.parent.glob("journal.spilled-*")
    assert f"1 answers are in {spilled}" in caught.value.__notes__[0]


def append_and_settle(path: Path, disk: Disk) -> None:
    """Append to a full disk, and wait for room."""
    with Journal(path) as journal:
        disk.writes = 0
        with pytest.raises(LocalError, match="No space left"):
            journal.append(response(1))
        journal.settle()


def test_nothing_follows_a_line_that_cannot_be_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be glued to it: everything else is spilled, and the torn line is set aside by the next one."""
    disk = Disk(monkeypatch)
    with pytest.raises(LocalError, match="No space left on device; 2 answers are in"):
        append_and_tear(path, disk)
    disk.truncates = True
    with Journal(path) as journal:
        assert (journal.torn_bytes, journal.restored, len(journal.index)) == (9, 2, 3)


def append_and_tear(path: Path, disk: Disk) -> None:
    """Append, tear a line that cannot be taken back, and append again where there is room."""
    with Journal(path) as journal:
        journal.append(response(0))
        disk.writes, disk.truncates = 1, False
        for number in (1, 2):
            with pytest.raises(LocalError, match="cannot be written"):
                journal.append(response(number))
            disk.writes = 10**9
        journal.settle()


def test_half_a_write_is_followed_by_the_other_half(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may take less than all of it without being full."""
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, content, offset: real(file, content[:7], offset))
    written(path, response(1), response(2))
    assert read(path) == [response(1), response(2)]


def test_disk_that_fails_to_sync_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next answer, or at the end; answers that come after it are spilled."""
    seen = threading.Event()

    def failing(_: int) -> None:
        seen.set()
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", failing)
        with pytest.raises(LocalError, match="Input/output error; make room"):
            written(path)
        seen.clear()
        with pytest.raises(LocalError, match="Input/output error; 1 answers are in"):
            append_past_a_sync(path, seen)
    with Journal(path) as journal:
        assert (journal.restored, len(journal.index), journal.index.possibly_billed) == (1, 2, 0)


def append_past_a_sync(path: Path, failed: threading.Event) -> None:
    """Append a response, and others after the disk failed to sync it."""
    with Journal(path) as journal:
        journal.append(response(2))
        assert failed.wait(10)
        journal._syncer.join()  # noqa: SLF001 -- it ends once it has noted the failure
        with pytest.raises(LocalError, match="Input/output error; make room"):
            journal.append(response(3))
        with pytest.raises(LocalError, match="Input/output error; make room"):
            journal.begin([(key(4), "f")])
        journal.settle()


def test_journal_that_was_removed_is_noticed(path: Path) -> None:
    """What goes on being written to it would be gone at the end."""
    with pytest.raises(LocalError, match="it was removed while it was written to"):
        append_and_remove(path)


def append_and_remove(path: Path) -> None:
    """Remove the journal between two responses."""
    with Journal(path) as journal:
        journal.append(response(1))
        path.unlink()
        journal.append(response(2))
