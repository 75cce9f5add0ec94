"""Tool calls that leaked into the text of an answer: a model tried to call, and its server did not see it.

Each model family writes calls in a syntax of its own. A leak is such syntax where a model would write it: at the
beginning of a line or right after a sentence, followed by what looks like a call, and at the beginning or the end of
the answer. Talk about the syntax is none: in quotes, in code, within a sentence, or as an example between paragraphs.
"""

from __future__ import annotations

import json
import re

_SHOWN = 80

_BAR = r"[|\uFF5C]"
_SPACE = r"[ _\u2581]"
_NAME = r"[\w.:/-]+"
_DSML = rf"(?:{_BAR}DSML{_BAR}|\w+:)?"

_TAG = rf"<{_BAR}?(?:tool_?calls?|function_?calls?){_BAR}?>"
_LIST_BEGIN = rf"<{_BAR}tool{_SPACE}calls(?:{_SPACE}section)?{_SPACE}begin{_BAR}>"
_CALL_BEGIN = rf"<{_BAR}tool{_SPACE}call{_SPACE}begin{_BAR}>"

_SYNTAXES = (
    # (how a call begins, how it ends; nothing: with its JSON)
    # Qwen, Hermes, Granite: a tag around JSON; Qwen3-Coder: around a function tag; GLM: around a name and arguments.
    (
        rf"{_TAG}\s*(?:[\[{{]|<{_BAR}?tool_?calls?|<function=|{_NAME}\s*(?:<arg_key>|</tool_call>))",
        rf"</{_BAR}?(?:tool_?calls?|function_?calls?){_BAR}?>",
    ),
    (rf"<function={_NAME}>\s*(?:\{{|<parameter=|</function>)", r"</function>"),
    # DeepSeek's DSML, MiniMax, and others with `invoke`.
    (
        rf"(?:<{_DSML}(?:function_calls|tool_calls?)>\s*)?<{_DSML}invoke\s+name=",
        rf"</{_DSML}(?:invoke|function_calls|tool_calls?)>",
    ),
    # Mistral
    (rf"\[TOOL_CALLS\]\s*(?:{_NAME}\s*(?:\[CALL_ID\]\s*{_NAME}\s*)?(?:\[ARGS\]\s*)?)?(?=[\[{{])", ""),
    # Llama
    (r"<\|python_tag\|>\s*(?=\S)", r"\Z"),
    # Kimi K2, DeepSeek V3 and R1
    (
        rf"(?:{_LIST_BEGIN}\s*)?(?:{_CALL_BEGIN}|functions\.{_NAME}\s*<{_BAR}tool_call_argument_begin{_BAR}>)",
        rf"<{_BAR}tool{_SPACE}calls?(?:{_SPACE}section)?{_SPACE}end{_BAR}>",
    ),
    # gpt-oss
    (
        rf"(?:<\|start\|>\w*)?(?:<\|channel\|>)?(?:commentary|analysis)\s+to=functions\.{_NAME}\s*(?=<\|)",
        r"<\|call\|>",
    ),
)

_START = r"(?:^[ ]{0,3}|(?<=[.!?\u3002\uFF01\uFF1F])[ ]?)"
_LEAKS = tuple((re.compile(_START + begin, re.MULTILINE), re.compile(end)) for begin, end in _SYNTAXES)
_MARKS = re.compile(rf"<{_BAR}?|\[TOOL_CALLS\]|to=functions\.")
"""One of these stands in every leak: most answers have none."""

_THOUGHT = re.compile(r"\A\s*(?:<think>)?(?:(?!</think>).)*</think>|\A\s*<think>.*\Z", re.DOTALL)
_CODE_BLOCK = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SPECIAL_TOKENS = re.compile(rf"(?:<{_BAR}[^<>|\uFF5C]{{1,40}}{_BAR}>|</?\w{{1,20}}>|\s)+")


def leaks(text: str) -> list[str]:
    """Return the call that leaked into a text as a problem; empty where there is none."""
    if not _MARKS.search(text):
        return []
    said = _THOUGHT.sub("", _CODE_BLOCK.sub("\0", text))
    for begin, end in _LEAKS:
        found = begin.search(said)
        if found and _stands_alone(said, found, end):
            call = said[found.start() :].strip()
            return [f"a call that leaked into the text: {call[:_SHOWN]}"]
    return []


def _stands_alone(said: str, found: re.Match[str], end: re.Pattern[str]) -> bool:
    """Whether the answer begins or ends with the calls, and no sentence goes on after them."""
    rest = said[_end_of_calls(said, found, end) :]
    if said[: found.start()].strip():
        return _is_blank(rest)
    return _is_blank(rest.partition("\n")[0])


def _is_blank(text: str) -> bool:
    return not text or _SPECIAL_TOKENS.fullmatch(text) is not None


def _end_of_calls(said: str, found: re.Match[str], end: re.Pattern[str]) -> int:
    """Return where the last call ends; the end of the text where a call is cut off."""
    ends = [match.end() for match in end.finditer(said, found.end() - 1)] if end.pattern else []
    if ends:
        return ends[-1]
    opening = min((at for at in (said.find(bracket, found.end() - 1) for bracket in "[{") if at >= 0), default=None)
    if opening is None:
        return len(said)
    try:
        _, length = json.JSONDecoder().raw_decode(said[opening:])
    except (ValueError, RecursionError):
        return len(said)
    return opening + length
