"""A short string that a pattern matches, for endpoints and checks that need an answer which would pass.

It reads the commonest syntax and takes the first alternative, the least repetition and the plainest character. What
it makes of rarer syntax may not match; who asks checks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKENS = re.compile(
    r"""(?P<class>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
      | (?P<escape>\\(?:[pP]\{\^?\w+\}|[pP]\w|x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|.))
      | (?P<flags>\(\?[imsU-]+\))
      | (?P<open>\((?:\?(?:P?<\w+>|[imsU-]*:))?)
      | (?P<close>\))
      | (?P<or>\|)
      | (?P<times>[*+?]\??|\{(?P<least>\d+)(?:,\d*)?\}\??)
      | (?P<anchor>[\^$])
      | (?P<any>\.)
      | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_ANCHORS = frozenset({"\\b", "\\B", "\\A", "\\z"})
_CONTROLS = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\f": "\f", "\\v": "\v"}
_CANDIDATES = "a0A -_.,/:@#中éЖ"


def plainest(pattern: str, matches: Callable[[str, str], bool]) -> str:
    """Return a short string that a pattern probably matches.

    Args:
        pattern: In RE2's syntax.
        matches: Whether a pattern matches a whole string: what a class of characters holds is asked of the engine.
    """
    done: list[list[str]] = []
    """Outer groups: what stands before the group that is being read."""
    parts: list[str] = []
    """The first alternative of the group that is being read, one string an atom."""
    skipping: list[bool] = [False]
    """Per group: a `|` was read, what follows is another alternative."""
    for token in _TOKENS.finditer(pattern):
        kind, text = token.lastgroup, token.group()
        if token.group("times"):
            kind = "times"
        if kind == "open":
            done.append(parts)
            parts = []
            skipping.append(False)
        elif kind == "close" and done:
            group = "".join(parts)
            parts = done.pop()
            skipping.pop()
            if not skipping[-1]:
                parts.append(group)
        elif kind == "or":
            skipping[-1] = True
        elif skipping[-1] or kind in {"flags", "anchor"}:
            continue
        elif kind == "times":
            least = int(token.group("least") or (text[0] == "+"))
            parts[-1:] = [part * least for part in parts[-1:]]
        else:
            parts.append(_character(kind, text, matches))
    return "".join(parts)


def _character(kind: str | None, text: str, matches: Callable[[str, str], bool]) -> str:
    """Return the plainest character that one atom of a pattern stands for; empty where it stands for none."""
    if kind == "plain":
        return text
    if kind == "any":
        return "a"
    if text in _ANCHORS:
        return ""
    if text in _CONTROLS:
        return _CONTROLS[text]
    if kind == "escape" and not text[1].isalnum():
        return text[1:]
    return next((character for character in _CANDIDATES + text if matches(text, character)), "")
