"""The list of cases as columns: what the formats of tables have in common."""

from __future__ import annotations

import dataclasses

from fceval.report.document import CaseLine

NAMES = tuple(field.name for field in dataclasses.fields(CaseLine))
"""In the order in which every table has them."""

Value = str | int | float | bool | None

_LISTS = {"tags": ", ", "irregularities": " ", "tools": ", "}
_CALLS = ("expected", "predicted")


def flat(case: CaseLine) -> tuple[Value, ...]:
    """Return a line as one value a cell: labels side by side, calls as a JSON array, nothing where there are none."""
    return tuple(_flat(name, getattr(case, name)) for name in NAMES)


def _flat(name: str, value: Value | tuple[str, ...]) -> Value:
    if not isinstance(value, tuple):
        return value
    if name in _CALLS:
        return f"[{', '.join(value)}]" if value else None
    return _LISTS[name].join(value) or None
