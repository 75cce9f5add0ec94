"""Every hostile text in the HTML report, in a real browser: nothing runs, nothing is loaded, nothing is clicked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, sync_playwright

from fceval.report.visible import visible_lines
from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint
from tests.hostile_run import TEXTS, answer, write_dataset


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the report of the hostile run."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "home").mkdir()
    dataset = write_dataset(folder / "cases.jsonl")
    with FakeEndpoint(answer) as endpoint:
        ended = Fceval(folder, folder / "home")(
            "run", "-q", "--dataset", dataset, "--base-url", endpoint.base_url, "--model", "m", "--out", "run"
        )
    assert ended.returncode == 3, ended.stderr
    return folder / "run" / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium: an installed one, else playwright's own."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        # A container's user often may not make the namespaces that the sandbox needs; the page is our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


_HANDLERS = """
() => [...document.querySelectorAll("*")]
  .flatMap(each => each.getAttributeNames())
  .filter(name => name.startsWith("on"))
"""


def test_hostile_page_is_inert(browser: Browser, page_file: Path) -> None:
    """With every case unfolded: no dialog, no request, no message, no element of anybody else's."""
    page = browser.new_page()
    seen: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("dialog", dismissed)
    page.on("request", lambda request: seen.append(request.url))
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.wait_for_load_state("networkidle")
    assert seen == [page_file.as_uri()]
    assert page.locator("details.case").count() == len(TEXTS)
    foreign = "script, img, iframe, base, object, embed, form, foreignObject, a[href]:not([href^='#'])"
    assert page.locator(foreign).count() == 0
    assert page.evaluate(_HANDLERS) == []
    assert page.locator("meta[http-equiv=refresh], style").count() == 1
    assert page.title().startswith("Function calling")
    shown = page.locator("body").inner_text()
    assert visible_lines(shown) == shown
    assert "49" not in page.locator("title").inner_text()
    assert "{{ 7*7 }}" in shown
    page.close()
