"""The page at the level of a parser: what is foreign stays text."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from fceval.report.charts import COLOURS
from fceval.report.exporters.html import PLUGIN
from fceval.report.visible import visible
from tests.golden.runs import HOSTILE, troubled_run

LOADING = {"img", "iframe", "link", "object", "embed", "form", "base", "video", "audio", "source", "frame"}


class Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text.append(data)


@pytest.fixture(scope="module")
def html() -> str:
    """Give the page of a run with hostile text everywhere."""
    return PLUGIN.render(troubled_run().report()).decode()


def test_nothing_loads_and_nothing_runs(html: str) -> None:
    """No element that asks for anything, no script but ours, no handler, no style attribute, no address but anchors."""
    page = Page(html)
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [{}]
    assert not {tag for tag, _ in page.elements} & LOADING
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src", "srcset", "action"})
    assert all((attributes["href"] or "").startswith("#") for tag, attributes in page.elements if tag == "a")


def test_hostile_text_is_shown_whole(html: str) -> None:
    """In a name, in a message and in the answer."""
    assert sum(visible(HOSTILE) in text for text in Page(html).text) >= 4


def test_braces_are_no_template(html: str) -> None:
    """What a model writes is not run by the template engine."""
    assert "{{ 7 * 7 }}" in html


def _policy(html: str) -> str | None:
    return next(a["content"] for tag, a in Page(html).elements if tag == "meta" and "http-equiv" in a)


def _hash_of(tag: str, html: str) -> str:
    content = html.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def test_policy_names_what_is_there(html: str) -> None:
    """The style sheet and the script by their hashes, and nothing else is allowed."""
    style, script = _hash_of("style", html), _hash_of("script", html)
    allowed = f"style-src {style}; script-src {script}"
    assert _policy(html) == f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def test_page_without_cases_has_no_script() -> None:
    """Nor is one allowed."""
    html = PLUGIN.render(replace(troubled_run().report(), cases=(), examples=(), sections=())).decode()
    assert "<script" not in html
    assert "script-src" not in str(_policy(html))


def test_page_has_no_hidden_character(html: str) -> None:
    """Every control and bidirectional character is an escape by now."""
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", html)


def test_differing_arguments_are_marked_by_words(html: str) -> None:
    """Not by colour alone."""
    assert "<strong>≠ wrong value</strong> at <code>$.amount</code>" in html
    assert "✓ passed (normalized)" in html


def test_every_anchor_has_its_target(html: str) -> None:
    """The links of the page's head lead somewhere, and no id stands twice."""
    elements = Page(html).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(attributes["href"] or "")[1:] for tag, attributes in elements if tag == "a"} <= set(ids)


def test_every_colour_of_a_chart_has_its_place_in_both_schemes(html: str) -> None:
    """A page gives another to each, for shapes and for lines."""
    style = html.partition("<style>")[2].partition("</style>")[0]
    for name, colour in COLOURS.items():
        for attribute in ("fill", "stroke"):
            assert f'.chart [{attribute}="{colour}"] {{ {attribute}: var(--{name}); }}' in style
        assert style.count(f"--{name}: ") == 2, name


def test_a_small_run_waits_for_no_chart() -> None:
    """Its page is made without Altair, which takes a second."""
    program = (
        "import sys\n"
        "from fceval.report.document import Report\n"
        "from fceval.report.exporters import load\n"
        "load('html').render(Report('t', 'h', True, (), (), ()))\n"
        "sys.exit({'altair', 'vl_convert'} & set(sys.modules) != set())\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
