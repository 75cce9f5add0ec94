"""Fixtures that tests of several folders share."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests.cli_process import PROJECT, Fceval

# The first draw may load a library, and a busy machine is no failure.
settings.register_profile("fceval", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fceval")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what Hypothesis repeats, too."""
    for item in items:
        if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
            item.add_marker("untraced")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Measure no coverage of tests that go the same ways thousands of times: it would double their time.

    The `no_cover` of pytest-cov does nothing in the workers of pytest-xdist: there, another measurement takes over.
    """
    if item.get_closest_marker("untraced") is None:
        return (yield)
    ours, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(ours)
        threading.settrace(of_threads)


@pytest.fixture
def fceval(tmp_path: Path) -> Fceval:
    """Give the command line, to be run in `tmp_path` by a user with an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return Fceval(tmp_path, home)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of shared data that the project does not copy: $FCEVAL_SHARED, or `../shared/data`."""
    given = Path(os.environ.get("FCEVAL_SHARED") or PROJECT.parent / "shared")
    folder = given / "data" if (given / "data").is_dir() else given
    if folder.is_dir():
        return folder
    reason = f"no shared data at {given}: name its folder in FCEVAL_SHARED"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
