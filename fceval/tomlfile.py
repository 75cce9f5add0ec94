"""TOML files that a user writes: settings and prices."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fceval.errors import ConfigError


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the tables of a file.

    Args:
        path: The file; a byte order mark at its begin is passed over.
        what: What it should be, for messages: `config file`.

    Raises:
        ConfigError: It cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        msg = f"{path}: no such {what}"
        raise ConfigError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise ConfigError(msg) from None
    except (ValueError, RecursionError) as error:  # a ValueError also where a number has too many digits
        msg = f"{path}: not valid TOML: {error}"
        raise ConfigError(msg) from None
