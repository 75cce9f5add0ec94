"""Calls in Python's syntax, to and from JSON values: parsed with `ast`, never evaluated; literals only."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence

from fceval.dialects._written_calls import UnreadableCallError
from fceval.jsontext import MAX_DEPTH, MAX_DIGITS, JsonTextError, RoundedNumber, read_json
from fceval.records import Json, json_text

MAX_CHARACTERS = 2**18
"""Longest arguments of one call that are read: a syntax tree takes several hundred times the memory of its text."""

_STRING = (
    r'"""(?:[^\\]|\\.)*?"""'
    r"|'''(?:[^\\]|\\.)*?'''"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'(?:[^'\\\n]|\\.)*+'"
)
_TOKENS = re.compile(rf"{_STRING}|\#[^\n]*|([(\[{{])|([)\]}}])|([\"'])", re.DOTALL)
_WORDS = "|".join(keyword.kwlist)
_NAMED_BY_WORD = re.compile(rf"{_STRING}|(?<!\w)({_WORDS})(?=\s*=(?!=))", re.DOTALL)
_MARK = "\u01c2"
"""A letter that is set before Python's own words to make them names."""
_CONSTANTS: Mapping[str, Json] = {"true": True, "false": False, "null": None}
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")
_MOST_BITS = MAX_DIGITS * 3
"""Of an integer, so that it has no more digits than JSON may have here, whichever way it is written."""
_SURROGATES = re.compile("[\ud800-\udfff]")


def closing_bracket(text: str, start: int) -> int | None:
    """Return where the bracket that opens at `start` closes; None where it does not, or not within `MAX_DEPTH`."""
    depth = 0
    for token in _TOKENS.finditer(text, start):
        opens, closes, quote = token.groups()
        if opens:
            depth += 1
        elif closes:
            depth -= 1
        if quote or depth > MAX_DEPTH:  # a quote that begins no string: it is cut off
            return None
        if depth == 0:
            return token.start()
    return None


def keyword_arguments(source: str) -> dict[str, Json]:
    """Return the arguments that stand between the brackets of a call, in their order.

    `true`, `false` and `null` are read as what they mean, tuples as lists, `**{"name": value}` as an argument, and
    Python's own words as names of arguments, where Python itself would refuse them.

    Args:
        source: No deeper than `MAX_DEPTH`.

    Raises:
        UnreadableCallError: They are not literals, each with a name of its own.
    """
    if len(source) > MAX_CHARACTERS:
        raise UnreadableCallError(_TOO_LONG)
    marked = f"f({_NAMED_BY_WORD.sub(_marked, source)}\n)"
    call = _parsed(marked)
    if not isinstance(call, ast.Call):
        raise UnreadableCallError(_NO_CALL)
    if call.args:
        raise UnreadableCallError(_NAMELESS)
    literals = _Literals(marked)
    values: dict[str, Json] = {}
    for argument in call.keywords:
        value = literals.value(argument.value)
        if argument.arg is not None:
            added = {_unmarked(argument.arg): value}
        elif isinstance(value, dict):
            added = value
        else:
            raise UnreadableCallError(_NO_LITERAL)
        if values.keys() & added.keys():
            raise UnreadableCallError(_TWICE)
        values |= added
    return values


def python_call(name: str, arguments: Mapping[str, Json]) -> str:
    """Return a call in Python's syntax, which `keyword_arguments` reads."""
    return f"{name}({', '.join(_argument(name, value) for name, value in arguments.items())})"


_TOO_LONG = f"the arguments of a call are longer than {MAX_CHARACTERS} characters"
_NO_CALL = "the arguments of a call are no Python"
_NAMELESS = "an argument of a call has no name"
_NO_LITERAL = "an argument of a call is no literal"
_TWICE = "an argument of a call, or a key in one, is named twice"


def _marked(found: re.Match[str]) -> str:
    return f"{_MARK}{found.group()}" if found.group(1) else found.group()


def _unmarked(name: str) -> str:
    word = name.removeprefix(_MARK)
    return word if keyword.iskeyword(word) else name


def _parsed(source: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in a model's strings
            return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UnreadableCallError(_NO_CALL) from None


class _Literals:
    """Reads the literals of one source."""

    def __init__(self, source: str) -> None:
        self._lines = _LINE_ENDS.split(source.encode())

    def value(self, node: ast.expr) -> Json:
        """Return the value of a literal.

        Raises:
            UnreadableCallError: It is none that JSON has.
        """
        match node:
            case ast.Constant(value=None | bool() | str() as value):
                return value
            case ast.Constant(value=int() | float()):
                return self._number(node, "")
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float()) as number):
                return self._number(number, "-" if isinstance(sign, ast.USub) else "")
            case ast.Name(id=name) if name in _CONSTANTS:
                return _CONSTANTS[name]
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [self.value(element) for element in elements]
            case ast.Dict(keys=keys, values=members):
                return self._object(keys, members)
        raise UnreadableCallError(_NO_LITERAL)

    def _object(self, keys: Sequence[ast.expr | None], members: Sequence[ast.expr]) -> dict[str, Json]:
        values: dict[str, Json] = {}
        for key, member in zip(keys, members, strict=True):
            name = key.value if isinstance(key, ast.Constant) else None
            if not isinstance(name, str):
                raise UnreadableCallError(_NO_LITERAL)
            if name in values:
                raise UnreadableCallError(_TWICE)
            values[name] = self.value(member)
        return values

    def _number(self, node: ast.Constant, sign: str) -> Json:
        if isinstance(node.value, int):
            if node.value.bit_length() > _MOST_BITS:
                raise UnreadableCallError(_NO_LITERAL)
            return -node.value if sign else node.value
        written = self._lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode().replace("_", "")
        whole, point, rest = written.partition(".")
        digits = rest if rest[:1].isdigit() else f"0{rest}"
        try:  # the strict reader keeps every digit, which a double does not
            return read_json(sign + (whole.lstrip("0") or "0") + (f".{digits}" if point else ""))
        except JsonTextError:
            raise UnreadableCallError(_NO_LITERAL) from None


def _argument(name: str, value: Json) -> str:
    is_free = name.isidentifier() and not keyword.iskeyword(name.removeprefix(_MARK))
    is_kept = (
        is_free and unicodedata.normalize("NFKC", name) == name
    )  # Python makes one name of several that look alike
    return f"{name}={_literal(value)}" if is_kept else f"**{{{_literal(name)}: {_literal(value)}}}"


def _literal(value: Json) -> str:
    if isinstance(value, str):
        return repr(value) if _SURROGATES.search(value) else json_text(value)
    if isinstance(value, RoundedNumber):
        return str(value.written)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(name)}: {_literal(member)}' for name, member in value.items())}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
