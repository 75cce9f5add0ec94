"""Chunks of Chat Completions, put together into the answer that would have come without streaming. Pure."""

from __future__ import annotations

from typing import Any

from fceval.client.call_pieces import CallPieces, FunctionPieces, merge
from fceval.client.refusal import error_of
from fceval.client.sse import Brought, TooMuchError
from fceval.records import Json, JsonObject

MAX_KEPT = 8 * 2**20
"""Longest answer that is put together, in characters."""
_COST_OF_AN_ENTRY = 1024
_COST_OF_A_MEMBER = 8
_HEAD = ("id", "created", "model", "system_fingerprint", "service_tier", "prompt_filter_results")
_TEXTS = frozenset({"content", "refusal", "reasoning", "reasoning_content", "thinking"})
"""Members that come in pieces; of other strings the last one counts."""
_PADDING = "obfuscation"


class ChatAssembly:
    """One streamed chat completion; see `fceval.client.sse.Assembly`."""

    def __init__(self) -> None:
        self.notes: set[str] = set()
        self.error: Json = None
        self._head: dict[str, Json] = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Json = None
        self._kept = 0

    @property
    def started(self) -> bool:
        """Whether a choice was seen."""
        return bool(self._choices)

    @property
    def finished(self) -> bool:
        """Whether each choice that started has a finish reason."""
        return self.started and all(choice.finished for choice in self._choices.values())

    def take(self, event_name: str, chunk: JsonObject) -> Brought:
        """Add a chunk; see `fceval.client.sse.Assembly`.

        Raises:
            TooMuchError: The answer is longer than `MAX_KEPT`.
        """
        if event_name == "error" or error_of(chunk)[0] is not None:
            self.error = chunk
            return ""
        for name in _HEAD:
            if name in chunk and self._head.get(name) in (None, ""):
                self._head[name] = chunk[name]
        choices = [choice for choice in _list(chunk.get("choices")) if isinstance(choice, dict)]
        if chunk.get("usage"):
            self._usage = chunk["usage"]
            self.notes.update(["usage_late"] if choices else [])
        brought = [self._take_choice(choice) for choice in choices]
        return "call" if "call" in brought else "token" if "token" in brought else ""

    def _take_choice(self, given: JsonObject) -> Brought:
        index = given.get("index")
        index = index if isinstance(index, int) else 0
        choice = self._choices.get(index)
        if choice is None:
            self._keep(_COST_OF_AN_ENTRY)
            choice = self._choices[index] = _Choice(self.notes)
        if given.get("usage"):
            self._usage = given["usage"]
            self.notes.add("usage_in_choice")
        choice.finish(given.get("finish_reason"))
        delta, message = given.get("delta"), given.get("message")
        if not delta and isinstance(message, dict):
            self.notes.add("message_in_chunk")
            delta = choice.news_of(message)
        if not isinstance(delta, dict):
            return ""
        self._keep(_size(delta))
        return choice.take(delta)

    def _keep(self, characters: int) -> None:
        self._kept += characters
        if self._kept > MAX_KEPT:
            msg = f"the answer is longer than {MAX_KEPT // 2**20} MiB"
            raise TooMuchError(msg)

    def body(self) -> JsonObject:
        """Return the body that a non-streamed answer would have carried."""
        head = {name: value for name, value in self._head.items() if value is not None}
        choices = [{"index": index, **choice.as_object()} for index, choice in sorted(self._choices.items())]
        usage = {"usage": self._usage} if self._usage is not None else {}
        return {**head, "object": "chat.completion", "choices": choices, **usage}


class _Choice:
    """One choice, as far as it has come."""

    def __init__(self, notes: set[str]) -> None:
        self._notes = notes
        self._finish_reason: Json = None
        self._was_open = False
        self._role: Json = None
        self._pieces: dict[str, list[Any]] = {"content": []}
        self._calls = CallPieces(notes)
        self._function: FunctionPieces | None = None
        self._rest: dict[str, Any] = {}

    @property
    def finished(self) -> bool:
        return self._finish_reason is not None

    def finish(self, reason: Json) -> None:
        """Note a finish reason; some servers write `""` for one, others for none."""
        if reason is None:
            self._was_open = True
        elif not self._finish_reason and (reason or self._was_open):
            self._finish_reason = reason

    def take(self, delta: JsonObject) -> Brought:
        called = said = False
        for member, value in delta.items():
            if member == "tool_calls":
                for entry in _list(value):
                    self._calls.take(entry)
                    called = True
            elif member == "function_call" and isinstance(value, dict):
                self._function = self._function or FunctionPieces()
                self._function.take(value, self._notes)
                called = True
            elif member in _TEXTS and isinstance(value, str | list | None):
                self._pieces.setdefault(member, []).extend([value] if value else [])
                said = said or (member in {"content", "refusal"} and bool(value))
            elif member == "role":
                self._role = self._role or value
            elif member != _PADDING:
                merge(self._rest, member, value)
        return "call" if called else "token" if said else ""

    def news_of(self, message: JsonObject) -> JsonObject:
        """Return what a whole message in place of a delta adds to what is there: it may repeat that, or go on."""
        news = dict(message)
        for member in _TEXTS & news.keys():
            said, value = self._text(member), news[member]
            if isinstance(said, str) and isinstance(value, str) and value.startswith(said):
                news[member] = value[len(said) :]
        entries = [entry for entry in _list(message.get("tool_calls")) if isinstance(entry, dict)]
        if entries and not any("index" in entry for entry in entries):
            self._calls = CallPieces(self._notes)
            news["tool_calls"] = [{**entry, "index": position} for position, entry in enumerate(entries)]
        return news

    def as_object(self) -> dict[str, Any]:
        """Return the entry of `choices` that a whole answer would have had."""
        message: dict[str, Any] = {"role": self._role or "assistant"}
        message.update({member: self._text(member) for member in self._pieces})
        if self._calls:
            message["tool_calls"] = self._calls.entries()
        if self._function:
            message["function_call"] = self._function.as_object()
        return {"message": {**message, **self._rest}, "finish_reason": self._finish_reason}

    def _text(self, member: str) -> Json:
        """Return a text that came in pieces: None where none had anything in it, parts where one was a list of them."""
        pieces = self._pieces.get(member, [])
        texts = [piece for piece in pieces if isinstance(piece, str)]
        if len(texts) == len(pieces):
            return "".join(texts) or None
        parts: list[Json] = []
        for piece in pieces:
            parts += [{"type": "text", "text": piece}] if isinstance(piece, str) else piece
        return parts


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _size(value: Json) -> int:
    """Return about how many characters a value adds to what is kept."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size, value.values())) + _COST_OF_A_MEMBER * len(value)
    if isinstance(value, list):
        return sum(map(_size, value)) + _COST_OF_A_MEMBER * len(value)
    return 0
