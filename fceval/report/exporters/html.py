"""The report as one HTML file that asks nothing of the network.

Every value passes through `visible` and jinja2's escapes, whatever the template does with it. The page's policy
allows its own style sheet and its own script, by hash, and nothing else. The script only finds cases: it shows, hides
and opens what is in the page, makes no element, and without it everything is there to read.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from fceval.report import wording
from fceval.report.document import CaseLine, Estimate, Example, Report, Section
from fceval.report.exporters import Exporter
from fceval.report.visible import visible, visible_lines

LISTED = 1_500
"""The most cases on a page, so that it can be sent by mail; of a longer list, failures come first."""

_TEMPLATES = Path(__file__).parent / "templates"
_UNESCAPED = "!'()*"  # what `encodeURIComponent` leaves alone beside letters, digits and -._~

_Place = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class _Item:
    """One case of the list."""

    anchor: str
    """What a link to it has after the number sign."""
    line: CaseLine
    example: Example | None


class Html:
    """Exports a report as a page."""

    name = "html"
    suffix = ".html"
    filename = "report.html"

    def render(self, report: Report) -> bytes:
        """Return the page as UTF-8."""
        style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
        items, sections = _with_examples(_listed(report.cases), report.sections)
        page = (
            _environment()
            .get_template("report.html.jinja")
            .render(
                report=report,
                sections=sections,
                items=items,
                cases_notes=_notes(report, items),
                style=Markup(style),  # noqa: S704 -- our own file, and its hash is the page's policy
                style_hash=_hash(style),
                script=Markup(script),  # noqa: S704 -- likewise
                script_hash=_hash(script),
            )
        )
        return page.encode()


def _listed(cases: Sequence[CaseLine]) -> list[CaseLine]:
    """Return the cases to list: what did not pass, then what did, each in the order of the run."""
    return sorted(cases, key=lambda line: line.outcome == "passed")[:LISTED]


def _with_examples(
    lines: Iterable[CaseLine], sections: Iterable[Section]
) -> tuple[tuple[_Item, ...], tuple[Section, ...]]:
    """Return the list with each example in its case, and the chapters without those; one left empty is left out."""
    lines = tuple(lines)
    examples = {_place(example): example for section in sections for example in section.examples}
    listed = {_place(line) for line in lines}
    chapters = []
    for section in sections:
        rest = tuple(example for example in section.examples if _place(example) not in listed)
        if rest or section.tables or not (section.examples or listed and section.key == "failures"):
            chapters.append(replace(section, examples=rest))
    return tuple(_Item(_anchor(line), line, examples.get(_place(line))) for line in lines), tuple(chapters)


def _place(of: CaseLine | Example) -> _Place:
    return of.case_id, of.variant, of.trial, of.turn


def _anchor(line: CaseLine) -> str:
    """Return an address that people can write: only what is out of the ordinary stands beside the case's id."""
    parts = [
        f"case={quote(line.case_id, safe=_UNESCAPED, errors='surrogatepass')}",
        *([] if line.variant == "default" else [f"variant={quote(line.variant, safe=_UNESCAPED)}"]),
        *([f"trial={line.trial}"] if line.trial else []),
        *([f"turn={line.turn}"] if line.turn else []),
    ]
    return "&".join(parts)


def _notes(report: Report, items: Sequence[_Item]) -> list[str]:
    """Return what a reader of the list must know of it."""
    notes = [report.cases_note]
    if len(items) < len(report.cases):
        cut = wording.counted(len(report.cases), "case")
        notes.append(f"This page lists {len(items):,} of {cut}, failures first; cases.csv has the rest.")
    failures = [item for item in items if item.line.outcome != "passed"]
    shown = sum(item.example is not None for item in failures)
    if shown < len(failures):
        whole = f"{shown:,} of {wording.counted(len(failures), 'failure')}"
        notes.append(f"{whole} open into the whole conversation, every kind in turn; the others into their calls.")
    return [note for note in notes if note]


def _tally(items: Iterable[_Item], field: Literal["outcome", "category"]) -> list[tuple[str, int]]:
    """Return each value with how often it occurs, the most frequent first."""
    counts = Counter(str(getattr(item.line, field)) for item in items)
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _hash(text: str) -> str:
    """Return what a policy calls an inline style sheet or script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters |= {
        "counted": wording.counted,
        "lines": _lines,
        "tally": _tally,
        "words": wording.in_words,
        "written": wording.written,
        "written_range": lambda estimate: wording.percent_range(estimate.low, estimate.high),
    }
    environment.globals |= {
        "NO_VALUE": wording.NO_VALUE,
        "off_contract": wording.off_contract,
        "repair_result": wording.repair_result,
        "sign": _sign,
        "verdict": wording.verdict,
        "wanted": wording.wanted,
    }
    environment.tests |= {"estimate": lambda value: isinstance(value, Estimate)}
    return environment


def _shown(value: object) -> object:
    """Return what a template's expression puts out; escaped after this, unless it is markup already."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sign(of: CaseLine | Example) -> str:
    """Return the verdict as a sign, for those who do not see the colour."""
    if of.outcome == "passed":
        return "\N{CHECK MARK}"
    return "\N{NOT EQUAL TO}" if of.measured else "\N{WHITE CIRCLE}"


def _lines(text: str) -> Markup:
    """Return a text of several lines for a `pre` block."""
    return escape(visible_lines(text))


PLUGIN: Exporter = Html()
