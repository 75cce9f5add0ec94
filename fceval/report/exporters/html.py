"""The report as one HTML file that asks nothing of the network.

Every value passes through `visible` and jinja2's escapes, whatever the template does with it. The page's policy allows
its own style sheet and, where there is a list of cases, its own script, by hash, and nothing else. The script only
finds cases: it shows, hides, opens and copies what is in the page, and puts text nowhere but into `textContent`;
without it everything is there to read.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from fceval.report import charts, wording
from fceval.report.document import CaseLine, Chart, Estimate, Example, Message, OfferedTool, Report, Section
from fceval.report.exporters import Exporter
from fceval.report.exporters._case_items import PAGE_BYTES, Shared, filters_of, items_of, notes_of, opened
from fceval.report.visible import visible, visible_lines

LONGEST_TEXT = 20_000
"""Characters of one message, answer or schema, beyond which it is cut."""

_INDENT = re.compile(r"^(?:  )+", re.MULTILINE)
_TEMPLATES = Path(__file__).parent / "templates"


class Html:
    """Exports a report as a page."""

    name = "html"
    suffix = ".html"
    filename = "report.html"

    def render(self, report: Report) -> bytes:
        """Return the page as UTF-8."""
        style, script = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
        items, sections = items_of(report)
        filters = filters_of(items)
        names = {each.name for each in filters}
        shared = Shared(items)
        case = _environment().get_template("case.html.jinja").module
        entry, block = getattr(case, "entry"), getattr(case, "block")  # noqa: B009 -- macros, of which mypy knows nothing
        closed = [entry(item, names, None) for item in items]
        page = _environment().get_template("report.html.jinja")
        told = {
            "report": report,
            "sections": sections,
            "pictures": _pictures(sections),
            "filters": filters,
            "is_pairs": any(item.pair for item in items),
            "style": Markup(style),  # noqa: S704 -- our own file, and its hash is the page's policy
            "style_hash": _hash(style),
            "script": Markup(script),  # noqa: S704 -- likewise
            "script_hash": _hash(script),
        }
        bare = page.render(**told, entries=closed, blocks=(), notes=())
        room = PAGE_BYTES - len(bare.encode())
        entries, blocks = opened(items, closed, room, shared, lambda item: entry(item, names, shared), block)
        return page.render(
            **told,
            entries=[entries.get(at, short) for at, short in enumerate(closed)],
            blocks=blocks,
            notes=notes_of(report, items, entries),
        ).encode()


def _pictures(sections: tuple[Section, ...]) -> list[tuple[str, Chart, Markup]]:
    """Return each chart with the key of its section and as SVG."""
    found = [(section.key, chart) for section in sections for chart in section.charts]
    names = [f"chart-{number}" for number in range(1, len(found) + 1)]
    drawn = charts.drawn([chart for _, chart in found], names)
    return [
        (key, chart, Markup(svg))  # noqa: S704 -- escaped by the XML writer that made it
        for (key, chart), svg in zip(found, drawn, strict=True)
    ]


def _hash(text: str) -> str:
    """Return what a policy calls an inline style sheet or script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
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
        "json_lines": _json,
        "lines": _lines,
        "words": wording.in_words,
        "written": wording.written,
        "written_range": wording.written_range,
    }
    environment.globals |= {
        "NO_VALUE": wording.NO_VALUE,
        "NOT_KEPT": wording.NOT_KEPT,
        "off_contract": wording.off_contract,
        "repair_result": wording.repair_result,
        "sign": _sign,
        "verdict": wording.verdict,
        "wanted": wording.wanted,
    }
    environment.tests |= {
        "estimate": lambda value: isinstance(value, Estimate),
        "message": lambda value: isinstance(value, Message),
        "tool": lambda value: isinstance(value, OfferedTool),
    }
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
    """Return a text of several lines for a `pre` block, cut where it is too long to be read."""
    cut = f"\N{HORIZONTAL ELLIPSIS} (cut: {len(text):,} characters)" if len(text) > LONGEST_TEXT else ""
    # In text, unlike in attributes, quotes are harmless; JSON is full of them.
    return Markup(html.escape(visible_lines(text[:LONGEST_TEXT] + cut), quote=False))  # noqa: S704 -- just escaped


def _json(text: str) -> Markup:
    """Return JSON text for a `pre` block, indented by tabs: spaces are a quarter of it."""
    return _lines(_INDENT.sub(lambda found: "\t" * (len(found[0]) // 2), text))


PLUGIN: Exporter = Html()
