"""Errors say where, what and what to do, and carry the exit code of their kind."""

from __future__ import annotations

import pickle

import pytest

from fceval import errors
from fceval.errors import ConfigError, DatasetError, ExitCode, FcevalError, FieldError, LocalError, did_you_mean


@pytest.mark.parametrize(
    ("row", "field", "text"),
    [
        (17, "tools[0].function.name", "cases.jsonl, row 17, field `tools[0].function.name`: missing"),
        (17, None, "cases.jsonl, row 17: missing"),
        (None, None, "cases.jsonl: missing"),
    ],
)
def test_dataset_error_names_the_place(row: int | None, field: str | None, text: str) -> None:
    """File, row and field stand before the problem, as far as they are known."""
    assert str(DatasetError("missing", file="cases.jsonl", row=row, field=field)) == text


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("FcevalError", 2),
        ("ConfigError", 2),
        ("DatasetError", 2),
        ("EndpointError", 4),
        ("LocalError", 5),
        ("Inconclusive", 3),
    ],
)
def test_each_kind_has_its_exit_code(name: str, code: int) -> None:
    """The exit code tells a calling script whose fault it was."""
    kind = getattr(errors, name)
    assert issubclass(kind, FcevalError)
    assert kind.exit_code == code


def test_exit_codes_are_those_of_the_contract() -> None:
    """Other people's scripts compare these numbers."""
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "GATE_FAILED": 1,
        "USAGE": 2,
        "INCONCLUSIVE": 3,
        "ENDPOINT_REFUSED": 4,
        "LOCAL_IO": 5,
        "STOPPED_BY_BUDGET": 6,
        "BUG": 70,
        "INTERRUPTED": 130,
    }


def test_docstring_draws_every_error() -> None:
    """The tree in the module's docstring is complete."""
    kinds = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, FcevalError)]
    assert len(kinds) > 5
    assert [name for name in kinds if name not in (errors.__doc__ or "")] == []


def test_near_word_is_suggested() -> None:
    """A slip of the finger finds the word that was meant."""
    assert did_you_mean("concurency", ["model", "concurrency"]) == " (did you mean `concurrency`?)"


def test_far_word_suggests_nothing() -> None:
    """A word like no other gets no guess."""
    assert did_you_mean("zebra", ["model", "concurrency"]) == ""


def test_cutoff_decides_what_is_near() -> None:
    """A stricter cutoff drops what the default would suggest."""
    assert did_you_mean("modal", ["model"]) != ""
    assert did_you_mean("modal", ["model"], cutoff=0.95) == ""


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("no such flag"),
        DatasetError("no call", file="cases.jsonl", row=3, field="expected"),
        FieldError("no text", "tools[0].function.name"),
        LocalError("disk full"),
    ],
)
def test_error_crosses_from_process_to_process(error: Exception) -> None:
    """With its kind, its text and what else it knows."""
    other = pickle.loads(pickle.dumps(error))  # noqa: S301 -- made in this line
    assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))
