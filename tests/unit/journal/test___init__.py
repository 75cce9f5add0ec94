"""The journal as a whole: one writer at a time, on disk soon, and nothing lost to who kills it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fceval.errors import LocalError
from fceval.journal import SYNC_EVERY_S, Journal
from tests.cli_process import PROJECT
from tests.journal_records import key, read, response, written

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT)}


# --- one writer -----------------------------------------------------------------------------------------------


@contextmanager
def other_writer(path: Path) -> Iterator[None]:
    """Let another process write to a journal."""
    program = (
        "import sys; from pathlib import Path; from fceval.journal import Journal\n"
        "with Journal(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate()


def test_second_writer_is_refused_and_reader_is_not(path: Path) -> None:
    """Two processes that go on with one run would ask everything twice."""
    written(path, response(1))
    with other_writer(path):
        for salvage in (False, True):
            with pytest.raises(LocalError, match="another process is writing"), Journal(path, salvage=salvage):
                pass
        assert read(path) == [response(1)]
    assert written(path, response(2)).count(b"\n") == 3


def test_journal_that_changed_its_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking, another process salvaged it: the lock would be on a file without a name."""
    whole = written(path, response(1))
    real = fcntl.flock

    def late(file: int, operation: int) -> None:
        mended = path.with_name("mended")
        mended.write_bytes(whole)
        mended.replace(path)
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(LocalError, match="another process is writing"), Journal(path):
        pass


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A missing folder, and a folder in place of the file."""
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "none" / "journal.jsonl", tmp_path / "folder"):
        with pytest.raises(LocalError, match=f"{path}: cannot be written"), Journal(path):
            pass


def test_refused_journal_is_not_locked_and_leaks_no_file(path: Path) -> None:
    """Whoever puts it right can go on in the same process."""
    whole = written(path, response(1))
    path.write_bytes(whole.replace(b"Hello", b"hello"))
    before = sum(file.is_symlink() for file in Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with pytest.raises(LocalError, match="line 2 is damaged"), Journal(path):
            pass
    assert sum(file.is_symlink() for file in Path("/proc/self/fd").iterdir()) == before
    path.write_bytes(whole)
    assert read(path) == [response(1)]


# --- durability -----------------------------------------------------------------------------------------------


def test_killed_writers_lose_nothing_that_was_written(path: Path) -> None:
    """Killed 60 times at random points: each opens again, and everything that a writer was told is there."""
    command = [sys.executable, "-m", "tests.killed_writer", str(path), "7", "60"]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True, env=ENVIRONMENT)
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    begun = [number for numbers, _ in rounds for number in numbers]
    told = [number for _, numbers in rounds for number in numbers]
    assert len(rounds) == 60
    with Journal(path) as journal:
        found = [response_.key for response_ in journal.index.responses()]
        billed = journal.index.possibly_billed
    assert len(set(found)) == len(found)
    assert {key(number) for number in told} <= set(found) <= {key(number) for number in begun}
    assert len(set(begun)) - len(found) - 60 <= billed <= len(set(begun)) - len(found), "one a kill at most"
    assert sum(1 for line in path.read_bytes().splitlines() if line.endswith(b'"}')) == path.read_bytes().count(b"\n")


def test_answers_reach_the_disk_within_the_window(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon after each answer, many answers at once, and the last ones when it is closed."""
    synced: list[tuple[float, int]] = []
    real = os.fdatasync

    def noting(file: int) -> None:
        real(file)
        synced.append((time.monotonic(), os.fstat(file).st_size))

    monkeypatch.setattr(os, "fdatasync", noting)
    appended: list[tuple[float, int]] = []
    with Journal(path) as journal:
        for number in range(200):
            journal.append(response(number))
            appended.append((time.monotonic(), path.stat().st_size))
            time.sleep(0.002)
        journal.append(response(200))
    assert synced[-1][1] == path.stat().st_size
    assert 3 <= len(synced) < 40
    late_s = [next(at for at, size in synced if size >= wanted) - moment for moment, wanted in appended]
    assert max(late_s) < SYNC_EVERY_S + 0.5, "a busy machine may take longer, but not for ever"


def test_closing_ends_the_thread_however_often(path: Path) -> None:
    """Also when it is closed at the moment of a sync."""
    before = threading.active_count()
    for number in range(100):
        with Journal(path) as journal:
            journal.append(response(number))
            time.sleep(number % 4 / 4_000)
    assert threading.active_count() == before
    assert len(read(path)) == 100


def test_error_of_the_block_is_not_replaced(path: Path) -> None:
    """What went wrong first is what is told."""
    with pytest.raises(ZeroDivisionError):
        append_and_fail(path)
    assert read(path) == [response(1)]


def append_and_fail(path: Path) -> None:
    """Append a response, and be wrong."""
    with Journal(path) as journal:
        journal.append(response(1))
        raise ZeroDivisionError
