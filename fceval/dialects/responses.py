"""OpenAI's Responses API: a list of items in, a list of items out; calls are items of their own.

Messages are kept as `{"role": "assistant", "output": [...]}`, the items verbatim, and are sent back as they came.
Nothing is stored at the endpoint (`store: false`; without it the API keeps every answer), so a model whose reasoning
must be sent back needs `include = ["reasoning.encrypted_content"]` in the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fceval.dialects import Api, Dialect
from fceval.dialects._arguments import read_arguments
from fceval.dialects._choice import name_of
from fceval.dialects._excerpt import SHOWN, excerpt
from fceval.dialects._spoken import parsed, spoken
from fceval.dialects.tools import PLUGIN as TOOLS
from fceval.identity import OfSame
from fceval.records import Case, Json, JsonObject, Parsed, Tool, ToolCall


class Responses:
    """The Responses API, without state at the endpoint."""

    path = "/responses"
    api: Api = "responses"
    one_call = False

    def render(self, case: Case, messages: Sequence[JsonObject]) -> JsonObject:
        """Return `input`, `store: false` and `tools`, and what the case says about calling them.

        `strict` is always there, `false` where the dataset does not say: left out, this API makes a tool strict whose
        schema allows it, so that the same tool would mean something else than in Chat Completions.
        """
        body: dict[str, Json] = {"input": [item for message in messages for item in _items(message)], "store": False}
        if case.tools:
            body["tools"] = _offered(case.tools)
        if case.tool_choice is not None:
            body["tool_choice"] = _flat_choice(case.tool_choice)
        if case.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = case.parallel_tool_calls
        return body

    def parse(self, message: JsonObject) -> Parsed:
        """Return calls, text and refusal of the output items; whatever is no call by the contract is a problem."""
        output = message.get("output")
        items = [item for item in (output if isinstance(output, list) else []) if isinstance(item, Mapping)]
        calls: list[ToolCall] = []
        problems = [] if not output or isinstance(output, list) else [f"`output` is no list: {excerpt(output)}"]
        notes: list[str] = []
        for item in items:
            kind = item.get("type")
            name = item.get("name")
            if kind == "function_call" and isinstance(name, str) and name:
                calls.append(_call(item, name))
            elif kind == "function_call":
                problems.append(f"a call without a name: {excerpt(item)}")
                notes.append("name_null_entry")
            elif isinstance(kind, str) and kind.endswith("_call"):
                problems.append(f"a `{kind[:SHOWN]}`, which is no call of a function: {excerpt(item)}")
        parts = [part for item in items if item.get("type") == "message" for part in _parts(item.get("content"))]
        said = spoken({}, _joined(parts, "output_text", "text"), called=bool(calls))
        return parsed(calls, said, _joined(parts, "refusal", "refusal"), problems, notes)

    def answer(self, calls: Sequence[ToolCall], text: str | None) -> JsonObject:
        """Return an assistant message with its output items; their own ids count from 0."""
        output: list[Json] = []
        if text:
            content: Json = [{"type": "output_text", "text": text, "annotations": []}]
            head: JsonObject = {"type": "message", "id": "msg_0", "status": "completed", "role": "assistant"}
            output.append({**head, "content": content})
        output += (
            {
                "type": "function_call",
                "id": f"fc_{place}",
                "call_id": call.call_id,
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
            for place, call in enumerate(calls)
        )
        return {"role": "assistant", "output": output}

    def results(self, calls: Sequence[ToolCall], contents: Sequence[str]) -> list[JsonObject]:
        """Return one `function_call_output` item per call; a call without an id is named by its place."""
        return [
            {"type": "function_call_output", "call_id": call.call_id or f"call_{place}", "output": content}
            for place, (call, content) in enumerate(zip(calls, contents, strict=True))
        ]


def _items(message: JsonObject) -> Iterator[Json]:
    """Yield the items that a message becomes; items, and messages of items, stay as they are.

    A message's `name` has no place in this API and is left out.
    """
    role, content, output = message.get("role"), message.get("content"), message.get("output")
    if not content and message.get("refusal"):
        content = [{"type": "refusal", "refusal": message["refusal"]}]
    if role is None:
        yield message
    elif role == "assistant" and isinstance(output, list):
        yield from output
    elif role == "tool":
        call_id = message.get("tool_call_id")
        yield {"type": "function_call_output", "call_id": call_id, "output": _written_content(content, "input_text")}
    else:
        kind = "output_text" if role == "assistant" else "input_text"
        if content or not message.get("tool_calls"):
            # llama.cpp takes what is not called a message for a call where it is the assistant's
            yield {"type": "message", "role": role, "content": _written_content(content, kind)}
        for call in TOOLS.parse(message).calls:
            item = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
            yield item


def _written_content(content: Json, kind: str) -> Json:
    """Return a message's content with its parts named as this API names them; text stays as it is."""
    if not isinstance(content, list):
        return content if content is not None else ""
    return [_part(part, kind) for part in content]


def _part(part: Json, kind: str) -> Json:
    if not isinstance(part, Mapping):
        return part
    named = part.get("type")
    if named == "text":
        return {**part, "type": kind}
    image, file = part.get("image_url"), part.get("file")
    if named == "image_url" and isinstance(image, Mapping):
        link = {name: value for name, value in image.items() if name != "url"}
        return {"type": "input_image", "image_url": image.get("url"), **link}
    if named == "file" and isinstance(file, Mapping):
        return {"type": "input_file", **file}
    return part


def _flat(tool: Tool) -> JsonObject:
    """Return a tool with its function's fields beside the type; `parameters` and `strict` must be there."""
    function = tool.wire["function"]
    beside = {name: value for name, value in tool.wire.items() if name != "function"}
    fields = function if isinstance(function, Mapping) else {}
    return {**beside, "type": "function", "parameters": None, **fields, "strict": bool(tool.strict)}


def _all_flat(tools: Sequence[Tool]) -> list[JsonObject]:
    return [_flat(tool) for tool in tools]


_offered = OfSame[Sequence[Tool], list[JsonObject]](_all_flat)


def _flat_choice(choice: Json) -> Json:
    """Return `tool_choice` with what Chat Completions nests beside its type; words and other forms stay."""
    if not isinstance(choice, Mapping):
        return choice
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, Mapping):
        tools = allowed.get("tools")
        flat = [_flat_choice(tool) for tool in tools] if isinstance(tools, list) else tools
        return {"type": "allowed_tools", **allowed, "tools": flat}
    name = name_of(choice)
    return {"type": "function", "name": name} if name else choice


def _call(item: JsonObject, name: str) -> ToolCall:
    call_id = item.get("call_id")
    read = read_arguments(item.get("arguments"))
    notes = read.notes if isinstance(call_id, str) and call_id else ("id_missing", *read.notes)
    return ToolCall(call_id if isinstance(call_id, str) else None, name, read.text, read.value, read.problem, notes)


def _parts(content: Json) -> list[JsonObject]:
    if isinstance(content, str):
        return [{"type": "output_text", "text": content}]
    return [part for part in (content if isinstance(content, list) else []) if isinstance(part, Mapping)]


def _joined(parts: Sequence[JsonObject], kind: str, field: str) -> str:
    texts = [part.get(field) for part in parts if part.get("type") == kind]
    return "".join(text for text in texts if isinstance(text, str))


PLUGIN: Dialect = Responses()
