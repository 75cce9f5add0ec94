"""Tool calls that leaked into the text of an answer: a model tried to call, and its server did not see it.

Each model family writes calls in a syntax of its own. A leak is such syntax where a model would write it: at the
beginning of a line or right after a sentence, followed by what looks like a call, and at the beginning or the end of
the answer. Talk about the syntax is none: in quotes, in code, within a sentence, or as an example between paragraphs.
"""

from __future__ import annotations

import re

from fceval.flaws import BAR as _BAR
from fceval.flaws import TOKEN, json_end
from fceval.jsontext import JsonTextError, refuse_depth

_SPACE = r"[ _\u2581]"
_NAME = r"\w[\w.:/-]*"
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
_BEGINNINGS = tuple(re.compile(begin) for begin, _ in _SYNTAXES)
_MARKS = re.compile(rf"<{_BAR}?|\[TOOL_CALLS\]|to=functions\.")
"""One of these stands in every leak: most answers have none."""

_THOUGHT = re.compile(r"\A\s*(?:<think>)?(?:(?!</think>).)*</think>|\A\s*<think>.*\Z", re.DOTALL)
_CODE_BLOCK = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SPECIAL_TOKENS = re.compile(rf"(?:{TOKEN}|\s)+")


def without_thoughts(text: str) -> tuple[str, str]:
    """Return (what a text says, what it thinks in `<think>` before that); either may be empty."""
    found = _THOUGHT.match(text) if "think>" in text else None
    return (text[found.end() :].lstrip(), found.group()) if found else (text, "")


def leaked_text(text: str) -> str:
    """Return the text from the call on that leaked into it; empty where there is none."""
    if not _MARKS.search(text):
        return ""
    said = _THOUGHT.sub("", _CODE_BLOCK.sub("\0", text))
    for begin, end in _LEAKS:
        found = begin.search(said)
        if found and _stands_alone(said, found, end):
            return said[found.start() :].strip()
    return ""


def begins_call(text: str) -> bool:
    """Whether anything in a text is the beginning of a call in one of the syntaxes, wherever it stands."""
    return any(begin.search(text) for begin in _BEGINNINGS)


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
        refuse_depth(said)
    except JsonTextError:
        return len(said)
    return json_end(said, opening) or len(said)
