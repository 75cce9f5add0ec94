"""Names and settings of the endpoints, and the life of an embedded one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fceval import endpoints
from fceval.endpoints import Address, embedded
from fceval.errors import ConfigError, DatasetError, FcevalError

_PARENT = """
import sys, time
from fceval.endpoints import embedded
with embedded("mock", {}, dataset=None) as address:
    print(address.base_url, flush=True)
    time.sleep(60)
"""


def _listens(base_url: str) -> bool:
    url = urlsplit(base_url)
    with socket.socket() as probe:
        return probe.connect_ex((url.hostname, url.port)) == 0


def _ends_within(base_url: str, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not _listens(base_url):
            return True
        time.sleep(0.05)
    return False


def test_names_are_written_as_options_are() -> None:
    """File names with underscores are offered with dashes; private modules are not."""
    assert endpoints.names() == ("local-model", "mock")


def test_unknown_endpoint_gets_a_suggestion() -> None:
    """A slip of the pen is answered with the nearest name."""
    with pytest.raises(ConfigError, match=r"`mokc` \(did you mean `mock`\?\)"):
        endpoints.load("mokc")


def test_key_is_not_in_the_repr() -> None:
    """A logged address does not open the endpoint."""
    assert "secret" not in repr(Address("http://127.0.0.1:1/v1", "secret"))


def test_all_wrong_settings_are_told_at_once() -> None:
    """Every problem is in one message, with a suggestion for a misspelt name."""
    given = {"mistake": "wrong_value=1", "seed": "x", "faults": "429=2"}
    with pytest.raises(ConfigError) as caught:
        endpoints.settings("mock", given)
    for part in ("did you mean `mistakes`?", "`seed`", "`429`: a rate from 0 to 1 is wanted, found '2'"):
        assert part in str(caught.value)


def test_dataset_of_the_run_is_the_default(tmp_path: Path) -> None:
    """The run's dataset is answered from, unless the settings name another."""
    run, other = tmp_path / "run.jsonl", tmp_path / "other.jsonl"
    assert endpoints.settings("mock", {}, dataset=run).model_dump()["dataset"] == run
    assert endpoints.settings("mock", {"dataset": str(other)}, dataset=run).model_dump()["dataset"] == other


def test_endpoint_without_a_dataset_ignores_the_runs(tmp_path: Path) -> None:
    """The local model takes no dataset, and is not bothered with one."""
    assert "dataset" not in endpoints.settings("local-model", {}, dataset=tmp_path).model_dump()


def test_embedded_endpoint_lives_as_long_as_its_context() -> None:
    """It listens on loopback inside of the context, and is gone promptly after it."""
    with embedded("mock", {}, dataset=None) as address:
        assert address.base_url.startswith("http://127.0.0.1:")
        assert _listens(address.base_url)
        started_at = time.monotonic()
    assert time.monotonic() - started_at < 4
    assert not _listens(address.base_url)


def test_every_start_has_a_key_of_its_own() -> None:
    """Keys are random and long."""
    with embedded("mock", {}, dataset=None) as one, embedded("mock", {}, dataset=None) as other:
        assert one.api_key != other.api_key
        assert len(one.api_key) >= 43


def test_failure_in_the_child_is_raised_in_the_parent(tmp_path: Path) -> None:
    """What the child cannot do is one of our own errors here, with its message."""
    with (
        pytest.raises(FcevalError, match=r"missing\.jsonl") as caught,
        embedded("mock", {}, dataset=tmp_path / "missing.jsonl"),
    ):
        pass
    assert caught.value.exit_code == DatasetError("", file="").exit_code


def test_child_ends_when_its_parent_is_killed() -> None:
    """No endpoint outlives its run, not even when the run gets no chance to end it."""
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        base_url = parent.stdout.readline().strip()
        assert _listens(base_url)
        parent.kill()
    assert _ends_within(base_url, 8)


def test_interrupt_of_the_terminal_does_not_reach_the_child() -> None:
    """Ctrl-C goes to the whole foreground group: the run ends, and ends the child, which has nothing to say to it."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT.replace("time.sleep(60)", "sys.stdin.readline()")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        base_url = parent.stdout.readline().strip()
        os.killpg(parent.pid, signal.SIGINT)
        _, complaints = parent.communicate()
    assert complaints.count("Traceback") == 1, complaints
    assert _ends_within(base_url, 2)
