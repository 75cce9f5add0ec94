"""The page at the level of a parser: what is foreign stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from fceval.report.exporters.html import PLUGIN
from fceval.report.visible import visible
from tests.golden.runs import HOSTILE, troubled_run

LOADING = {"script", "img", "iframe", "link", "object", "embed", "form", "base", "video", "audio", "source", "frame"}


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
    """No element that asks for anything, no handler, no style attribute, no address but anchors of the page."""
    page = Page(html)
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


def test_style_matches_its_hash(html: str) -> None:
    """The policy names the style sheet that is there, and nothing else is allowed."""
    style = html.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(a["content"] for tag, a in Page(html).elements if tag == "meta" and "http-equiv" in a)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


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
