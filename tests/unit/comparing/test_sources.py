"""Which variants are compared with which."""

from __future__ import annotations

import pytest

from fceval.comparing.provenance import Provenance
from fceval.comparing.sources import Source, pairings, unmatched
from fceval.errors import ConfigError
from fceval.stats.compare import Side
from tests.golden.rows import tables

_TABLES = tables([])
NOTHING = Side(_TABLES.scores, _TABLES.calls, _TABLES.arguments)


def source(name: str, *variants: str, picked: str = "") -> Source:
    """Return a run of some variants, of which one may be picked."""
    models = dict.fromkeys(variants or ("default",), "m")
    provenance = Provenance(name, "", models, "tools", "free_running", 1, {}, "0", "d", "s")
    chosen = [picked] if picked else list(models)
    return Source(f"runs/{name}", provenance, dict.fromkeys(chosen, NOTHING), picked=bool(picked), run=None)


@pytest.mark.parametrize(
    ("base", "news", "labels"),
    [
        (source("a"), [source("b")], [("a", "b")]),
        (source("a", "x"), [source("b", "y")], [("a", "b")]),
        (source("a"), [source("b"), source("c")], [("a", "b"), ("a", "c")]),
        (source("a", "x", "y"), [source("b", "y", "x")], [("a#y", "b#y"), ("a#x", "b#x")]),
        (source("a", "x", "y"), [source("b", "y")], [("a#y", "b")]),
        (source("a", "x"), [source("b", "x", "y")], [("a", "b#x")]),
        (source("a", "x", "y", picked="x"), [source("b", "x", "y")], [("a#x", "b#x"), ("a#x", "b#y")]),
        (source("a"), [source("b", "x", "y")], [("a", "b#x"), ("a", "b#y")]),
        (source("a", "x", "y", "z"), [], [("a#x", "a#y"), ("a#x", "a#z")]),
    ],
)
def test_variants_match_by_name_or_with_the_only_one(
    base: Source, news: list[Source], labels: list[tuple[str, str]]
) -> None:
    """And a run alone compares its variants with its first."""
    assert [pair.labels for pair in pairings(base, news)] == labels


@pytest.mark.parametrize(
    ("base", "news", "words"),
    [
        (source("a"), [], "name a second run"),
        (source("a", "x", "y"), [source("b", "z")], "pick one of the former: runs/a#x"),
    ],
)
def test_unclear_what_is_to_be_compared(base: Source, news: list[Source], words: str) -> None:
    """The message says what to type."""
    with pytest.raises(ConfigError, match=words):
        pairings(base, news)


def test_variants_that_no_comparison_has_are_told() -> None:
    """By run."""
    base, new = source("a", "x", "y"), source("b", "y", "z", "w")
    assert list(unmatched(base, [new], pairings(base, [new]))) == [
        "runs/a: x is in this run only and not compared",
        "runs/b: z, w are in this run only and not compared",
    ]


def test_folders_of_one_name_are_told_apart() -> None:
    """By what was typed."""
    twin = Source("other/a", source("a").provenance, {"default": NOTHING}, picked=False, run=None)
    assert pairings(source("a"), [twin])[0].labels == ("runs/a", "other/a")
