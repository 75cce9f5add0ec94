"""Scored runs of chosen outcomes, made without an endpoint: answers from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fceval.cli import main
from tests.functional.conftest import Command, Said
from tests.functional.orders import case, write_cases


def cases_of(number: int, **fields: object) -> list[dict[str, Any]]:
    """Return the cases of so many orders; `fields` go into each."""
    return [case(at, **fields) for at in range(1, number + 1)]


def scored_run(  # noqa: PLR0913 -- what makes a run
    command: Command,
    folder: Path,
    name: str,
    cases: Sequence[Mapping[str, Any]],
    wrong: Iterable[int] = (),
    *,
    trials: Sequence[Iterable[int]] = (),
    settings: Sequence[str] = (),
) -> Path:
    """Make a scored run and return its folder.

    Args:
        command: Runs commands of fceval.
        folder: Where files are made.
        name: Of the run's folder.
        cases: As rows; the first is of order 1.
        wrong: Orders, by number, whose answer is wrong.
        trials: The same for each of several trials.
        settings: Of the run, as `--set` takes them.
    """
    rows = []
    for trial, bad in enumerate(set(each) for each in (trials or [wrong])):
        for number, row in enumerate(cases, 1):
            value = "nonsense" if number in bad else f"order_{number}"
            calls = [{"name": "get_delivery_date", "arguments": json.dumps({"order_id": value})}]
            rows.append({"case_id": row["case_id"], "trial": trial, "tool_calls": calls})
    answers = folder / f"{name}-answers.jsonl"
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    dataset = write_cases(folder / f"{name}-cases.jsonl", cases)
    flags = [flag for setting in settings for flag in ("--set", setting)]
    said = command("score", "--dataset", dataset, "--predictions", answers, "--out", folder / name, *flags)
    assert said.code == 0, said.err
    return folder / name


def unheard(*arguments: str | Path) -> Said:
    """Run a command for a fixture that several tests share; what it says is nobody's."""
    return Said(main([str(argument) for argument in arguments]), "", "")


Make = Callable[..., Path]
"""`scored_run` of one test."""
