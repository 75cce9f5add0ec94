"""The list of cases on a page: what is in it, how it is filtered, and how much of it a page has room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from fceval.report.document import CaseLine, Example, Message, OfferedTool, Pair, Report, Section
from fceval.report.visible import visible
from fceval.report.wording import counted, in_words

LISTED = 1_200
"""The most cases on a page. Of a longer run there are the failures, and of passes a sample."""
SAMPLED = 200
"""How many passes that sample has."""
PAGE_BYTES = 1_900_000
"""What a page may take, so that it can be sent by mail; conversations are left out until it fits."""

_MOST_OPTIONS = 200
_LONG_MESSAGE = 300
_UNESCAPED = "!'()*"  # what `encodeURIComponent` leaves alone beside letters, digits and -._~

_Place = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Item:
    """One case of the list: a response, or a pair of them."""

    anchor: str
    """What a link to it has after the number sign."""
    filters: dict[str, tuple[str, ...]]
    """Values by the name of a `Filter`, in the words of the page."""
    line: CaseLine | None = None
    example: Example | None = None
    """Of a line; None where the report does not have it in full."""
    pair: Pair | None = None

    @property
    def examples(self) -> tuple[Example, ...]:
        """What it opens into."""
        shown = (self.pair.base, self.pair.new) if self.pair else (self.example,)
        return tuple(example for example in shown if example)

    @property
    def is_pass(self) -> bool:
        """Whether it is a response that passed."""
        return self.line is not None and self.line.outcome == "passed"


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice that the finder offers."""

    name: str
    label: str
    options: tuple[tuple[str, int], ...]
    """Values with the number of cases that have them, the most frequent first."""


_FILTERS = {
    "change": "Change",
    "run": "Run",
    "outcome": "Outcome",
    "category": "Category",
    "tool": "Tool",
    "tag": "Tag",
    "variant": "Variant",
}


def items_of(report: Report) -> tuple[list[Item], tuple[Section, ...]]:
    """Return the list, and the sections without what is in it; a chapter left empty is left out."""
    examples = {_place(each): each for section in report.sections for each in section.examples}
    examples |= {_place(each): each for each in report.examples}
    items = [_of_line(line, examples.get(_place(line))) for line in _listed(report.cases)]
    pairs = [pair for section in report.sections for pair in section.pairs]
    several = len({pair.new_name for pair in pairs}) > 1
    items += [_of_pair(pair, several=several) for pair in pairs]
    listed = {_place(line) for line in report.cases}
    return items, tuple(_rests(report.sections, listed))


def _rests(sections: Sequence[Section], listed: set[_Place]) -> Iterator[Section]:
    for section in sections:
        rest = tuple(example for example in section.examples if _place(example) not in listed)
        is_moved = bool(section.examples or section.pairs) and not rest
        if rest or section.tables or section.charts or not (is_moved or (listed and section.key == "failures")):
            yield replace(section, examples=rest, pairs=())


