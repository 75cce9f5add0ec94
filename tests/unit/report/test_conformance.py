"""The chapter on how an endpoint keeps to the contract."""

from __future__ import annotations

from fceval.report.conformance import conformance_section
from fceval.report.document import Section
from fceval.report.numbers import Numbers
from fceval.rows import Score
from fceval.stats.metrics import measure
from tests.golden.rows import score, tables


def _section(*scores: Score) -> Section | None:
    of = tables(scores)
    return conformance_section(Numbers(measure(of.scores, of.calls, of.arguments)))


def test_a_row_a_code() -> None:
    """Number, share, effect and meaning, in the order of the table of irregularities; foreign codes last."""
    section = _section(
        score("a", irregularities=["usage_absent", "newer_code", "args_double_encoded"]),
        score("b", irregularities=["usage_absent"]),
        score("c", "timed_out"),
        score("d"),
    )
    assert section is not None
    (table,) = section.tables
    assert [row[:3] for row in table.rows] == [
        ("args_double_encoded", 1, 0.25),
        ("usage_absent", 2, 0.5),
        ("newer_code", 1, 0.25),
    ]
    assert table.rows[0][3:] == ("the call fails; repair can undo it", "arguments are the text of a JSON text")
    assert "4 responses" in table.note


def test_a_table_a_variant_with_something_odd() -> None:
    """Each under the variant's name."""
    section = _section(
        score("a", variant="odd", irregularities=["id_missing"]),
        score("a", variant="fine"),
        score("a", variant="odder", irregularities=["id_missing"]),
    )
    assert section is not None
    assert [table.title for table in section.tables] == ["Variant odd", "Variant odder"]


def test_nothing_odd_is_a_line() -> None:
    """One sentence, and no table."""
    section = _section(score("a"), score("b"))
    assert section is not None
    assert section.tables == ()
    assert section.text == "Nothing odd was seen in 2 responses."


def test_no_endpoint_no_chapter() -> None:
    """Predictions made elsewhere say nothing of an endpoint."""
    assert _section(score("a", attempts=0)) is None
