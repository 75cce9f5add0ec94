"""K2-Vendor-Verifier's request bodies, and rows of its kind: JSON Lines without expected calls.

A row is a request body, or holds one under `request`. All that such data says is whether some call is wanted:

* `should_call_tool` (true or false), of the row or of its `metadata`;
* else the `finish_reason` of the official endpoint's answer, in result files: `tool_calls` or `stop`;
* else a `tool_choice` that leaves no choice: `required`, one function, or `none`.

A row that says none of these is not imported: whatever an endpoint answered, nothing would tell whether it is right.
Request parameters (temperature, max_tokens ...) go into the case's `request`; the model, streaming and the number of
choices are the run's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fceval.cases.importers import Imported, Importer, Item, Skipped
from fceval.cases.importers._json_lines import read_objects
from fceval.cases.importers._openai_rows import Inexpressible, category_of, tools_of
from fceval.records import Json

_OF_THE_RUN = frozenset({"model", "stream", "stream_options", "n"})
_OF_THE_CASE = frozenset({"messages", "tools", "functions", "tool_choice", "parallel_tool_calls"})
_ABOUT_THE_ROW = frozenset({"id", "case_id", "should_call_tool", "metadata", "finish_reason", "response", "tool_calls"})


class K2VendorVerifier:
    """Reads request bodies."""

    def read(self, source: Path) -> Iterator[Item]:
        """Yield a case for each row that says whether a call is wanted."""
        for row, fields in read_objects(source):
            try:
                case = _case(fields, row)
            except Inexpressible as why:
                yield Skipped(str(source), row, str(why))
            else:
                yield Imported(str(source), row, case)


def _case(fields: Mapping[str, Any], row: int) -> dict[str, Json]:
    body = fields["request"] if isinstance(fields.get("request"), dict) else fields
    wanted = _call_wanted(fields, body)
    tools = [] if wanted is False and not body.get("tools") and not body.get("functions") else tools_of(body)
    if wanted and not tools:
        msg = "some call is wanted, but no tool is offered"
        raise Inexpressible(msg)
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        msg = "no list of `messages`"
        raise Inexpressible(msg)
    name = fields.get("case_id", fields.get("id"))
    case: dict[str, Json] = {
        "case_id": name if isinstance(name, str) and name else f"row-{row}",
        "category": category_of(None if wanted else [], tools),
        "messages": body["messages"],
        "tools": tools,
        "expected": "any" if wanted else [],
        "source": {"dataset": "k2vv", "row": row},
    }
    case |= {key: body[key] for key in ("tool_choice", "parallel_tool_calls") if body.get(key) is not None}
    taken = _OF_THE_RUN | _OF_THE_CASE | (_ABOUT_THE_ROW if body is fields else frozenset())
    if request := {key: value for key, value in body.items() if key not in taken}:
        case["request"] = request
    return case


def _call_wanted(fields: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    metadata = fields.get("metadata")
    for place in (fields, metadata if isinstance(metadata, dict) else {}):
        label = place.get("should_call_tool")
        if isinstance(label, bool):
            return label
        if label is not None:
            msg = f"`should_call_tool` is true or false, not {label!r}"
            raise Inexpressible(msg)
    baseline = {"tool_calls": True, "stop": False}.get(str(fields.get("finish_reason")))
    if baseline is not None:
        return baseline
    choice = body.get("tool_choice")
    if choice == "none":
        return False
    if choice == "required" or isinstance(choice, dict):
        return True
    msg = "nothing says whether a call is wanted: no `should_call_tool`, no `finish_reason`, no forced `tool_choice`"
    raise Inexpressible(msg)


PLUGIN: Importer = K2VendorVerifier()
