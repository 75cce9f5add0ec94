"""A step done for many at once: Python does the same thing a dozen times for the price of two thirds of as many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Together(Generic[Item]):
    """Does a step once for all that come to it in one turn of the event loop, in the order in which they came."""

    def __init__(self, step: Callable[[Sequence[Item]], None], width: int) -> None:
        """Make one.

        Args:
            step: What it raises, everybody gets for whom it was to be done.
            width: How many there are; one alone waits for nobody.
        """
        self._step = step
        self._is_alone = width == 1
        self._line: list[tuple[Item, asyncio.Future[None]]] = []

    async def do(self, item: Item) -> None:
        """Return when the step was done; it is done for who is cancelled meanwhile, too."""
        if self._is_alone:
            self._step([item])
            return
        place = asyncio.get_running_loop().create_future()
        self._line.append((item, place))
        if len(self._line) == 1:
            await self._lead()
        else:
            await place

    async def _lead(self) -> None:
        """Do it for all who came after the first one, too."""
        try:
            await asyncio.sleep(0)
        finally:
            line, self._line = self._line, []
            others = [place for _, place in line[1:]]
            try:
                self._step([item for item, _ in line])
            except BaseException as error:
                _tell(others, error)
                raise
            _tell(others, None)


def _tell(places: Sequence[asyncio.Future[None]], error: BaseException | None) -> None:
    for place in places:
        if place.done():  # who was cancelled has gone
            continue
        if error is None:
            place.set_result(None)
        else:
            place.set_exception(error)


def for_each(step: Callable[[Item], object], items: Sequence[Item]) -> None:
    """Take a step for each of some items in their order, whatever it raises for others; the last error is raised on."""
    with ExitStack() as steps:  # which ends with what was put on it first
        for item in reversed(items):
            steps.callback(step, item)
