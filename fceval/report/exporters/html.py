"""The report as one HTML file that asks nothing of the network and runs no script.

Every value passes through `visible` and jinja2's escapes, whatever the template does with it. The page's policy
allows its own style sheet, by hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from fceval.report import wording
from fceval.report.document import Estimate, Report
from fceval.report.exporters import Exporter
from fceval.report.visible import visible, visible_lines

_TEMPLATES = Path(__file__).parent / "templates"


class Html:
    """Exports a report as a page."""

    name = "html"
    suffix = ".html"
    filename = "report.html"

    def render(self, report: Report) -> bytes:
        """Return the page as UTF-8."""
        style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        page = (
            _environment()
            .get_template("report.html.jinja")
            .render(
                report=report,
                style=Markup(style),  # noqa: S704 -- our own file, and its hash is the page's policy
                style_hash=f"sha256-{digest}",
            )
        )
        return page.encode()


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
        "lines": _lines,
        "words": wording.in_words,
        "written": wording.written,
        "written_range": lambda estimate: wording.percent_range(estimate.low, estimate.high),
    }
    environment.globals |= {
        "NO_VALUE": wording.NO_VALUE,
        "off_contract": wording.off_contract,
        "repair_result": wording.repair_result,
        "verdict": wording.verdict,
        "wanted": wording.wanted,
    }
    environment.tests |= {"estimate": lambda value: isinstance(value, Estimate)}
    return environment


def _shown(value: object) -> object:
    """Return what a template's expression puts out; escaped after this, unless it is markup already."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(text: str) -> Markup:
    """Return a text of several lines for a `pre` block."""
    return escape(visible_lines(text))


PLUGIN: Exporter = Html()
