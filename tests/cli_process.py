"""The command line as its users start it: in a process of its own, in an environment free of the tester's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]

_KEPT = ("PATH", "LANG", "TMPDIR", "SYSTEMROOT")
"""What a process needs to start at all; keys, proxies and settings of the tester's stay outside."""


class Fceval:
    """Starts `python -m fceval` from this tree.

    Args:
        folder: The working directory, unless a call names another.
        home: The user's home, empty at first.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home

    def __call__(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout_s: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end.

        Raises:
            subprocess.TimeoutExpired: It took longer.
        """
        return subprocess.run(
            self._command(arguments),
            cwd=cwd or self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )

    def start(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start a command that the test will signal or talk to; use it in a `with` block, and end it there."""
        return subprocess.Popen(
            self._command(arguments),
            cwd=cwd or self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def environment(self, env: Mapping[str, str] | None = None, *, measured: bool = True) -> dict[str, str]:
        """Return the variables that a command gets.

        Args:
            env: Adds to them, or replaces them.
            measured: Whether coverage follows into the process, where the tests are measured at all.
        """
        # Coverage finds its way into the processes by a variable of its own.
        follows = "COVERAGE_" if measured else _KEPT
        kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(follows)}
        return {**kept, "HOME": str(self.home), "PYTHONPATH": str(PROJECT), **(env or {})}

    def _command(self, arguments: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "fceval", *map(str, arguments)]
