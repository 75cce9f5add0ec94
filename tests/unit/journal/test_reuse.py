"""Other runs' answers: the same question in the same trial, and nothing that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fceval.errors import LocalError
from fceval.journal import Journal, ReusableAnswers
from fceval.records import Request
from tests.journal_records import key, response, written


def answer(number: int, content: str | None, fingerprint: str, folder: Path) -> None:
    """Write an answer to the journal in a folder."""
    written(folder / "journal.jsonl", response(number, content, fingerprint))


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Give two runs' folders."""
    both = [tmp_path / "one", tmp_path / "two"]
    for folder in both:
        folder.mkdir()
        written(folder / "journal.jsonl")
    return both


def test_answer_is_found_by_what_was_asked_and_gets_the_key_that_asks(folders: list[Path]) -> None:
    """Whatever case asked it in the other run; else it is as it was."""
    answer(1, "Hello", "f1", folders[0])
    with ReusableAnswers([folder / "journal.jsonl" for folder in folders]) as answers:
        assert answers.measured(key(9), "f1") == response(1, "Hello", "f1")._replace(key=key(9))
        assert [answers.measured(key(1), other) for other in ("", "f", "f11", "天")] == [None] * 4
        assert len(answers) == 1


def test_first_run_that_has_it_wins_and_its_last_answer(folders: list[Path]) -> None:
    """The order is the user's."""
    for content in ("old", "new", None):
        answer(1, content, "f1", folders[0])
    answer(1, "other", "f1", folders[1])
    answer(2, "only here", "f2", folders[1])
    paths = [folder / "journal.jsonl" for folder in folders]
    for order, contents in ((paths, ["new", "only here"]), (paths[::-1], ["other", "only here"])):
        with ReusableAnswers(order) as answers:
            found = [answers.measured(key(1), name) for name in ("f1", "f2")]
            assert [each and each.message and each.message["content"] for each in found] == contents


def test_failures_and_begins_are_no_answers(folders: list[Path]) -> None:
    """What was not measured there is asked here."""
    answer(1, None, "f1", folders[0])
    with Journal(folders[0] / "journal.jsonl") as journal:
        journal.begin([(key(2), "f2")])
    with ReusableAnswers([folders[0] / "journal.jsonl"]) as answers:
        assert (answers.measured(key(1), "f1"), answers.measured(key(2), "f2"), len(answers)) == (None, None, 0)


def test_trials_stay_apart(folders: list[Path]) -> None:
    """The second trial of a question never gets the answer to the first."""
    first, second = (
        Request(key(1)._replace(trial=trial), {"model": "m"}).fingerprint("http://x/v1") for trial in (0, 1)
    )
    answer(1, "Hello", first, folders[0])
    with ReusableAnswers([folders[0] / "journal.jsonl"]) as answers:
        assert answers.measured(key(1), first) is not None
        assert answers.measured(key(1)._replace(trial=1), second) is None


def test_no_runs_have_no_answers() -> None:
    """Who reuses nothing needs no special case."""
    with ReusableAnswers([]) as answers:
        assert (answers.measured(key(1), "f"), len(answers)) == (None, 0)


def test_damaged_or_missing_journal_is_refused_and_leaks_no_file(folders: list[Path]) -> None:
    """It is named; the others are closed again."""
    answer(1, "Hello", "f1", folders[0])
    answer(2, "Hello", "f2", folders[1])
    damaged = folders[1] / "journal.jsonl"
    damaged.write_bytes(damaged.read_bytes().replace(b"Hello", b"hello"))
    before = sum(file.is_symlink() for file in Path("/proc/self/fd").iterdir())
    with pytest.raises(LocalError, match=r"two/journal\.jsonl: line 2 is damaged"):
        ReusableAnswers([folders[0] / "journal.jsonl", damaged])
    with pytest.raises(LocalError, match=r"none/journal\.jsonl: cannot be read"):
        ReusableAnswers([folders[0] / "journal.jsonl", folders[0].parent / "none" / "journal.jsonl"])
    assert sum(file.is_symlink() for file in Path("/proc/self/fd").iterdir()) == before


def test_run_that_is_still_going_can_be_reused(folders: list[Path]) -> None:
    """What it has answered so far; its writer is not disturbed, and a line it is at is passed over."""
    path = folders[0] / "journal.jsonl"
    with Journal(path) as journal:
        journal.append(response(1, "Hello", "f1"))
        with path.open("ab") as file:
            file.write(b'{"case_id": "case-2", "var')
        with ReusableAnswers([path]) as answers:
            assert (answers.measured(key(1), "f1") is not None, len(answers)) == (True, 1)
