"""The HTML report in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from fceval.report.exporters import load
from fceval.report.visible import visible
from tests.golden.runs import HOSTILE, troubled_run

WIDTHS = (400, 1400)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium: an installed one, else playwright's own."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        # A container's user often may not make the namespaces that the sandbox needs; the page is our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that was opened, and what it did besides."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        """Close a dialog that should not be."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture(scope="module")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the page of a run with hostile text everywhere."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(load("html").render(troubled_run().report()))
    return path


@pytest.fixture
def visit(browser: Browser, report_file: Path) -> Iterator[Visit]:
    """Give the page, opened from disk with every failure unfolded."""
    page = browser.new_page()
    seen = Visit(page)
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("dialog", seen.dismiss)
    page.goto(report_file.as_uri())
    for summary in page.locator("details.case > summary").all():
        summary.click()
    yield seen
    page.close()


def test_opens_quietly(visit: Visit, report_file: Path) -> None:
    """No console message, no dialog, no request but the file itself."""
    assert visit.console == []
    assert visit.dialogs == []
    assert visit.requests == [report_file.as_uri()]


def test_styles_apply(visit: Visit) -> None:
    """The policy lets the page's own style sheet through."""
    assert visit.page.locator(".figures").evaluate("element => getComputedStyle(element).display") == "grid"


def test_hostile_text_stays_text(visit: Visit) -> None:
    """It is read as it was written, and makes no element."""
    assert visit.page.locator("script, img").count() == 0
    assert visit.page.get_by_text(visible(HOSTILE), exact=False).count() >= 4


def test_a_case_opens_to_everything(visit: Visit) -> None:
    """Messages, tools, expected against predicted and the raw answer."""
    case = visit.page.locator("details.case", has_text="refund-value")
    assert case.locator("h4:visible").all_inner_texts() == [
        "Expected against predicted",
        "Messages",
        "Answer",
        "Tools on offer",
    ]
    assert "≠ wrong value at $.amount" in case.locator("tr.bad").inner_text()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_fits_the_window(visit: Visit, width: int, scheme: str) -> None:
    """Nothing is wider than the window; only tables scroll inside it."""
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.set_viewport_size({"width": width, "height": 800})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


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
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own) continue;
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_has_contrast(visit: Visit, scheme: str) -> None:
    """Every text stands out from its ground by the 4.5 to 1 of WCAG AA."""
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    assert visit.page.evaluate(_CONTRAST) == []
