"""Tokens as the mock counts them, and what a limit leaves of an answer. Pure."""

from __future__ import annotations

from dataclasses import replace

from fceval.endpoints._answers import Answer, Call

_CALL_OVERHEAD = 4
"""Tokens of a call beside its name and arguments."""
_ASCII_TO_A_TOKEN = 4


def tokens(text: str) -> int:
    """Return a plausible number of tokens: four ASCII characters to one, others one each."""
    others = len(text) - len(text.encode("ascii", "ignore"))
    return others + -(-(len(text) - others) // _ASCII_TO_A_TOKEN)


def counted(answer: Answer) -> int:
    """Return the tokens of an answer."""
    if answer.tokens is not None:
        return answer.tokens
    said = sum(tokens(text or "") for text in (answer.reasoning, answer.text, answer.refusal))
    return max(1, said + sum(_begun(call) + tokens(call.arguments) for call in answer.calls))


def cut(answer: Answer, limit: int | None) -> Answer:
    """Return what a token limit leaves of an answer: the answer itself where it fits, else with `length`.

    A cut goes through a text or through the arguments of a call, in the middle of their JSON. A call whose name
    does not fit is not begun.
    """
    if limit is None or counted(answer) <= limit:
        return answer
    text, refusal = _head(answer.text, limit), _head(answer.refusal, limit)
    left = limit - tokens(text or "") - tokens(refusal or "")
    calls: list[Call] = []
    for call in answer.calls:
        left -= _begun(call)
        if left < 0:
            break
        calls.append(Call(call.name, _head(call.arguments, left) or ""))
        left -= tokens(calls[-1].arguments)
    if not (calls or refusal):
        text = text or ""
    return replace(answer, calls=tuple(calls), text=text, refusal=refusal or None, finish_reason="length", tokens=limit)


def _begun(call: Call) -> int:
    return tokens(call.name) + _CALL_OVERHEAD


def _head(text: str | None, limit: int) -> str | None:
    """Return the longest beginning of a text that the limit allows."""
    if text is None or tokens(text) <= limit:
        return text
    quarters = limit * _ASCII_TO_A_TOKEN
    for place, character in enumerate(text):
        quarters -= 1 if character.isascii() else _ASCII_TO_A_TOKEN
        if quarters < 0:
            return text[:place]
    return text
