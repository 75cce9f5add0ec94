"""A headless Chromium for all tests of pages, and the pages: of a run, of a comparison and of a history."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from fceval.cli import main
from fceval.report.exporters import load
from tests.functional.scored import cases_of, scored_run, unheard
from tests.golden.runs import troubled_run


@pytest.fixture(scope="module")  # while it is there, an event loop runs in this thread, and no test may run another
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


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Give a page to open things in."""
    page = browser.new_page()
    seen = Visit(page)
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("dialog", seen.dismiss)
    yield seen
    page.close()


@pytest.fixture(scope="session")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the page of a run with hostile text everywhere."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(load("html").render(troubled_run().report()))
    return path


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with ten scored runs, an hour apart; the last five are worse."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "reports").mkdir()
    for name, wrong in (("n0", [1]), ("n5", range(1, 13))):
        scored_run(unheard, folder / "reports", name, cases_of(20, category="orders"), wrong)
    for number in range(10):
        run = folder / "reports" / f"n{number}"
        if not run.exists():
            shutil.copytree(folder / "reports" / f"n{number // 5 * 5}", run)
        manifest = json.loads((run / "run.json").read_text(encoding="utf-8"))
        manifest |= {"started_at": f"2026-11-23T{number:02}:00:00+00:00", "commit": f"c0ffee{number}"}
        (run / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder / "reports"


@pytest.fixture(scope="session")
def comparison_file(runs_folder: Path) -> Path:
    """Give the page of a comparison in which eleven cases got worse."""
    path = runs_folder.parent / "comparison.html"
    assert main(["compare", str(runs_folder / "n0"), str(runs_folder / "n5"), "--by", "tag", "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="session")
def history_file(runs_folder: Path) -> Path:
    """Give the page of a history in which accuracy fell once."""
    path = runs_folder.parent / "history.html"
    assert main(["history", str(runs_folder), "-o", str(path)]) == 0
    return path


@pytest.fixture
def page_file(request: pytest.FixtureRequest) -> Path:
    """Give the page of a kind, by the parameter: `run`, `comparison` or `history`."""
    found: Path = request.getfixturevalue(f"{request.param}_file")
    return found
