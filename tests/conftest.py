"""Fixtures that tests of several folders share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.cli_process import PROJECT, Fceval

# The first draw may load a library, and a busy machine is no failure.
settings.register_profile("fceval", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fceval")


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
