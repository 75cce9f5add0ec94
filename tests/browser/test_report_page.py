"""The HTML report in a real browser."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from fceval.report.visible import visible
from tests.browser.conftest import Visit
from tests.golden.runs import HOSTILE

WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")
GRAVE = {"serious", "critical"}


KINDS = pytest.mark.parametrize("page_file", ["run", "comparison", "history"], indirect=True)


def opened(visit: Visit, file: Path) -> Page:
    """Return the page, opened from disk with every case unfolded."""
    visit.page.goto(file.as_uri())
    visit.page.evaluate("for (const each of document.querySelectorAll('details.case')) each.open = true")
    visit.page.wait_for_function("!document.querySelector('#list a.shared')")
    return visit.page


@KINDS
def test_opens_quietly(visit: Visit, page_file: Path) -> None:
    """No console message, no dialog, no request but the file itself."""
    opened(visit, page_file)
    assert visit.console == []
    assert visit.dialogs == []
    assert visit.requests == [page_file.as_uri()]


def test_styles_apply(visit: Visit, run_file: Path) -> None:
    """The policy lets the page's own style sheet through."""
    visit.page.goto(run_file.as_uri())
    assert visit.page.locator(".figures").evaluate("element => getComputedStyle(element).display") == "grid"


def test_hostile_text_stays_text(visit: Visit, run_file: Path) -> None:
    """It is read as it was written, and makes no element."""
    page = opened(visit, run_file)
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    assert page.get_by_text(visible(HOSTILE), exact=False).count() >= 4


def test_a_case_opens_to_everything(visit: Visit, run_file: Path) -> None:
    """Messages, tools, expected against predicted, the raw answer and its attempts."""
    case = opened(visit, run_file).locator("details.case", has_text="refund-value")
    assert case.locator("h4:visible").all_inner_texts() == [
        "Expected against predicted",
        "Messages",
        "Answer",
        "Attempt",
        "Tools on offer",
    ]
    assert "≠ wrong value at $.amount" in case.locator("tr.bad").inner_text()


def test_answers_stand_side_by_side(visit: Visit, comparison_file: Path) -> None:
    """Each under the name of its run, at the same height; one below the other where there is no room."""
    page = visit.page
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(comparison_file.as_uri())
    page.locator("details.case > summary").first.click()
    sides = page.locator("details.case[open] .beside > section")
    assert sides.locator("h4.run").all_inner_texts() == ["n0", "n5"]
    assert ["✓ passed" in sides.nth(0).inner_text(), "≠ wrong value" in sides.nth(1).inner_text()] == [True, True]
    left, right = (sides.nth(at).bounding_box() for at in (0, 1))
    assert left
    assert right
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    page.set_viewport_size({"width": 400, "height": 900})
    left, right = (sides.nth(at).bounding_box() for at in (0, 1))
    assert left
    assert right
    assert left["x"] == right["x"]


def test_history_draws_its_lines_and_where_they_break(visit: Visit, history_file: Path) -> None:
    """With a table of every run's commit and settings below."""
    visit.page.goto(history_file.as_uri())
    chart = visit.page.locator("figure", has_text="Dashed and with a diamond").first
    assert chart.locator("figcaption a").inner_text() == "Accuracy"
    assert chart.locator("svg").get_attribute("role") == "img"
    assert chart.locator("line[stroke-dasharray]").count() == 1
    assert "c0ffee9" in visit.page.locator("#runs").inner_text()


@pytest.mark.parametrize("width", WIDTHS)
@KINDS
def test_fits_the_window(visit: Visit, page_file: Path, width: int) -> None:
    """Nothing is wider than the window; only tables scroll inside it."""
    visit.page.set_viewport_size({"width": width, "height": 800})
    assert opened(visit, page_file).evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", SCHEMES)
def test_charts_follow_the_scheme(visit: Visit, run_file: Path, scheme: str) -> None:
    """What is written in them is as light or dark as the page's text."""
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.goto(run_file.as_uri())
    label = visit.page.locator("figure svg text").last
    colours = "element => [getComputedStyle(element).fill, getComputedStyle(document.body).color]"
    assert len(set(label.evaluate(colours))) == 1


_CONTRAST = """
() => {
  const channel = value => { const v = value / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    if (element.ownerSVGElement && element.localName !== "text") continue;
    const ink = element.ownerSVGElement ? "fill" : "color";
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own) continue;
    const [a, b] = [light(numbers(getComputedStyle(element)[ink])), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("scheme", SCHEMES)
@KINDS
def test_text_has_contrast(visit: Visit, page_file: Path, scheme: str) -> None:
    """Every text stands out from its ground by the 4.5 to 1 of WCAG AA."""
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    assert opened(visit, page_file).evaluate(_CONTRAST) == []


@KINDS
def test_checker_finds_nothing_serious(visit: Visit, page_file: Path) -> None:
    """axe-core, at every width in every scheme; what it calls minor or moderate is not counted."""
    page = visit.page
    page.goto(page_file.as_uri())
    page.evaluate("for (const each of [...document.querySelectorAll('details.case')].slice(0, 3)) each.open = true")
    checker = Axe()
    for width, scheme in itertools.product(WIDTHS, SCHEMES):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        found = [each for each in checker.run(page).response["violations"] if each["impact"] in GRAVE]
        assert [(width, scheme, each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_checker_would_find_it(visit: Visit) -> None:
    """The checker can fail: pale text, and a picture that nobody describes."""
    visit.page.set_content('<main><p style="color: #ccc; background: #fff">pale</p><svg role="img"></svg></main>')
    found = Axe().run(visit.page).response["violations"]
    assert {"color-contrast", "svg-img-alt"} <= {each["id"] for each in found}
