"""What is printed where the commands are called by other Python code, which has its own stdout."""

from __future__ import annotations

import contextlib
import io

from fceval.cli import main


def test_stream_without_an_encoding_takes_any_text() -> None:
    """A `StringIO` has none: results go into it like into any other stream, dashes and all."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(["schema"])
    assert (code, err.getvalue()) == (0, "")
    assert out.getvalue().startswith("{")
