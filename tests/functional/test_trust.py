"""A suite from elsewhere that names a key: it goes where it is for, where this machine is, or where somebody said."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint
from tests.functional.conftest import Command
from tests.functional.orders import orders, right_answer

KEY = "sk-CANARY0123456789abcdef"
BEYOND = "no such file"
"""What a run whose key is trusted fails with: its dataset is missing, so nothing is ever sent."""


def suite(folder: Path, name: str, base_url: str, *more: str) -> Path:
    """Write a config whose dataset is missing."""
    lines = ('[dataset]\npath = "missing.jsonl"\n[endpoint]\nmodel = "m"', f'base_url = "{base_url}"', *more)
    path = folder / "suite.toml"
    path.write_text("\n".join((*lines, f'api_key_env = "{name}"')), encoding="utf-8")
    return path


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the file in which `command` keeps what is trusted, not there yet; the keys that suites name are set."""
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "CI_TOKEN", "RELAY_API_KEY"):
        monkeypatch.setenv(name, KEY)
    return tmp_path / "state" / "fceval" / "trusted-keys"


@pytest.mark.parametrize(
    "asked",
    [
        ("OPENAI_API_KEY", "https://relay.example/v1"),
        ("OPENAI_API_KEY", "https://openai.com.relay.example/v1"),
        ("OPENAI_API_KEY", "https://api-openai.com/v1"),
        ("AWS_SECRET_ACCESS_KEY", "https://relay.example/v1"),
        ("GITHUB_TOKEN", "https://relay.example/v1"),
        ("CI_TOKEN", "https://relay.example/v1"),
        ("OPENAI_API_KEY", "https://api.openai.com/v1", 'proxy = "http://relay.example:3128"', "insecure_tls = true"),
        ("OPENAI_API_KEY", "https://api.openai.com/v1", 'ca_file = "their.pem"'),
    ],
)
def test_key_of_someone_else_is_refused(command: Command, tmp_path: Path, state: Path, asked: tuple[str, ...]) -> None:
    """Exit code 2 before anything is read; `--trust` and naming the key oneself allow it, for this server, for good."""
    name, base_url, *more = asked
    path = suite(tmp_path, name, base_url, *more)
    refused = command("run", path)
    assert refused.code == 2
    assert f"the config would send the key in {name} to https://" in refused.err
    assert f"give --trust, or name the key yourself (--api-key-env {name})" in refused.err
    assert not state.exists()
    assert BEYOND in command("run", path, "--trust").err
    assert BEYOND in command("run", path).err
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert KEY not in state.read_text("utf-8")
    other = suite(tmp_path, name, "https://third.example/v1")
    assert "give --trust" in command("run", other).err
    assert BEYOND in command("run", other, "--api-key-env", name).err
    assert BEYOND in command("run", other).err


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("OPENAI_API_KEY", "https://api.openai.com/v1"),
        ("OPENAI_API_KEY", "https://API.OPENAI.COM/v1"),
        ("GITHUB_TOKEN", "https://models.github.ai/inference"),
        ("RELAY_API_KEY", "https://relay.example/v1"),
        ("CI_TOKEN", "embedded:mock"),
    ],
)
def test_unattended_run_goes_on_where_nothing_speaks_against_it(
    command: Command, tmp_path: Path, state: Path, name: str, base_url: str
) -> None:
    """Without a flag, and without a file."""
    assert BEYOND in command("run", suite(tmp_path, name, base_url)).err
    assert not state.exists()


def test_this_machine_is_no_stranger(command: Command, tmp_path: Path, state: Path) -> None:
    """Any key may go to loopback."""
    orders(tmp_path)
    with FakeEndpoint(right_answer) as endpoint:
        path = suite(tmp_path, "CI_TOKEN", endpoint.base_url)
        assert command("run", path, "--dataset", "orders.jsonl").code == 0
    assert not state.exists()


@pytest.mark.parametrize(("said", "asked_again"), [(b"y\n", False), (b"n\n", True), (b"\n", True)])
def test_person_is_asked_once(fceval: Fceval, tmp_path: Path, said: bytes, *, asked_again: bool) -> None:
    """At a terminal, about a key whose name says nothing; a yes is remembered, and anything else is a no."""
    path = suite(tmp_path, "RELAY_API_KEY", "https://relay.example/v1")
    question = "Send the key in RELAY_API_KEY to https://relay.example:443, as the config says?"
    first, second = (_at_terminal(fceval, said, "run", str(path)) for _ in range(2))
    assert question in first
    assert (BEYOND in first) == (not asked_again)
    assert (question in second) == asked_again


def _at_terminal(fceval: Fceval, said: bytes, *arguments: str) -> str:
    """Run a command at a terminal at which somebody types, and return what the terminal shows."""
    ours, theirs = pty.openpty()
    os.write(ours, said)
    with subprocess.Popen(
        [sys.executable, "-m", "fceval", *arguments],
        cwd=fceval.folder,
        env=fceval.environment({"RELAY_API_KEY": KEY, "TERM": "dumb"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        assert process.wait(60) == 2
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert KEY not in shown
    return " ".join(shown.split())
