"""Stage 2, speak: how tools are written into a request and how calls are read from a message.

A dialect is one file whose name is the option's name. To add one, write a class with the methods of `Dialect` and
`PLUGIN: Dialect = ThatClass()`; everything else (the CLI's choices, the contract tests) finds it by its file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, cast

from fceval import registry
from fceval.records import Case, JsonObject, Parsed, ToolCall

Api: TypeAlias = Literal["chat", "responses"]
"""How bodies are built: Chat Completions (`choices`), or the Responses API (`output`)."""


class Dialect(Protocol):
    """Writes cases as request bodies and reads messages as calls; pure, both ways."""

    path: str
    """What follows the base URL."""
    api: Api
    """Which of the two an answer is read as."""
    one_call: bool
    """Whether a message has room for one call only: a turn that wants several is then asked in steps."""

    def render(self, case: Case, messages: Sequence[JsonObject]) -> JsonObject:
        """Return what the case adds to a request body: messages, tools and what is said about them.

        Args:
            case: Its tools, and what it says about calling them.
            messages: The conversation as Chat Completions writes it, `tool_calls` and `tool` messages included;
                among them, verbatim, messages that `parse` reads and entries that `results` made.
        """

    def parse(self, message: JsonObject) -> Parsed:
        """Return the calls and the text of an assistant message; never raises."""

    def answer(self, calls: Sequence[ToolCall], text: str | None) -> JsonObject:
        """Return the assistant message in which a model makes these calls: the inverse of `parse`."""

    def results(self, calls: Sequence[ToolCall], contents: Sequence[str]) -> list[JsonObject]:
        """Return the messages that give a model the results of its calls."""


def names() -> tuple[str, ...]:
    """Return the dialects there are."""
    return registry.names(__name__)


def load(name: str) -> Dialect:
    """Return a dialect.

    Raises:
        ConfigError: There is none of that name.
    """
    return cast("Dialect", registry.load(__name__, name))
