"""What is in a dataset: how many cases of which kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from fceval.records import Case

_SHOWN = 20


def count_cases(cases: Iterable[Case]) -> dict[str, dict[str, int]]:
    """Return counts by what is counted (`cases`, `category`, `tag` ...), each a name to a number, most first."""
    counts: dict[str, Counter[str]] = {
        name: Counter()
        for name in ("cases", "category", "tag", "turns", "tools offered", "calls expected", "tool expected")
    }
    for case in cases:
        counts["cases"]["all"] += 1
        counts["category"][case.category] += 1
        counts["tag"].update(case.tags)
        counts["turns"][str(len(case.turns))] += 1
        counts["tools offered"][str(len(case.tools))] += 1
        for turn in case.turns:
            calls = [] if turn.expected == "any" else turn.expected[0]
            counts["calls expected"]["any" if turn.expected == "any" else str(len(calls))] += 1
            counts["tool expected"].update(call.name for call in calls)
    return {name: dict(counter.most_common()) for name, counter in counts.items()}


def counts_text(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return counts as lines of text; of long lists the most frequent names."""
    lines = []
    for name, counter in counts.items():
        lines.append(f"{name}:")
        shown = list(counter.items())[:_SHOWN]
        lines += [f"  {number:>7}  {each}" for each, number in shown]
        if len(counter) > _SHOWN:
            lines.append(f"           and {len(counter) - _SHOWN} more")
    return "\n".join(lines)
