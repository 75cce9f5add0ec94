"""Which cases of a dataset a run takes: by id, category, tag, number, or a seeded sample."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from annotated_types import Ge

from fceval.errors import ConfigError
from fceval.records import Case

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Settings: what to take. Every condition must hold; `sample` draws from what is left, then `limit` cuts."""

    case_ids: tuple[str, ...] = ()
    """Only these cases."""
    categories: tuple[str, ...] = ()
    """Only cases of these categories."""
    tags: tuple[str, ...] = ()
    """Only cases with at least one of these tags."""
    sample: Annotated[int, Ge(1)] | None = None
    """This many, drawn at random."""
    seed: int = 0
    """Of the draw: the same seed draws the same cases."""
    limit: Annotated[int, Ge(1)] | None = None
    """The first this many."""


def select(cases: Iterable[Case], selection: Selection) -> Iterator[Case]:
    """Yield the chosen cases in the order of the dataset; holds no more than the sample in memory.

    Raises:
        ConfigError: An id, a category or a tag is asked for that no case has; known once all cases were seen.
    """
    conditions = selection.case_ids or selection.categories or selection.tags
    chosen = _matching(cases, selection) if conditions else iter(cases)
    if selection.sample is not None:
        chosen = _drawn(chosen, selection.sample, selection.seed)
    return islice(chosen, selection.limit)


def _matching(cases: Iterable[Case], selection: Selection) -> Iterator[Case]:
    wanted = {
        "case_ids": frozenset(selection.case_ids),
        "categories": frozenset(selection.categories),
        "tags": frozenset(selection.tags),
    }
    unseen = {name: set(labels) for name, labels in wanted.items()}
    for case in cases:
        labels = {"case_ids": {case.case_id}, "categories": {case.category}, "tags": set(case.tags)}
        for name, those in labels.items():
            unseen[name] -= those
        if all(not wanted[name] or wanted[name] & those for name, those in labels.items()):
            yield case
    for name, missing in unseen.items():
        if missing:
            listed = ", ".join(f"`{label}`" for label in sorted(missing)[:_SHOWN])
            msg = f"dataset.{name}: no case of the dataset has {listed}{' ...' if len(missing) > _SHOWN else ''}"
            raise ConfigError(msg)


def _drawn(cases: Iterable[Case], number: int, seed: int) -> Iterator[Case]:
    """Reservoir sampling (Vitter 1985, algorithm R): one pass, every subset of `number` cases equally likely."""
    draw = random.Random(seed)  # noqa: S311 -- a reproducible draw is the point
    kept: list[tuple[int, Case]] = []
    for position, case in enumerate(cases):
        if position < number:
            kept.append((position, case))
        elif (slot := draw.randrange(position + 1)) < number:
            kept[slot] = (position, case)
    return (case for _, case in sorted(kept, key=lambda item: item[0]))
