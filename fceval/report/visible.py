r"""Foreign text made harmless for a reader's eyes and terminal.

A dataset or a model may write control characters: escape sequences drive a terminal (clear it, fill the clipboard,
set its title), bidirectional and zero-width ones make text look like another. `visible` shows them as escapes such
as ``\x1b``, and leaves every character that shows itself, of any script, as it is.
"""

from __future__ import annotations

import re

_INVISIBLE = (
    r"\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    r"\xad\u034f\u061c\u180e"  # soft hyphen, grapheme joiner, Arabic letter mark, Mongolian vowel separator
    r"\u200b-\u200f"  # zero width, left-to-right and right-to-left marks
    r"\u2028-\u202e"  # line and paragraph separator, bidirectional embeddings and overrides
    r"\u2060-\u206f"  # word joiner, invisible operators, bidirectional isolates, deprecated format characters
    r"\ud800-\udfff"  # lone surrogates, which UTF-8 cannot write
    r"\ufeff\ufff9-\ufffb\ufffe\uffff"  # byte order mark, interlinear annotation, noncharacters
    r"\U000e0000-\U000e007f"  # tags
)
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_HIDDEN_IN_LINES = re.compile(f"(?![\n\t])[{_INVISIBLE}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    for form, digits in (("x", 2), ("u", 4)):
        if code < 16**digits:
            return f"\\{form}{code:0{digits}x}"
    return f"\\U{code:08x}"


def visible(text: str) -> str:
    """Return the text on one line, every control, bidirectional and zero-width character as an escape."""
    return _HIDDEN.sub(_escape, text)


def visible_lines(text: str) -> str:
    """Return the text as `visible` does, with its line feeds and tabs kept."""
    return _HIDDEN_IN_LINES.sub(_escape, text)


def json_safe(text: str) -> str:
    r"""Return JSON text of the same value in which those characters stand as ``\u`` escapes; line feeds stay."""
    return _HIDDEN_IN_LINES.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
