"""File name = option name: what a package of plugins offers, found without importing any of it.

A plugin is one file in its package. `names` lists the files, `load` imports the chosen one and returns its
`PLUGIN` object, whose annotation there lets mypy prove that it conforms to the package's Protocol.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.util import find_spec
from typing import Any

from fceval.errors import ConfigError, did_you_mean


@cache  # a folder does not change while we run
def names(package: str) -> tuple[str, ...]:
    """Return the names of a package's plugins, sorted; imports the package, none of its files.

    Args:
        package: Dotted name, e.g. `fceval.dialects`.
    """
    spec = find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return tuple(sorted(module.name for module in pkgutil.iter_modules(locations) if not module.name.startswith("_")))


def load(package: str, name: str) -> Any:  # noqa: ANN401 -- each package casts to its own Protocol
    """Return the `PLUGIN` of one file.

    Raises:
        ConfigError: No file of that name.
    """
    offered = names(package)
    if name not in offered:
        kind = package.rpartition(".")[2].removesuffix("s")
        msg = f"unknown {kind} `{name}`{did_you_mean(name, offered)}; there are: {', '.join(offered)}"
        raise ConfigError(msg)
    return importlib.import_module(f"{package}.{name}").PLUGIN
