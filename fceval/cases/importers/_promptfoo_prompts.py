"""promptfoo's prompts as messages, and its tools where they stand in the configuration itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fceval.cases.importers._openai_rows import Inexpressible, tools_of
from fceval.jsontext import JsonTextError, read_json
from fceval.records import json_text

_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}")
_CODE = re.compile(r"\{[{%#]")


def prompt_text(prompt: object) -> str:
    """Return the text of an entry of `prompts`.

    Raises:
        Inexpressible: It stands in another file, or is made by code.
    """
    text = prompt.get("raw") if isinstance(prompt, dict) else prompt
    if not isinstance(text, str):
        msg = f"a prompt that is no text: {str(prompt)[:80]}"
        raise Inexpressible(msg)
    if text.startswith(("file://", "exec:", "langfuse://", "portkey://", "helicone://")):
        msg = f"the prompt stands elsewhere: {text}"
        raise Inexpressible(msg)
    return text


def filled_messages(prompt: str, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a prompt as messages, its variables filled in.

    Raises:
        Inexpressible: A variable is missing, has several values or stands in a file; or the prompt holds code.
    """
    messages = _chat(prompt)
    if messages is None:
        return [{"role": "user", "content": _filled(prompt, variables)}]
    return [filled_value(message, variables) for message in messages]


def _chat(prompt: str) -> list[dict[str, Any]] | None:
    """Return the messages of a prompt that is a JSON list of messages; None for any other text."""
    if not prompt.lstrip().startswith("["):
        return None
    try:
        value: Any = read_json(prompt)
    except JsonTextError:
        return None
    return value if isinstance(value, list) and value and all(isinstance(each, dict) for each in value) else None


def filled_value(value: Any, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON value, and the same back
    """Return a JSON value with the variables in its strings filled in.

    Raises:
        Inexpressible: As for `filled_messages`.
    """
    if isinstance(value, str):
        return _filled(value, variables)
    if isinstance(value, list):
        return [filled_value(each, variables) for each in value]
    if isinstance(value, dict):
        return {key: filled_value(each, variables) for key, each in value.items()}
    return value


def _filled(text: str, variables: Mapping[str, Any]) -> str:
    if _CODE.search(_VARIABLE.sub("", text)):
        msg = "the prompt holds template code beyond plain variables"
        raise Inexpressible(msg)
    return _VARIABLE.sub(lambda found: _value(found.group(1), variables), text)


def _value(name: str, variables: Mapping[str, Any]) -> str:
    if name not in variables:
        msg = f"the prompt's variable `{name}` has no value"
        raise Inexpressible(msg)
    value = variables[name]
    if isinstance(value, list):
        msg = f"variable `{name}` has several values, which promptfoo makes several tests of"
        raise Inexpressible(msg)
    if isinstance(value, str) and value.startswith("file://"):
        msg = f"variable `{name}` stands in another file: {value}"
        raise Inexpressible(msg)
    return value if isinstance(value, str) else json_text(value)


def inline_tools(places: Sequence[Any]) -> tuple[list[dict[str, Any]], Any]:
    """Return the tools and the `tool_choice` of the first place that has tools.

    Args:
        places: Options of a test, then providers: objects with `tools`, or with them under `config`.

    Raises:
        Inexpressible: None has, or they stand in another file.
    """
    for place in places:
        for settings in _settings(place):
            entries = settings.get("tools", settings.get("functions"))
            if entries is None:
                continue
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                msg = f"the tools stand elsewhere: {str(entries)[:80]}"
                raise Inexpressible(msg)
            choice = settings.get("tool_choice")
            mode = choice.get("mode") if isinstance(choice, dict) else None
            return tools_of({"tools": [_chat_tool(entry) for entry in entries]}), mode or choice
    msg = "no tools in the configuration"
    raise Inexpressible(msg)


def _settings(place: object) -> list[Mapping[str, Any]]:
    """Return the objects of a test's options, or of a provider, that may hold tools."""
    if not isinstance(place, dict):
        return []
    provider = place.get("provider")
    # A provider may be written as {"openai:chat:...": {"config": {...}}}.
    named = [value for value in place.values() if isinstance(value, dict) and "config" in value]
    holders = [place, *([provider] if isinstance(provider, dict) else []), *named]
    return [*holders, *(holder["config"] for holder in holders if isinstance(holder.get("config"), dict))]


def _chat_tool(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tool in the form of Chat Completions; promptfoo also has a flat form for all providers."""
    if "function" in entry or "name" not in entry:
        return entry
    return {
        "type": "function",
        "function": {key: value for key, value in entry.items() if key not in {"type", "normalized"}},
    }
