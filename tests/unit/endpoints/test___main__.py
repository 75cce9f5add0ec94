"""The process of an embedded endpoint, spoken to as its parent does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from fceval.errors import ExitCode


@contextmanager
def _child(**request: object) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    with subprocess.Popen(
        [sys.executable, "-m", "fceval.endpoints"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps({"options": {}, "dataset": None, **request}) + "\n")
            child.stdin.flush()
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


def _answers(address: dict[str, Any]) -> bool:
    headers = {"Authorization": f"Bearer {address['api_key']}"}
    with urlopen(Request(f"{address['base_url']}/models", headers=headers), timeout=5) as reply:  # noqa: S310 -- http, on loopback
        return bool(reply.status == 200)


def test_interrupt_is_ignored() -> None:
    """SIGINT does not end it."""
    with _child(name="mock") as (child, address):
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert _answers(address)


def test_termination_ends_it_at_once() -> None:
    """SIGTERM ends it with status 0."""
    with _child(name="mock") as (child, _):
        child.terminate()
        assert child.wait(3) == 0


def test_end_of_input_ends_it() -> None:
    """It ends when its parent closes the pipe."""
    with _child(name="mock") as (child, _):
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(3) == 0


def test_error_is_told_on_standard_output(tmp_path: Path) -> None:
    """What it cannot do is said in the ready line's place, with the exit status that goes with it."""
    with _child(name="mock", dataset=str(tmp_path / "missing.jsonl")) as (child, answer):
        assert "missing.jsonl" in answer["error"]
        assert answer["exit_code"] == child.wait(3) == ExitCode.USAGE


def test_key_is_not_in_the_arguments() -> None:
    """What other users of the machine can see of the process does not open it."""
    with _child(name="mock", options={"seed": 12321}) as (child, address):
        assert "12321" not in str(child.args)
        assert address["api_key"] not in str(child.args)
