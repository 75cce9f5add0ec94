"""`pytest tests/golden --update-golden` writes the expected files anew; read the difference before it is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag."""
    parser.addoption("--update-golden", action="store_true", help="write the expected reports anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Give a function that holds bytes against the expected file of a name."""
    # The flag is known only where this folder is named on the command line.
    update = request.config.getoption("--update-golden", default=False)

    def check(name: str, found: bytes) -> None:
        path = Path(__file__).parent / "expected" / name
        if update:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(found)
        assert path.exists(), f"no expected file {name}: pytest tests/golden --update-golden writes it"
        assert found.decode().splitlines() == path.read_bytes().decode().splitlines()
        assert found == path.read_bytes()

    return check
