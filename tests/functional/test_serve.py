"""`fceval serve`: an endpoint in a process, for clients that are not fceval."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.cli_process import Fceval
from tests.functional.conftest import Command
from tests.functional.orders import case, orders


def _address(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return base URL and key, as the process prints them."""
    assert process.stdout is not None
    base_url, key = (process.stdout.readline() for _ in range(2))
    assert (base_url[:10], key[:10]) == ("base URL  ", "API key   ")
    return base_url[10:].strip(), key[10:].strip()


@pytest.fixture
def served(fceval: Fceval, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a process that serves the mock of three orders."""
    orders(tmp_path)
    with fceval.start("serve", "mock", "--dataset", "orders.jsonl") as process:
        yield process
        process.kill()


def test_openai_client_talks_to_the_mock(served: subprocess.Popen[str]) -> None:
    """The official client gets the right call from the printed address, and its own exception for a wrong key."""
    base_url, key = _address(served)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", base_url)
    row = case(2)
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        answer = client.chat.completions.create(model="mock", messages=row["messages"], tools=row["tools"])
        assert [model.id for model in client.models.list()] == ["mock"]
    calls = [call.function for call in answer.choices[0].message.tool_calls or [] if call.type == "function"]
    assert [(call.name, call.arguments) for call in calls] == [("get_delivery_date", '{"order_id": "order_2"}')]
    assert answer.choices[0].finish_reason == "tool_calls"
    with openai.OpenAI(base_url=base_url, api_key="wrong", max_retries=0) as stranger:  # noqa: SIM117 -- one cause each
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_mock(served: subprocess.Popen[str], number: signal.Signals) -> None:
    """Being stopped is how serving ends: exit code 0, and nothing but the hint on stderr."""
    _address(served)
    served.send_signal(number)
    _, err = served.communicate(timeout=10)
    assert (served.returncode, err) == (0, "serving mock; stop with Ctrl-C\n")


def test_key_may_be_the_users(fceval: Fceval) -> None:
    """With `--api-key-env` the key is not printed; it opens the endpoint."""
    with fceval.start("serve", "mock", "--api-key-env", "MOCK_KEY", env={"MOCK_KEY": "sk-mine"}) as process:
        base_url, key = _address(process)
        assert key == "the value of MOCK_KEY"
        with openai.OpenAI(base_url=base_url, api_key="sk-mine", max_retries=0) as client:
            assert client.models.list().data
        process.terminate()
        assert process.wait(10) == 0


def test_taken_port_is_said(command: Command) -> None:
    """A port that another process listens on is exit code 5, and a line that says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = command("serve", "mock", "--port", str(port))
    assert (ended.code, ended.out) == (5, "")
    assert f"cannot listen on 127.0.0.1:{port}" in ended.err


def test_faults_are_listed(command: Command) -> None:
    """Each fault has one line: its name, what it is, where it can show."""
    ended = command("serve", "--list-faults")
    lines = ended.out.splitlines()
    assert (ended.code, len(lines) > 60) == (0, True)
    (line,) = [line for line in lines if line.startswith("index_reused ")]
    assert "different calls share an `index`" in line
    assert "streamed" in line


def test_unknown_fault_is_told_with_all_that_there_are(command: Command) -> None:
    """A misspelt fault is refused with the nearest one, and with the list."""
    ended = command("serve", "mock", "--fault", "index_resued=0.1")
    assert (ended.code, ended.out) == (2, "")
    assert "there is no `index_resued` (did you mean `index_reused`?); there are: 429, 500, hang, " in ended.err


def test_faults_add_up(fceval: Fceval) -> None:
    """`--fault` may be repeated, and stands beside `--faults`; all of them are drawn."""
    flags = ("--fault", "429=0.3", "--fault", "500=0.3", "--faults", "403=0.2,404=0.2")
    with fceval.start("serve", "mock", *flags) as process:
        base_url, key = _address(process)
        found = set()
        with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
            for number in range(40):
                with pytest.raises(openai.APIStatusError) as caught:
                    client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"hello {number}"}])
                found.add(caught.value.status_code)
        process.terminate()
        assert process.wait(10) == 0
    assert found == {429, 500, 403, 404}
