"""Calls that come in pieces: which piece belongs to which call, and what the call is in the end. Pure.

By the contract each piece has the `index` of its call, and the first one its id and name. Endpoints leave out, repeat
and reuse all three, so none of them alone says which call a piece is of; each liberty that is met is noted.
"""

from __future__ import annotations

from typing import Any

from fceval.client.sse import TooMuchError
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Json, JsonObject, json_text

MAX_CALLS = 1024
"""Most calls of one message."""


class FunctionPieces:
    """The name and the arguments of one call."""

    __slots__ = ("_arguments", "_rest", "_texts", "name")

    def __init__(self) -> None:
        self.name = ""
        self._texts: list[str] = []
        self._arguments: Json = None
        self._rest: dict[str, Any] = {}

    @property
    def begun(self) -> bool:
        """Whether a piece of the arguments was there."""
        return bool(self._texts) or self._arguments is not None

    def take(self, function: JsonObject, notes: set[str]) -> None:
        """Add a piece: `name` and `arguments`, both optional, and what else an endpoint writes beside them."""
        for member, value in function.items():
            if member == "arguments":
                self._take_arguments(value)
            elif member == "name":
                self._take_name(value, notes)
            else:
                merge(self._rest, member, value)

    def _take_name(self, name: Json, notes: set[str]) -> None:
        if not isinstance(name, str) or not name:
            return
        if not self.name:
            self.name = name
        elif name == self.name:
            notes.add("name_repeated")
        else:
            notes.add("name_changed" if self.begun else "name_fragmented")
            self.name += name

    def _take_arguments(self, arguments: Json) -> None:
        if isinstance(arguments, str):
            if arguments:
                self._texts.append(arguments)
        elif arguments is not None and not self._texts and not self._arguments:
            self._arguments = arguments
        elif arguments and arguments != self._arguments:
            self._texts.append(json_text(arguments))

    def arguments(self) -> Json:
        """Return the arguments: text, or what came in place of it."""
        if not self._texts:
            return "" if self._arguments is None else self._arguments
        return (json_text(self._arguments) if self._arguments else "") + "".join(self._texts)

    def as_object(self) -> dict[str, Any]:
        """Return the `function` that a whole message would have had."""
        return {"name": self.name or None, "arguments": self.arguments(), **self._rest}


class _Call:
    """One call, as far as it has come."""

    __slots__ = ("call_id", "function", "goes_on", "index", "kind", "rest")

    def __init__(self, index: int) -> None:
        self.index = index
        self.call_id: str | None = None
        self.kind: str | None = None
        self.function = FunctionPieces()
        self.rest: dict[str, Any] = {}
        self.goes_on = False

    def is_over(self, function: JsonObject) -> bool:
        """Whether a named piece without an id begins another call, since this one, which has no id, is whole.

        It is asked once at most: after a piece that goes on, pieces go on.
        """
        if self.call_id is not None or self.goes_on or not self.function.begun:
            return False
        given, arguments = self.function.arguments(), function.get("arguments")
        over = _is_whole(given) and (function["name"] != self.function.name or arguments not in ("", None, given))
        self.goes_on = not over
        return over

    def as_entry(self) -> dict[str, Any]:
        """Return the entry of `tool_calls` that a whole message would have had."""
        kind = self.kind or "function"
        return {"id": self.call_id, "type": kind, "function": self.function.as_object(), **self.rest}


