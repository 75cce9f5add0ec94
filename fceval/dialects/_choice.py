"""What a case's `tool_choice` means, for the dialects that say it in other words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fceval.records import Case, Json


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether the model is to call, and which of the tools on offer."""

    mode: Literal["none", "auto", "required"]
    tools: tuple[str, ...]
    """Names of the tools that it may call: all that are on offer, unless the case says less."""
    limited: bool = False
    """Whether the case names them."""


def choice_of(case: Case) -> Choice:
    """Return what a case's `tool_choice` means; where it says nothing, or nothing known, the model is free."""
    said = case.tool_choice
    offered = tuple(tool.name for tool in case.tools)
    if said == "none":
        return Choice("none", ())
    if said == "required":
        return Choice("required", offered)
    allowed = said.get("allowed_tools") if isinstance(said, Mapping) else None
    if isinstance(allowed, Mapping):
        entries = allowed.get("tools")
        names = [name_of(entry) for entry in (entries if isinstance(entries, list) else [])]
        mode: Literal["auto", "required"] = "required" if allowed.get("mode") == "required" else "auto"
        return Choice(mode, tuple(filter(None, names)), limited=True)
    name = name_of(said)
    return Choice("required", (name,), limited=True) if name else Choice("auto", offered)


def name_of(entry: Json) -> str:
    """Return the name in `{"type": "function", "function": {"name"}}`; empty for anything else."""
    function = entry.get("function") if isinstance(entry, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else ""
