"""Where a key may go that a config file names: suites are passed around, and one may name a key that is not for it.

What a person types is theirs to decide, and this machine is no stranger. Of a config file, the name of a variable
often says whose key it holds: `OPENAI_API_KEY` goes to OpenAI, and nowhere else unless somebody said so. What was
allowed once, by a flag or by an answer, is remembered: the variable's name and the server, and nothing secret.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from fceval.client.endpoint import EndpointSettings, embedded_name, is_this_machine, origin_of

_OWNERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ANTHROPIC": ("anthropic.com",),
        "AWS": ("amazonaws.com",),
        "AZURE": ("azure.com", "azure-api.net"),
        "CEREBRAS": ("cerebras.ai",),
        "COHERE": ("cohere.com", "cohere.ai"),
        "DASHSCOPE": ("aliyuncs.com",),
        "DEEPSEEK": ("deepseek.com",),
        "FIREWORKS": ("fireworks.ai",),
        "GEMINI": ("googleapis.com",),
        "GITHUB": ("github.ai",),
        "GOOGLE": ("googleapis.com",),
        "GROQ": ("groq.com",),
        "HF": ("huggingface.co",),
        "HUGGINGFACE": ("huggingface.co",),
        "MISTRAL": ("mistral.ai",),
        "MOONSHOT": ("moonshot.ai", "moonshot.cn"),
        "NVIDIA": ("nvidia.com",),
        "OPENAI": ("openai.com",),
        "OPENROUTER": ("openrouter.ai",),
        "TOGETHER": ("together.ai", "together.xyz"),
        "XAI": ("x.ai",),
    }
)
"""First word of a variable's name to the domains that the key is for."""
_NO_ENDPOINTS = re.compile(r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|COOKIE|SESSION|PAT)(?:_|$)")
"""What variables are called that hold keys to other things than models."""


class Trust(Enum):
    """Whether a key may go where a config file sends it."""

    GIVEN = "given"
    """It may."""
    UNKNOWN = "unknown"
    """Nothing speaks against it; a person who is there is asked, once."""
    REFUSED = "refused"
    """By its name it is not for that server."""


def trust_in(settings: EndpointSettings) -> Trust:
    """Return whether the key that settings name may go where they say, as a config file has put them."""
    name, base_url = settings.api_key_env, settings.base_url
    if name is None or embedded_name(base_url) is not None:
        return Trust.GIVEN
    host = origin_of(base_url).partition("://")[2].rpartition(":")[0].strip("[]")
    if (is_this_machine(host) and not settings.proxy) or _pair(settings) in _remembered():
        return Trust.GIVEN
    word = name.upper().partition("_")[0]
    owners = _OWNERS.get(word)
    if owners is not None:
        is_owner = any(host == owner or host.endswith(f".{owner}") for owner in owners)
        return Trust.GIVEN if is_owner and destination(settings) == origin_of(base_url) else Trust.REFUSED
    return Trust.REFUSED if _NO_ENDPOINTS.search(name.upper()) else Trust.UNKNOWN


def destination(settings: EndpointSettings) -> str:
    """Return where a key goes: the server, and what lets others than it read along."""
    ways = [
        f"through the proxy {origin_of(settings.proxy)}" if settings.proxy else "",
        "whatever its certificate" if settings.insecure_tls else "",
        f"trusting {str(settings.ca_file)!r}" if settings.ca_file else "",
    ]
    return ", ".join([origin_of(settings.base_url), *filter(None, ways)])


def remember(settings: EndpointSettings) -> None:
    """Note that a key may go where settings say; where nothing can be noted, the next run asks again."""
    if settings.api_key_env is None or trust_in(settings) is Trust.GIVEN:
        return
    path = _file()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.write(file, f"{_pair(settings)}\n".encode())
        finally:
            os.close(file)


def _pair(settings: EndpointSettings) -> str:
    return f"{settings.api_key_env} {destination(settings)}"


def _remembered() -> frozenset[str]:
    try:
        return frozenset(_file().read_text("utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def _file() -> Path:
    """Return the file of what is trusted, by the XDG Base Directory Specification."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if Path(state).is_absolute() else Path("~/.local/state").expanduser()
    return folder / "fceval" / "trusted-keys"