class CallPieces:
    """The calls of one message.

    Args:
        notes: Takes the codes of what is irregular.
    """

    def __init__(self, notes: set[str]) -> None:
        self._notes = notes
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._foreign: list[Json] = []

    def __bool__(self) -> bool:
        return bool(self._calls or self._foreign)

    def take(self, entry: Json) -> None:
        """Add an entry of a delta's `tool_calls`.

        Raises:
            TooMuchError: There are more than `MAX_CALLS`.
        """
        if not isinstance(entry, dict):
            self._foreign.append(entry)
            return
        function = entry.get("function")
        function = function if isinstance(function, dict) else {}
        call_id = _text(entry.get("id"))
        call = self._call_of(entry.get("index"), call_id, function)
        if call_id and not call.call_id:
            call.call_id = call_id
            self._by_id.setdefault(call_id, call)
        call.kind = call.kind or _text(entry.get("type")) or None
        call.function.take(function, self._notes)
        for member, value in entry.items():
            if member not in {"index", "id", "type", "function"}:
                merge(call.rest, member, value)

    def _call_of(self, index: Json, call_id: str, function: JsonObject) -> _Call:
        """Return the call that a piece belongs to."""
        if isinstance(index, bool) or not isinstance(index, int) or index < 0:
            self._notes.add("index_missing")
            return self._unnumbered(call_id, function)
        call = self._by_index.get(index)
        if call is None:
            return self._opened(index)
        named = bool(_text(function.get("name")))
        if call_id and call.call_id and call_id != call.call_id:
            if call_id in self._by_id:
                return self._by_id[call_id]
            if not named:  # some servers give each piece an id of its own
                return call
        elif not (named and not call_id and call.is_over(function)):
            return call
        self._notes.add("index_reused")
        return self._opened(index)

    def _unnumbered(self, call_id: str, function: JsonObject) -> _Call:
        last = self._calls[-1] if self._calls else None
        name = _text(function.get("name"))
        if call_id:
            known = self._by_id.get(call_id)
            if known and known.function.begun and name not in {"", known.function.name}:
                known = None
        elif name and last is not None and (name != last.function.name or last.is_over(function)):
            known = None
        else:
            known = last
        return known or self._opened(last.index if last else 0)

    def _opened(self, index: int) -> _Call:
        if len(self._calls) == MAX_CALLS:
            msg = f"the answer has more than {MAX_CALLS} calls"
            raise TooMuchError(msg)
        call = _Call(index)
        self._calls.append(call)
        self._by_index[index] = call
        return call

    def entries(self) -> list[Json]:
        """Return the `tool_calls` of the message, in the order of their indexes."""
        single: list[_Call] = []
        by_id: dict[str, _Call] = {}
        for call in sorted(self._calls, key=lambda call: call.index):
            twin = by_id.get(call.call_id) if call.call_id else None
            if twin is None or not self._joined(twin, call):
                single.append(call)
                by_id.setdefault(call.call_id or "", call)
        return [*(call.as_entry() for call in single), *self._foreign]

    def _joined(self, twin: _Call, call: _Call) -> bool:
        """Take a call that came at a second index, with the id that it has at the first, for the one call it is.

        Two calls with whole arguments that differ are two, whatever their ids.
        """
        if call.function.name not in {"", twin.function.name}:
            return False
        known, again = twin.function.arguments(), call.function.arguments()
        if known != again and _is_whole(known) and _is_whole(again):
            return False
        if isinstance(known, str) and isinstance(again, str) and again.startswith(known):
            call.function.name = twin.function.name
            twin.function = call.function
        elif not (isinstance(known, str) and isinstance(again, str) and known.startswith(again)):
            twin.function.take({"arguments": again}, set())
        self._notes.add("same_call_multi_index")
        return True


def merge(into: dict[str, Any], member: str, value: Any) -> None:  # noqa: ANN401 -- any JSON
    """Add a later piece of a member that fceval does not know: objects and lists grow, of the rest the last counts."""
    known = into.get(member)
    if isinstance(known, dict) and isinstance(value, dict):
        for name, inner in value.items():
            merge(known, name, inner)
    elif isinstance(known, list) and isinstance(value, list):
        known.extend(value)
    elif value is not None or known is None:
        into[member] = value


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _is_whole(arguments: Json) -> bool:
    if not isinstance(arguments, str):
        return True
    try:
        return isinstance(read_json(arguments), dict)
    except JsonTextError:
        return False
