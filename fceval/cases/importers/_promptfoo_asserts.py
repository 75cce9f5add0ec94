"""promptfoo's assertions on tool calls as expected calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fceval.cases.importers._openai_rows import Call, Inexpressible

_NAMES, _SEQUENCE = "tool-call-f1", "trajectory:tool-sequence"
_ARGUMENTS, _VALID = "trajectory:tool-args-match", "is-valid-openai-tools-call"

EXPRESSIBLE = frozenset({_NAMES, _SEQUENCE, _ARGUMENTS, _VALID})
"""Types of the assertions that say something of the calls."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a test's assertions say of the calls."""

    calls: Sequence[Call] | None
    """None: some call, whichever."""
    ordered: bool
    """They must come in this order."""
    others_allowed: bool
    """Calls beside these are no fault."""
    left_out: tuple[str, ...]
    """Assertions that are not expressed, for a person."""


def expectation_of(assertions: Sequence[Any], tools: Sequence[Mapping[str, Any]]) -> Expected:
    """Return what assertions expect of the calls.

    Args:
        assertions: Of one test, the default ones included; `assert-set` is not looked into.
        tools: The offered ones; an argument that only one of them declares may be anything.

    Raises:
        Inexpressible: None of them says anything of the calls, or not in a way that fceval can express.
    """
    left_out: list[str] = []
    names: list[str] | None = None
    matches: list[Call] = []
    valid = ordered = False
    for assertion in assertions:
        kind = assertion.get("type") if isinstance(assertion, dict) else None
        if kind == _NAMES:
            names = _only(names, _unique(_exact_names(assertion)))
        elif kind == _SEQUENCE and _mode(assertion) == "exact":
            names, ordered = _only(names, _steps(assertion)), True
        elif kind == _ARGUMENTS:
            matches.append(_match(assertion, tools))
        elif kind == _VALID:
            valid = True
        else:
            left_out.append(f"assertion `{kind}`")
    calls = _merged(names, matches, tools)
    if calls is None and not valid:
        listed = f" ({', '.join(left_out)})" if left_out else ""
        msg = f"no assertion on tool calls that can be expressed{listed}"
        raise Inexpressible(msg)
    return Expected(calls, ordered, others_allowed=names is None and bool(matches), left_out=tuple(left_out))


def _merged(names: list[str] | None, matches: list[Call], tools: Sequence[Mapping[str, Any]]) -> list[Call] | None:
    """Put the arguments that are known to the names that are known; None where neither is."""
    if names is None:
        return matches or None
    left = list(matches)
    calls = []
    for name in names:
        known = next((call for call in left if call["name"] == name), None)
        if known is not None:
            left.remove(known)
        calls.append(known or {"name": name, "arguments": dict(_anything(name, tools, ()))})
    if left:
        msg = f"the arguments of `{left[0]['name']}` are asserted, but not that it is called"
        raise Inexpressible(msg)
    return calls


def _only(before: list[str] | None, names: list[str]) -> list[str]:
    if before is not None and sorted(before) != sorted(names):
        msg = f"two assertions name different tools: {', '.join(before)}; {', '.join(names)}"
        raise Inexpressible(msg)
    return names


def _exact_names(assertion: Mapping[str, Any]) -> list[str]:
    threshold = assertion.get("threshold", 1)
    if threshold != 1:
        msg = f"`{_NAMES}` with a threshold of {threshold}: fceval has no partial match of calls"
        raise Inexpressible(msg)
    value = assertion.get("value")
    listed = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(name, str) and name for name in listed):
        msg = f"`{_NAMES}` without a list of tool names"
        raise Inexpressible(msg)
    return listed


def _unique(names: list[str]) -> list[str]:
    """F1 is over sets of names."""
    return list(dict.fromkeys(names))


def _mode(assertion: Mapping[str, Any]) -> str:
    value = assertion.get("value")
    mode = value.get("mode", "") if isinstance(value, dict) else ""
    return str(mode)


def _steps(assertion: Mapping[str, Any]) -> list[str]:
    steps = assertion["value"].get("steps")
    names = [step.get("name") if isinstance(step, dict) else step for step in steps or ()]
    if not names or not all(isinstance(name, str) for name in names):
        msg = f"`{_SEQUENCE}` without tool names in `steps`"
        raise Inexpressible(msg)
    return [str(name) for name in names]


def _match(assertion: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> Call:
    value = assertion.get("value")
    if not isinstance(value, dict):
        value = {}
    name, arguments = value.get("name"), value.get("args", value.get("arguments"))
    if not isinstance(name, str) or not isinstance(arguments, dict):
        msg = f"`{_ARGUMENTS}` without `name` and `args`"
        raise Inexpressible(msg)
    if beyond := sorted(set(value) - {"name", "args", "arguments", "mode"}):
        msg = f"`{_ARGUMENTS}` with {', '.join(f'`{word}`' for word in beyond)}"
        raise Inexpressible(msg)
    if _mode(assertion) == "exact":
        return {"name": name, "arguments": arguments}
    return {"name": name, "arguments": arguments | dict(_anything(name, tools, arguments))}


def _anything(name: str, tools: Sequence[Mapping[str, Any]], known: object) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that a tool declares beside the known ones, each of which may be anything or left out."""
    for tool in tools:
        if tool["function"]["name"] == name:
            parameters = tool["function"].get("parameters") or {}
            for argument in parameters.get("properties") or {}:
                if not (isinstance(known, dict) and argument in known):
                    yield argument, {"$match": "any", "optional": True}
