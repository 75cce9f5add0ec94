"""BFCL's function docs as OpenAI `tools`, exactly as BFCL sends them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

Language: TypeAlias = Literal["python", "java", "javascript"]

_LANGUAGE_HINTS: Mapping[Language, str] = {
    "python": " Note that the provided function is in Python 3 syntax.",
    "java": " Note that the provided function is in Java 8 SDK syntax.",
    "javascript": " Note that the provided function is in JavaScript syntax.",
}
_TITLES: Mapping[Language, str] = {"java": "Java", "javascript": "JavaScript"}
_TEXT_ARRAYS: Mapping[Language, frozenset[str]] = {
    "java": frozenset({"Array", "ArrayList"}),
    "javascript": frozenset({"array"}),
}
_JSON_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("integer", "byte", "short", "long", "Bigint"), "integer"),
    **dict.fromkeys(("number", "float", "double"), "number"),
    **dict.fromkeys(("string", "String", "any", "Any", "char"), "string"),
    **dict.fromkeys(("boolean", "bool", "Boolean"), "boolean"),
    **dict.fromkeys(("array", "list", "tuple", "ArrayList", "Array", "Queue", "Stack"), "array"),
    **dict.fromkeys(("dict", "object", "HashMap", "Hashtable"), "object"),
}


def language_of(category: str) -> Language:
    """Return the language of a category's functions."""
    if "javascript" in category:
        return "javascript"
    return "java" if "java" in category else "python"


def tool_name(name: str) -> str:
    """Return the name under which BFCL offers a function."""
    return name.replace(".", "_")


def tool_of(doc: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Return a function doc as an entry of `tools`."""
    function = copy.deepcopy(dict(doc))
    function["name"] = tool_name(function["name"])
    function["description"] += _LANGUAGE_HINTS[language]
    parameters = function["parameters"]
    if language != "python":
        for schema in parameters["properties"].values():
            _turn_to_text(schema, language)
    parameters["type"] = "object"
    _convert_properties(parameters["properties"])
    return {"type": "function", "function": function}


def _turn_to_text(schema: dict[str, Any], language: Language) -> None:
    """Declare a parameter of Java or JavaScript as source text, and say in its description what it is."""
    title, kind = _TITLES[language], schema["type"]
    hint = f" This is {title} {kind} type parameter in string representation."
    if kind == "any":
        hint = f" This parameter can be of any type of {title} object in string representation."
    if kind in _TEXT_ARRAYS[language]:
        items = schema.pop("items")["type"]
        hint += f" The list elements are of type {items}; they are not in string representation."
    elif kind == "dict" and language == "javascript" and "properties" in schema:
        members = json.dumps(schema.pop("properties"))
        hint += f" The dictionary entries have the following schema; they are not in string representation. {members}"
    schema["description"] = schema.get("description", "") + hint
    schema["type"] = "string"


def _convert_properties(properties: dict[str, dict[str, Any]]) -> None:
    for schema in properties.values():
        kind = schema.get("type", "string")
        if kind == "float":
            schema["format"] = "float"
            schema["description"] = schema.get("description", "") + " This is a float type value."
        schema["type"] = _JSON_TYPES.get(kind, "string")
        if schema["type"] in {"array", "object"}:
            _convert_members(schema)


def _convert_members(schema: dict[str, Any]) -> None:
    if "properties" in schema:
        _convert_properties(schema["properties"])
    elif "items" in schema:
        items = schema["items"]
        items["type"] = _JSON_TYPES[items["type"]]
        if items["type"] == "array" and "items" in items:
            items["items"]["type"] = _JSON_TYPES[items["items"]["type"]]
        elif items["type"] == "object" and "properties" in items:
            _convert_properties(items["properties"])
