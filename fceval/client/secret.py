"""Keys, which are never shown: what holds one, and what takes it out of all that is written or said.

What comes from an endpoint is freed of the keys that it was sent before anything is made of it (`Secret.hidden_in`).
What goes to a person passes `redacted` besides: it knows every key of this process, and what keys look like.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import NoReturn
from urllib.parse import quote

HIDDEN = b"***"
"""Stands where a key was."""
_SHORTEST_HIDDEN = 8  # a shorter one (`EMPTY`, `test`) is no secret, but a word that an answer may well hold
_PIECE = 8
"""Shortest piece of a key, from either end, that is hidden like the whole."""
_LONG_ENOUGH_FOR_PIECES = 16  # else a piece is half of a word
_ENCODED_PIECE = 12
"""The same in base64, where it takes more letters."""
_MAKER = re.compile(r"(?:[a-z]+[0-9]{0,2}[-_])+")
"""What all keys of one maker begin with, as `sk-proj-`: that is no secret."""
_ESCAPED = rb"\\++(?:u[0-9A-Fa-f]{4}|/)"  # every backslash: one that stays behind would escape what follows
_WORD = re.compile(rb"(?:(?<!\\)[\w.~+/%-]|" + _ESCAPED + rb")(?:[\w.~+/%-]|" + _ESCAPED + rb")*+", re.ASCII)
"""What a key may stand in without a gap; all of it goes with a piece of the key."""

_known: dict[str, Secret] = {}
"""Every key of this process, for as long as it lives: a message may be written when its endpoint is gone."""


class Secret:
    """A key or password. Only `reveal` gives it away; printing, comparing and pickling do not."""

    __slots__ = ("_forms", "_is_escapable", "_needles", "_piece", "_value", "_written")

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) < _SHORTEST_HIDDEN:
            return
        self._written = re.compile("".join(map(_as_json_may_write, value)).encode())
        self._is_escapable = any(letter in value for letter in '"/\\')
        quoted = quote(value, safe="")
        lower = re.sub("%..", lambda match: match[0].lower(), quoted)
        self._forms = tuple(dict.fromkeys(each.encode() for each in (value, quoted, lower)))
        needles = tuple(dict.fromkeys(_needles(value)))
        self._needles = tuple(needle.encode() for needle in needles)
        pieces = ["".join(map(_as_json_may_write, needle)) for needle in needles]
        self._piece = re.compile("|".join(pieces).encode())
        _known[value] = self

    def reveal(self) -> str:
        """Return the key itself, for the one header that carries it."""
        return self._value

    def hidden_in(self, content: bytes) -> bytes:
        """Return content without the key, and still JSON where it was; a key that is too short to be one stays.

        It is found as it is, as JSON, URLs and base64 write it, and by a piece of either end: faults cut texts in two.
        """
        if len(self._value) < _SHORTEST_HIDDEN:
            return content
        if b"\\u00" in content or (self._is_escapable and b"\\" in content):
            content = self._written.sub(HIDDEN, content)
        for form in self._forms:
            content = content.replace(form, HIDDEN)
        if any(map(content.__contains__, self._needles)) or (b"\\u00" in content and self._piece.search(content)):
            return _WORD.sub(lambda word: HIDDEN if self._piece.search(word[0]) else word[0], content)
        return content

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        msg = "a key is not written anywhere"
        raise TypeError(msg)


def _needles(value: str) -> Iterator[str]:
    """Yield what gives a key away: both ends of it, and of its base64 in each of the three ways it may be cut."""
    maker = _MAKER.match(value)
    own = value[maker.end() :] if maker else value
    is_long = len(own) >= _LONG_ENOUGH_FOR_PIECES
    if is_long:
        yield own[:_PIECE]
        yield own[-_PIECE:]
    for before in range(3):
        # The first and the last letters depend on what stands around it.
        padded = b"\0" * before + (own if is_long else value).encode()
        usable = len(padded) // 3 * 4
        written = base64.b64encode(padded).decode()[4 if before else 0 : usable]
        for text in (written, written.translate(str.maketrans("+/", "-_"))):
            if is_long:
                yield text[:_ENCODED_PIECE]
                yield text[-_ENCODED_PIECE:]
            else:
                yield text


def _as_json_may_write(letter: str) -> str:
    """Return a pattern of the ways to write a letter in JSON text, and in JSON text inside of JSON text."""
    plain = rf"\\*+{re.escape(letter)}" if letter in '"/' else r"\\++" if letter == "\\" else re.escape(letter)
    return rf"(?:{plain}|\\++u00(?i:{ord(letter):02x}))"


_LIKE_KEYS = re.compile(
    r"\b(?:sk-|gsk_|hf_|xai-|nvapi-|ghp_|github_pat_|pplx-|AIza|AKIA)(?=[\w-]*[0-9])[\w-]{16,}", re.ASCII
)
"""What keys of well-known makers look like."""
_AFTER_NAMES = re.compile(
    r"""((?:\bBearer\s+|(?:api[-_ ]?key|access[-_]?token|authorization|password|\bkey)["']?\s{0,3}[:=]\s{0,3}["']?))"""
    r"""(?=[^\s"'&,;]*[0-9])[^\s"'&,;<>]{8,}""",
    re.IGNORECASE,
)
"""What stands after a word that announces a key."""


def looks_like_key(text: str) -> bool:
    """Whether a text has in it what only keys look like."""
    return _LIKE_KEYS.search(text) is not None


def places_of_keys(place: str, value: object) -> Iterator[str]:
    """Yield where in decoded TOML or JSON a key stands itself, as `endpoint.headers.X[0]`, without showing it."""
    if isinstance(value, str) and looks_like_key(value):
        yield place
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from places_of_keys(f"{place}.{name}" if place else str(name), each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places_of_keys(f"{place}[{number}]", each)


def without_known(text: str) -> str:
    """Return text without any key of this process."""
    content = text.encode("utf-8", "surrogatepass")
    for secret in list(_known.values()):
        content = secret.hidden_in(content)
    return content.decode("utf-8", "surrogatepass")


def without_likely(text: str) -> str:
    """Return text without what looks like a key, anyone's."""
    return _AFTER_NAMES.sub(r"\1***", _LIKE_KEYS.sub("***", text))


def redacted(text: str) -> str:
    """Return a message for a person, without any key of this process, nor what looks like one."""
    return without_likely(without_known(text))
