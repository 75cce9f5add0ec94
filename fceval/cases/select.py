"""Which cases of a dataset a run takes: by id, category, tag, number, or a seeded sample."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from annotated_types import Ge

from fceval.records import Case


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
    """Yield the chosen cases in the order of the dataset; holds no more than the sample in memory."""
    chosen: Iterator[Case] = (case for case in cases if _wanted(case, selection))
    if selection.sample is not None:
        chosen = _drawn(chosen, selection.sample, selection.seed)
    return islice(chosen, selection.limit)


def _wanted(case: Case, selection: Selection) -> bool:
    return (
        (not selection.case_ids or case.case_id in selection.case_ids)
        and (not selection.categories or case.category in selection.categories)
        and (not selection.tags or not set(selection.tags).isdisjoint(case.tags))
    )


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
