"""Commands under test see nothing of the tester's machine."""

from __future__ import annotations

import pytest

from tests.cli_process import PROJECT, Fceval


def test_environment_holds_nothing_of_the_testers(fceval: Fceval, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, proxies and settings stay outside; the way to this tree goes in."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTPS_PROXY", "http_proxy", "NO_COLOR", "FCEVAL_SHARED"):
        monkeypatch.setenv(name, "the tester's")
    environment = fceval.environment()
    assert "the tester's" not in environment.values()
    assert environment["HOME"] == str(fceval.home)
    assert environment["PYTHONPATH"] == str(PROJECT)


def test_test_may_add_to_the_environment(fceval: Fceval, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test gives wins over what is kept."""
    monkeypatch.setenv("LANG", "C")
    environment = fceval.environment({"LANG": "zh_CN.UTF-8", "MY_KEY": "k"})
    assert (environment["LANG"], environment["MY_KEY"]) == ("zh_CN.UTF-8", "k")