def _listed(cases: Sequence[CaseLine]) -> list[CaseLine]:
    """Return the cases to list: what did not pass, then what did, each in the order of the run."""
    failures = [line for line in cases if line.outcome != "passed"]
    passes = [line for line in cases if line.outcome == "passed"]
    room = len(passes)
    if len(cases) > LISTED:
        room = min(room, SAMPLED)
        failures = failures[: LISTED - room]
    return [*failures, *(passes[at * len(passes) // room] for at in range(room))]


def _place(of: CaseLine | Example) -> _Place:
    return of.case_id, of.variant, of.trial, of.turn


def _of_line(line: CaseLine, example: Example | None) -> Item:
    found = {
        "outcome": (in_words(line.outcome),),
        "category": (line.category,),
        "tool": line.tools,
        "tag": line.tags,
        "variant": (line.variant,),
    }
    parts = [
        f"case={_quoted(line.case_id)}",
        *([] if line.variant == "default" else [f"variant={_quoted(line.variant)}"]),
        *([f"trial={line.trial}"] if line.trial else []),
        *([f"turn={line.turn}"] if line.turn else []),
    ]
    return Item("&".join(parts), _shown(found), line, example)


def _of_pair(pair: Pair, *, several: bool) -> Item:
    sides = [example for example in (pair.base, pair.new) if example]
    found = {
        "change": ("got better" if pair.new_share > pair.base_share else "got worse",),
        "outcome": tuple(dict.fromkeys(in_words(side.outcome) for side in sides)),
        "category": tuple(dict.fromkeys(side.category for side in sides)),
        "tool": tuple(sorted({name for side in sides for call in side.calls for name in _tools(call)})),
        "tag": tuple(dict.fromkeys(tag for side in sides for tag in side.tags)),
        "run": (pair.new_name,),
    }
    run = f"&run={_quoted(pair.new_name)}" if several else ""
    return Item(f"case={_quoted(pair.case_id)}{run}", _shown(found), pair=pair)


def _tools(call: object) -> Iterator[str]:
    for name in ("expected_tool", "predicted_tool"):
        if tool := getattr(call, name):
            yield tool


def _shown(found: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(map(visible, values)) for name, values in found.items()}


def _quoted(text: str) -> str:
    return quote(text, safe=_UNESCAPED, errors="surrogatepass")


def filters_of(items: Sequence[Item]) -> list[Filter]:
    """Return what the list can be filtered by: whatever differs between cases, and is not different in all of them."""
    found = []
    for name, label in _FILTERS.items():
        tally = Counter(value for item in items for value in item.filters.get(name, ()))
        everywhere = len(tally) == 1 and tally.most_common(1)[0][1] == len(items)
        if tally and not everywhere and len(tally) <= _MOST_OPTIONS:
            found.append(Filter(name, label, tuple(sorted(tally.items(), key=lambda pair: (-pair[1], pair[0])))))
    return found


# --- what a page has room for -----------------------------------------------------------------------------------------


class Shared:
    """What repeats from case to case, and stands once on the page: tools, and long messages.

    Args:
        items: All that may be shown.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        seen = Counter(message for item in items for side in item.examples[:1] for message in side.messages)
        self._often = {each for each, number in seen.items() if number > 1 and len(each.text) > _LONG_MESSAGE}
        self._ids: dict[Message | OfferedTool, str] = {}

    def id_of(self, what: Message | OfferedTool) -> str | None:
        """Return where on the page something stands; None where it stands only where it is used."""
        if isinstance(what, Message) and what not in self._often:
            return None
        return self._ids.setdefault(what, f"shared-{len(self._ids) + 1}")

    def since(self, number: int) -> list[tuple[str, Message | OfferedTool]]:
        """Return what was shared after so many others, with its ids."""
        return [(name, what) for what, name in list(self._ids.items())[number:]]

    def keep(self, number: int) -> None:
        """Forget all but so many."""
        self._ids = dict(list(self._ids.items())[:number])

    def __len__(self) -> int:
        return len(self._ids)


def opened(  # noqa: PLR0913, PLR0917 -- what is written, how, and how much of it
    items: Sequence[Item],
    closed: Sequence[str],
    room: int,
    shared: Shared,
    entry: Callable[[Item], str],
    block: Callable[[str, object], str],
) -> tuple[dict[int, str], list[str]]:
    """Return those items that open into all there is of them, by their place in the list, and what they share.

    Args:
        items: The most important first.
        closed: The same as they are without what they open into.
        room: Bytes that they may take beyond that.
        shared: Is told what they share.
        entry: Makes an item with what it opens into.
        block: Makes what is shared, of an id and a message or tool.
    """
    entries: dict[int, str] = {}
    blocks: list[str] = []
    for at, (item, short) in enumerate(zip(items, closed, strict=True)):
        if not item.examples:
            continue
        number = len(shared)
        made = entry(item)
        new = [block(name, what) for name, what in shared.since(number)]
        size = sum(len(text.encode()) for text in (made, *new)) - len(short.encode())
        if size <= room:
            room -= size
            entries[at] = made
            blocks += new
        else:
            shared.keep(number)
    return entries, blocks


def notes_of(report: Report, items: Sequence[Item], entries: Collection[int]) -> list[str]:
    """Return what a reader of the list must know of it: what was left out, and where it is to be found.

    Args:
        report: What the page tells.
        items: Those that it lists.
        entries: The places of those that open.
    """
    notes = [report.cases_note]
    lines = [item for item in items if item.line]
    if len(lines) < len(report.cases):
        passes = sum(item.is_pass for item in lines)
        listed = f"{counted(len(lines) - passes, 'failure')} and a sample of {counted(passes, 'pass', 'passes')}"
        notes.append(f"This page lists {listed}, of {len(report.cases):,} cases in all.")
    short = []
    for what, is_pass in (("failures", False), ("passes", True)):
        of_kind = [at for at, item in enumerate(items) if item.is_pass is is_pass]
        there = sum(at in entries for at in of_kind)
        if there < len(of_kind):
            short.append(f"{f'{there:,}' if there else 'none'} of the {len(of_kind):,} {what}")
    if short and lines:
        told = " and ".join(short)
        notes.append(f"{told[0].upper()}{told[1:]} open into the whole conversation; fceval show prints any of them.")
    return [note for note in notes if note]
