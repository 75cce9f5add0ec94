"""Spill files: the first folder with room, whole or not at all, and taken back into their own journal alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fceval.errors import LocalError
from fceval.journal import Journal, spill
from fceval.journal.lines import encode_header, encode_response
from tests.journal_records import key, read, response, written

LINES = [encode_response(response(number, "天" * number)) for number in (1, 2)]


def test_first_folder_that_takes_it_gets_it(tmp_path: Path) -> None:
    """A folder that is missing or no folder is passed over; the file is for its owner only."""
    (tmp_path / "file").touch()
    file = spill.spill([tmp_path / "none", tmp_path / "file", tmp_path], "ab", LINES)
    assert file is not None
    assert (file.parent, file.stat().st_mode & 0o777) == (tmp_path, 0o600)
    assert spill.read_spill(file, "ab") == LINES
    assert spill.spill_files(tmp_path) == [file]
    assert spill.spill([tmp_path / "none"], "ab", LINES) is None


def test_run_folder_comes_first(tmp_path: Path) -> None:
    """Then other places, all of them absolute."""
    folders = spill.folders_to_try(tmp_path)
    assert folders[0] == tmp_path
    assert len(folders) >= 3
    assert all(folder.is_absolute() for folder in folders)


def test_nothing_to_spill_is_no_file(path: Path) -> None:
    """Who always calls it leaves nothing behind."""
    with Journal(path) as journal:
        assert journal.spill() is None
    assert [each.name for each in path.parent.iterdir()] == ["journal.jsonl"]


def spilled(path: Path, name: str, *lines: bytes) -> Path:
    """Lay a spill file beside a journal."""
    file = path.with_name(f"journal.spilled-{name}")
    file.write_bytes(b"".join(lines))
    return file


def journal_id(path: Path) -> str:
    """Return the id in a journal's first line."""
    return path.read_bytes().split(b'"id": "')[1][:16].decode()


def test_several_files_are_taken_back_in_order(path: Path) -> None:
    """Each is removed when its lines are on the disk; what came later counts."""
    written(path, response(0))
    own = encode_header("spill", journal_id(path))
    for number, content in ((2, "second"), (1, "first")):
        spilled(path, str(number), own, encode_response(response(7, content)))
    with Journal(path) as journal:
        assert journal.restored == 2
        found = journal.index.measured(key(7))
    assert found == response(7, "second")
    assert [each.name for each in path.parent.iterdir()] == ["journal.jsonl"]


def test_file_that_was_taken_back_already_changes_nothing(path: Path) -> None:
    """A crash between the writing and the removing."""
    written(path, response(1), response(2))
    before = read(path)
    spilled(path, "1", encode_header("spill", journal_id(path)), encode_response(response(1)))
    with Journal(path):
        pass
    assert read(path) == before[::-1], "the first one's answer now stands last"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([encode_header("spill", "0" * 16), *LINES], "holds answers of another run; move it to that run's folder"),
        ([encode_header("spill", None), LINES[0], LINES[1][:-9]], "line 3 is damaged; move it out"),
        ([encode_header("spill", None), LINES[0].replace(b"m-1", b"m-2"), LINES[1]], "line 2 is damaged; move it out"),
        ([encode_header("spill", None), LINES[0][:-1]], "is incomplete; move it out of the run's folder"),
        ([encode_header("journal", None)], "is incomplete; move it out"),
        ([], "is incomplete; move it out"),
    ],
)
def test_file_that_does_not_belong_here_is_refused(path: Path, lines: list[bytes], message: str) -> None:
    """With what to do about it; the journal and the file are left as they are."""
    whole = written(path, response(0))
    file = spilled(path, "1", *lines)
    before = sum(each.is_symlink() for each in Path("/proc/self/fd").iterdir())
    with pytest.raises(LocalError) as caught, Journal(path):
        pass
    assert f"{file}: {message}" in str(caught.value)
    assert (path.read_bytes(), file.read_bytes()) == (whole, b"".join(lines))
    assert sum(each.is_symlink() for each in Path("/proc/self/fd").iterdir()) == before
