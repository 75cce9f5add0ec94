"""Whether two names are of one model: what relays, registries and servers write around a name does not count.

A name is read as base, snapshot and build: `openai/gpt-4o-2024-08-06` is `gpt-4o` of 2024-08-06, `qwen2.5:7b-q4_K_M`
is `qwen2.5-7b` built with four bits. Where only one of two names says which snapshot or build it means, it is the more
exact one, and no other model.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PATH = re.compile(r"\A.*[/\\]")
_ROUTE = re.compile(r":(?:latest|free|beta|nitro|floor|online|extended|thinking)\Z")
_BUILD = re.compile(
    r"[-.:_@]((?:i?q\d(?:_[a-z0-9]+)*)|fp?(?:4|8|16|32)|bf16|nf4|mxfp4|nvfp4|int[48]|w\d+a\d+|[48]-?bit|awq|gptq|gguf|mlx"
    r"|bnb|ggml)\Z"
)
_SNAPSHOT = re.compile(
    r"[-@:]((?:\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{2}-\d{4}|\d{8}|\d{6}|\d{4}|\d{3}|latest|preview|exp|experimental)"
    r"(?:-(?:\d{2}-\d{2}|\d{2}-\d{4}|\d{4}|preview))?)\Z"
)
_UNDATED = frozenset({"", "latest", "preview", "exp", "experimental"})
_SEPARATORS = re.compile(r"[-._:@ ]")


@lru_cache(maxsize=1024)
def is_same_model(asked: str, served: str) -> bool:
    """Return whether an answer that names its model as `served` can come from the model that was asked for."""
    if asked == served:
        return True
    (base, snapshot, build), (served_base, served_snapshot, served_build) = _read(asked), _read(served)
    return (
        base == served_base
        and (snapshot == served_snapshot or bool(_UNDATED & {snapshot, served_snapshot}))
        and (build <= served_build or served_build <= build)
    )


def _read(name: str) -> tuple[str, str, frozenset[str]]:
    """Return (base, snapshot, words of the build)."""
    name = _ROUTE.sub("", _PATH.sub("", name.strip().lower()))
    build: set[str] = set()
    while found := _BUILD.search(name):
        build.add(found.group(1))
        name = name[: found.start()]
    dated = _SNAPSHOT.search(name)
    base = name[: dated.start()] if dated else name
    return _SEPARATORS.sub("", base), dated.group(1) if dated else "", frozenset(build)
