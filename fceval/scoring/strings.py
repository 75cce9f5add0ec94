"""How strings are compared: in Unicode NFC always, and where the string rule says so without case and white space."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"\s+")


def composed(text: str) -> str:
    """Return a string in NFC: the same characters have the same code points."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_case(text: str) -> str:
    """Return a string in which case does not count (Unicode's canonical caseless matching, D145)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())


def without_space(text: str) -> str:
    """Return a string without its white space, of every script."""
    return _SPACE.sub("", text)


def without_punctuation(text: str) -> str:
    """Return a string without punctuation and symbols (Unicode categories P and S)."""
    return "".join(character for character in text if unicodedata.category(character)[0] not in "PS")


def normalized(text: str) -> str:
    """Return what counts of a string under the string rule `normalized`."""
    return without_space(without_case(text))
