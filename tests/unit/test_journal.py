"""The journal: nothing that was answered is lost, nothing that is damaged is believed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fceval.errors import LocalError
from fceval.journal import SYNC_EVERY_S, Journal, JournalIndex, decode_record, encode_record
from fceval.records import Attempt, Key, Response, Usage
from tests.cli_process import PROJECT


def key(number: int) -> Key:
    """Return one of many keys."""
    return Key(f"case-{number}", "default", 0, 0, 0)


def response(number: int, content: str | None = "Hello") -> Response:
    """Return an answer; one that was not measured where there is no content."""
    attempt = Attempt("2026-11-23T00:00:00.000+00:00", 0.25, None, 200 if content else 503, None, "")
    return Response(
        key=key(number),
        fingerprint="f" * 64,
        message={"role": "assistant", "content": content} if content is not None else None,
        finish_reason="stop",
        usage=Usage(20, None),
        served_model="m-1",
        irregularities=("a", "b"),
        attempts=(replace(attempt, failure="endpoint_error"), attempt) if content else (attempt,),
    )


def written(path: Path, *responses: Response) -> bytes:
    """Write a journal and return its bytes."""
    with Journal(path) as journal:
        for each in responses:
            journal.append(each)
    return path.read_bytes()


def read(path: Path) -> list[Response]:
    """Return what a journal holds, in its order."""
    with JournalIndex(path) as index:
        return [found for each in index.offsets if (found := index.get(each))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a journal."""
    return tmp_path / "journal.jsonl"


HOSTILE = [
    "",
    '", "message": null, "x": "',
    '\\", "message": {',
    '},"_crc":"00000000"}',
    "line\nbreak\r\u2028\x00\x1b",
    "\ud800 half",
    "天气 🌦",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_written_is_read_back(path: Path, text: str) -> None:
    """Verbatim, whatever stands in names and messages."""
    odd = replace(
        response(1),
        key=Key(text or "a", text or "v", 3, 2, 1),
        message={"content": text, text: {"arguments": {"n": 2**80, "f": -0.0, "b": [True, None]}}},
    )
    unmeasured = replace(response(2, None), key=Key("b", text or "v", 0, 0, 0))
    written(path, odd, unmeasured)
    assert repr(read(path)) == repr([odd, unmeasured])
    with JournalIndex(path) as index:
        assert (index.measured(odd.key), index.measured(unmeasured.key)) == (odd, None)
        assert index.measured_count == 1


def test_file_is_for_its_owner_only(path: Path) -> None:
    """Prompts and answers are nobody else's business."""
    written(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_later_answer_counts_only_if_it_was_measured(path: Path) -> None:
    """A failure never hides an answer; an answer replaces what was there."""
    written(path, response(1), response(1, None), response(2, None), response(2, "new"), response(3, "a"))
    written(path, response(3, "b"), response(4, None), replace(response(4, None), finish_reason="later"))
    found = {each.key: each for each in read(path)}
    contents = [(found[key(number)].message or {}).get("content") for number in (1, 2, 3)]
    assert contents == ["Hello", "new", "b"]
    assert found[key(4)].finish_reason == "later"


def test_journal_goes_on_where_it_ended(path: Path) -> None:
    """What is known when it is opened is known to who goes on."""
    first = written(path, response(1))
    with Journal(path) as journal:
        assert (journal.index.measured(key(1)), journal.index.measured(key(2))) == (response(1), None)
        assert journal.torn_bytes == 0
        journal.append(response(2))
    assert path.read_bytes().startswith(first)
    assert [each.key for each in read(path)] == [key(1), key(2)]


# --- damage ---------------------------------------------------------------------------------------------------


SMALL = replace(response(0), fingerprint="", message={}, served_model=None, irregularities=(), attempts=())


def test_cut_at_any_byte_loses_one_record_at_most(path: Path) -> None:
    """Each of 50 records is there or not; what is there is whole."""
    whole = written(path, *(replace(SMALL, key=key(number)) for number in range(50)))
    ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole), -1, -1):
        os.truncate(path, cut)
        with JournalIndex(path) as index:
            assert len(index.offsets) == sum(end <= cut for end in ends[1:])


def test_cut_at_any_byte_is_set_aside_and_gone_on_from(path: Path) -> None:
    """How many bytes is said; the next record follows the last whole one."""
    whole = written(path, replace(SMALL, key=key(1)), replace(SMALL, key=key(2)))
    ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = [number for number, end in enumerate(ends) if number > 0 and end <= cut]
        with Journal(path) as journal:
            journal.append(replace(SMALL, key=key(99)))
        torn = cut - max([0, *(end + 1 for end in ends if end < cut)])
        assert journal.torn_bytes == (0 if cut in ends else torn)
        aside = list(path.parent.glob("journal.torn-*"))
        assert [each.read_bytes() for each in aside] == ([whole[cut - torn : cut]] if journal.torn_bytes else [])
        for each in aside:
            assert each.stat().st_mode & 0o777 == 0o600
            each.unlink()
        assert [each.key for each in read(path)] == [*map(key, kept), key(99)]


def test_torn_tail_is_passed_over_by_who_only_reads(path: Path) -> None:
    """A report on a run that is still going, or was killed, changes nothing in it."""
    whole = written(path, response(1), response(2))
    path.write_bytes(whole[:-9])
    assert [each.key for each in read(path)] == [key(1)]
    path.write_bytes(whole[:-1])
    assert [each.key for each in read(path)] == [key(1), key(2)]
    assert path.read_bytes() == whole[:-1]


