"""Results to stdout, everything else to stderr, whatever became of who reads them; and no key to either."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TextIO

from fceval.client.secret import redacted, without_known
from fceval.errors import LocalError
from fceval.report.visible import visible_lines

_ASCII = str.maketrans({"─": "-", "–": "-", "−": "-", "…": "...", "×": "x", "·": "-"})


def tell(text: str) -> None:
    """Print a result, and a line end where it has none.

    Whoever read may have gone (`| head`): what is left to say is for nobody then, and the command goes on.

    Raises:
        LocalError: It cannot be written (disk full ...).
    """
    try:
        _write(sys.stdout, _known_to(sys.stdout.encoding, without_known(text)))
    except BrokenPipeError:
        _say_no_more(sys.stdout)
    except OSError as error:
        _say_no_more(sys.stdout)
        msg = f"standard output cannot be written: {error.strerror or error}"
        raise LocalError(msg) from None


def note(text: str) -> None:
    """Print a line for a person who watches; that nobody can read it is no reason to stop.

    Foreign parts of it cannot steer a terminal, and what looks like a key is hidden.
    """
    try:
        _write(sys.stderr, redacted(visible_lines(text)))
    except OSError:
        _say_no_more(sys.stderr)


def prepare() -> None:
    """Let streams take any text, and open nowhere for one that our caller has closed (`2>&-`).

    Else a file of ours would get the closed stream's number, and all that is written to it.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)  # noqa: FBT003 -- it takes no keyword
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know Chinese
    logging.lastResort = _Notes(logging.WARNING)


class _Notes(logging.Handler):
    """Takes what libraries log, asyncio's complaints about a task of ours included, where nobody else does."""

    def emit(self, record: logging.LogRecord) -> None:
        note(self.format(record))


def _known_to(encoding: str | None, text: str) -> str:
    """Return text whose lines and dashes are plain where an encoding has no better ones; None: any text is taken."""
    if encoding is None:  # a `StringIO`, where the commands are called by other Python code
        return text
    try:
        "─–".encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII)
    return text


def _write(stream: TextIO, text: str) -> None:
    # Not `click.echo`: it writes UTF-8 to a terminal that says it is ASCII.
    stream.write(text if text.endswith("\n") else f"{text}\n")
    stream.flush()


def _say_no_more(stream: TextIO) -> None:
    """Send the rest to nowhere: Python would complain again when it closes the stream."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
