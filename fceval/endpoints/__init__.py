"""Endpoints of our own, on loopback: `mock` (scripted, with mistakes and faults) and `local-model` (a real one).

`embedded` starts one in a process of its own for as long as a run needs it; `fceval serve` runs one until it is
stopped. Both speak what any OpenAI client speaks. A new endpoint is one file here that ends with its `PLUGIN`.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from pydantic import BaseModel, ValidationError

from fceval import registry
from fceval.errors import ConfigError, ExitCode, FcevalError, LocalError, did_you_mean
from fceval.records import Json

_STOP_S = 5.0
"""How long a child may take to end by itself before it is killed."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint of our own listens, and what opens it."""

    base_url: str
    """As any OpenAI client takes it: `http://127.0.0.1:41234/v1`."""
    api_key: str = field(repr=False)
    """The Bearer token; good until the endpoint ends."""


class Endpoint(Protocol):
    """A kind of endpoint that this machine can serve."""

    options: type[BaseModel]
    """Its settings; unknown names are refused. A field `dataset` is filled with the run's dataset."""

    def serve(self, options: BaseModel, port: int, api_key: str, ready: Callable[[Address], None]) -> None:
        """Serve on loopback until SIGTERM, or SIGINT where that is not ignored.

        Args:
            options: An instance of `self.options`.
            port: 0 for any free one.
            api_key: The Bearer token that requests must carry.
            ready: Called once, when connections are accepted.

        Raises:
            FcevalError: It cannot start; `ready` was not called.
        """


def names() -> tuple[str, ...]:
    """Return the names of the endpoints as options write them, sorted; imports none."""
    return tuple(name.replace("_", "-") for name in registry.names(__name__))


def load(name: str) -> Endpoint:
    """Return one kind of endpoint.

    Raises:
        ConfigError: No such name.
    """
    if name not in names():
        msg = f"unknown embedded endpoint `{name}`{did_you_mean(name, names())}; there are: {', '.join(names())}"
        raise ConfigError(msg)
    return cast("Endpoint", registry.load(__name__, name.replace("-", "_")))


def settings(name: str, options: Mapping[str, Json], *, dataset: Path | None = None) -> BaseModel:
    """Return the checked settings of an endpoint.

    Args:
        name: One of `names()`.
        options: What the user gave, by field name.
        dataset: The run's dataset, for an endpoint that answers from one and was given no other.

    Raises:
        ConfigError: Unknown endpoint or setting, or a value that is no such setting's; all of them in one message.
    """
    model = load(name).options
    given = dict(options)
    if dataset is not None and "dataset" in model.model_fields:
        given.setdefault("dataset", str(dataset))
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = [_problem(mistake["loc"], mistake["type"], mistake["msg"], model) for mistake in error.errors()]
        msg = f"settings of the embedded endpoint `{name}`: {'; '.join(problems)}"
        raise ConfigError(msg) from None


def _problem(place: tuple[int | str, ...], kind: str, message: str, model: type[BaseModel]) -> str:
    name = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return f"there is no `{name}`{did_you_mean(name, model.model_fields)}"
    return f"`{name}`: {message.removeprefix('Value error, ')}"


def new_api_key() -> str:
    """Return a fresh Bearer token of 32 random bytes."""
    return secrets.token_urlsafe(32)


@contextmanager
def embedded(name: str, options: Mapping[str, Json], *, dataset: Path | None) -> Iterator[Address]:
    """Run an endpoint in a process of its own while the context lasts.

    The process also ends when this one dies, however it dies. Ctrl-C does not reach it.

    Args:
        name: One of `names()`.
        options: Its settings, by field name.
        dataset: The run's dataset; see `settings`.

    Raises:
        ConfigError: A setting is wrong, or a library is not installed.
        LocalError: The endpoint cannot start on this machine.
    """
    request = {"name": name, "options": dict(options), "dataset": None if dataset is None else str(dataset)}
    with subprocess.Popen(
        # -P: a file of the working directory must not stand in for a module; see `_environment`.
        [sys.executable, "-P", "-m", "fceval.endpoints"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
        # Out of the terminal's foreground group: Ctrl-C is for the run, which then ends the child.
        start_new_session=True,
    ) as child:
        try:
            yield _started(name, child, request)
        finally:
            _end(child)


def _environment() -> dict[str, str]:
    """Return this environment with this interpreter's module search path, as `multiprocessing` hands it on."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


def _started(name: str, child: subprocess.Popen[bytes], request: Mapping[str, Json]) -> Address:
    if child.stdin is None or child.stdout is None:
        raise AssertionError  # both are pipes
    try:
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
    except BrokenPipeError:
        line = b""
    if not line:
        msg = f"the embedded endpoint `{name}` ended before it was ready (exit status {child.wait()})"
        raise LocalError(msg)
    answer = json.loads(line)
    if "error" in answer:
        raise _error(answer["error"], answer["exit_code"])
    return Address(answer["base_url"], answer["api_key"])


def _error(message: str, exit_code: int) -> FcevalError:
    return LocalError(message) if exit_code == ExitCode.LOCAL_IO else ConfigError(message)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()
