"""How well an endpoint keeps to the contract, as a chapter of the report: apart from accuracy, code by code."""

from __future__ import annotations

from fceval.irregularities import IRREGULARITIES, Irregularity
from fceval.report.document import Cell, Column, Section, Table
from fceval.report.numbers import Numbers
from fceval.report.wording import EFFECTS, counted
from fceval.stats.irregularities import METRIC, SCOPE

KEY = "conformance"
_TEXT = (
    "What was off the contract on the wire, counted in responses, retried attempts included. A response may have "
    "several; none of this is in any accuracy, unless its effect says so."
)
_COLUMNS = (
    Column("Code", "name"),
    Column("Responses", "count"),
    Column("Share", "rate"),
    Column("Effect", "text"),
    Column("Meaning", "text"),
)


def conformance_section(numbers: Numbers) -> Section | None:
    """Return the chapter; None where no endpoint was asked, as for predictions made elsewhere."""
    asked = sum(numbers.n(variant, "retries") for variant in numbers.variants)
    if not asked:
        return None
    tables = tuple(table for variant in numbers.variants if (table := _table(variant, numbers)))
    if not tables:
        text = f"Nothing odd was seen in {counted(asked, 'response')}."
        return Section(KEY, "Conformance of the endpoint", text)
    return Section(KEY, "Conformance of the endpoint", _TEXT, tables=tables)


def repair_matters(variant: str, numbers: Numbers) -> bool:
    """Return whether more answers of a variant would pass if their flaws were undone."""
    after = numbers.value(variant, "repaired_accuracy")
    return after is not None and after != numbers.value(variant, "accuracy")


def _table(variant: str, numbers: Numbers) -> Table | None:
    asked = numbers.n(variant, "retries")
    rows = tuple(
        _row(irregularity, count, asked)
        for code, irregularity in _known(numbers).items()
        if (count := numbers.count(variant, METRIC, SCOPE, code))
    )
    if not rows:
        return None
    title = f"Variant {variant}" if len(numbers.variants) > 1 else ""
    return Table(_COLUMNS, rows, title, f"Of {counted(asked, 'response')} that the endpoint was asked for.")


def _known(numbers: Numbers) -> dict[str, Irregularity]:
    """Return every code of the table, and after them those that another version of fceval wrote down."""
    foreign = [code for code in numbers.groups(SCOPE) if code not in IRREGULARITIES]
    return {
        **IRREGULARITIES,
        **{code: Irregularity(code, None, "noted", "not known to this version") for code in foreign},
    }


def _row(irregularity: Irregularity, count: int, asked: int) -> tuple[Cell, ...]:
    return irregularity.code, count, count / asked, EFFECTS[irregularity.effect], irregularity.meaning