def test_zeros_at_the_end_are_a_torn_tail(path: Path) -> None:
    """So some file systems look after a power failure."""
    whole = written(path, response(1))
    path.write_bytes(whole + b"\0" * 5_000)
    with Journal(path) as journal:
        assert (len(journal.index.offsets), journal.torn_bytes) == (1, 5_000)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "open_", [Journal.__enter__, lambda journal: JournalIndex(journal.path)], ids=["write", "read"]
)
def test_byte_changed_in_the_middle_is_refused(path: Path, open_: Any) -> None:  # noqa: ANN401 -- either way to open
    """With the line named, and the file left as it is."""
    whole = written(path, *(response(number) for number in range(5)))
    third = whole.index(b"case-2")
    for place in (third - 12, third + 3, third + 40, whole.index(b"\n", third) - 4, whole.index(b"\n", third)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(LocalError, match=r"journal\.jsonl: line 4 is damaged"):
            open_(Journal(path))
        assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            encode_record({"format_version": 99, "kind": "journal"}),
            "format version 99, but this fceval reads 1: update",
        ),
        (encode_record({"format_version": "1", "kind": "journal"}), "format version 1, but"),
        (b'{"case_id": "a"}\n', "line 1 is damaged"),
        (b"\n", "line 1 is damaged"),
        (b'[1],"_crc":"%08x"}\n' % zlib.crc32(b"[1]"), "line 1 is damaged"),
    ],
)
def test_file_that_is_no_journal_of_ours_is_refused(path: Path, line: bytes, message: str) -> None:
    """A newer format, no checksum, no object."""
    path.write_bytes(line)
    with pytest.raises(LocalError) as caught, Journal(path):
        pass
    assert message in str(caught.value)


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


@pytest.mark.parametrize("line", [b"", b"{}", b'{"a": 1}', b'{"a": 1,"_crc":"00000000"}', b'{"a": 1,"_crc":"0"}\n'])
def test_line_without_its_checksum_is_no_record(line: bytes) -> None:
    """Nothing is believed that the checksum does not vouch for."""
    assert decode_record(line) is None


def test_record_is_one_line_with_its_checksum_last() -> None:
    """So that a person can read it, and any tool can check it."""
    line = encode_record({"a": "x\ny"})
    start, _, end = line.rpartition(b',"_crc":"')
    assert (start, end) == (b'{"a": "x\\ny"', b'%08x"}\n' % zlib.crc32(start))
    assert decode_record(line) == {"a": "x\ny", "_crc": f"{zlib.crc32(start):08x}"}


# --- one writer, and a disk that fails ------------------------------------------------------------------------


@contextmanager
def other_writer(path: Path) -> Iterator[None]:
    """Let another process write to a journal."""
    program = (
        "import sys; from pathlib import Path; from fceval.journal import Journal\n"
        "with Journal(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate()


def test_second_writer_is_refused_and_reader_is_not(path: Path) -> None:
    """Two processes that go on with one run would ask everything twice."""
    written(path, response(1))
    with other_writer(path):
        with pytest.raises(LocalError, match="another process is writing to this run"), Journal(path):
            pass
        assert read(path) == [response(1)]
    assert written(path, response(2)).count(b"\n") == 3


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A missing folder, and a folder in place of the file."""
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "none" / "journal.jsonl", tmp_path / "folder"):
        with pytest.raises(LocalError, match=f"{path}: cannot be written"), Journal(path):
            pass
    with pytest.raises(LocalError, match="cannot be read: No such file"):
        JournalIndex(tmp_path / "journal.jsonl")


def starve(path: Path, room_bytes: int) -> subprocess.CompletedProcess[str]:
    """Append responses in a process whose files may not grow beyond a size; it prints how it went."""
    program = f"""
import resource, signal
from pathlib import Path
from dataclasses import replace
from fceval.errors import LocalError
from fceval.journal import Journal
from fceval.records import Key, Response, Usage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room_bytes}, {room_bytes}))
kept = 0
try:
    with Journal(Path({str(path)!r})) as journal:
        for number in range(50):
            try:
                key = Key(f"case-{{number}}", "default", 0, 0, 0)
                journal.append(Response(key, "f", {{"content": "x" * 200}}, None, Usage(), None, (), ()))
                kept += 1
            except LocalError as error:
                print(kept, error)
except LocalError as error:
    print("end", error)
"""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", env=environment, check=True
    )


def test_full_disk_stops_the_journal_and_loses_nothing_that_was_kept(path: Path) -> None:
    """Every later append says so as well; once there is room, it goes on."""
    said = starve(path, 5_000).stdout.splitlines()
    kept = int(said[0].split()[0])
    assert 5 < kept < 20
    assert len(said) == 50 - kept + 1
    assert all(f"{path}: cannot be written: File too large; make room, then --resume" in line for line in said)
    assert said[-1].startswith("end ")
    assert path.stat().st_size == 5_000, "the last record is torn"
    assert len(read(path)) == kept
    with Journal(path) as journal:
        assert len(journal.index.offsets) == kept
        assert journal.torn_bytes > 0
        journal.append(response(99))
    assert len(read(path)) == kept + 1


def test_no_room_for_the_first_byte_is_said_when_it_is_opened(path: Path) -> None:
    """Before a request is sent."""
    assert starve(path, 10).stdout.startswith("end ")


# --- durability -----------------------------------------------------------------------------------------------


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


def test_disk_that_fails_to_sync_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next answer, or at the end."""

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    for number in (1, 1_000):
        with pytest.raises(LocalError, match="Input/output error"):
            append_slowly(path, number)


def append_slowly(path: Path, number: int) -> None:
    """Append responses, with time for syncs between them."""
    with Journal(path) as journal:
        for each in range(number):
            journal.append(response(each))
            time.sleep(0.001)


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
