"""Text that would do harm, in every place of a report that foreign text can reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fceval.report.document import CaseLine, Column, Figure, Report, Section, Table

_TEXTS = Path(__file__).parents[3] / "data" / "hostile"


def _line(text: str, number: int) -> CaseLine:
    measured = number % 3 > 0
    return CaseLine(
        case_id=f"{text}",
        variant=text,
        trial=0,
        turn=number,
        category=text,
        tags=(text, "second"),
        outcome="wrong_value" if measured else "timed_out",
        measured=measured,
        passed=False if measured else None,
        passed_strict=False if measured else None,
        latency_s=0.25,
        prompt_tokens=12,
        completion_tokens=None,
        cost_usd=-0.5,
        attempts=1,
        irregularities=(text,),
        detail=text,
        expected=(text,),
        predicted=(text, text),
    )


@pytest.fixture
def hostile_texts() -> list[str]:
    """Give every hostile text of the collection, and those that a spreadsheet would run."""
    collected = [
        each["text"] for path in sorted(_TEXTS.glob("*.json")) for each in json.loads(path.read_text(encoding="utf-8"))
    ]
    formulas = [
        f"{start}cmd|' /C calc'!A0"
        for start in ("=", "+", "-", "@", "\t=", "\r=", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    ]
    commands = [
        "::error::x",
        " ::add-mask::x",
        "\n::stop-commands::x",
        "##[add-mask]x",
        "--> <b>",
        "--!> <b>",
        "100%0A::x",
    ]
    return [*collected, *formulas, *commands, "http://example.invalid/", "mailto:a@example.invalid", "]]>", "\ud800"]


@pytest.fixture
def hostile(hostile_texts: list[str]) -> Report:
    """Give a report with nothing but hostile text in it."""
    return Report(
        title="title",
        headline="headline",
        complete=True,
        meta=tuple(("model", text) for text in hostile_texts),
        figures=(Figure("Accuracy", None, "rate"),),
        sections=(
            Section(
                "names",
                "Names",
                tables=(Table((Column("Name", "name"), Column("T", "text")), tuple((t, t) for t in hostile_texts)),),
            ),
        ),
        cases=tuple(_line(text, number) for number, text in enumerate(hostile_texts)),
    )
