"""How much a problem shows of what others wrote."""

from __future__ import annotations

from typing import Final

from fceval.records import Json, json_text

SHOWN: Final = 80
"""Most characters of foreign text in a problem."""


def excerpt(value: Json) -> str:
    """Return the beginning of a value, as JSON text."""
    return json_text(value)[:SHOWN]
