"""Every hostile text in the HTML report, in a real browser: nothing runs, nothing is loaded, nothing is clicked."""

from __future__ import annotations

from pathlib import Path

import pytest

from fceval.report.visible import visible_lines
from tests.browser.conftest import Visit
from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint
from tests.hostile_run import TEXTS, answer, write_dataset


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


_HANDLERS = """
() => [...document.querySelectorAll("*")]
  .flatMap(each => each.getAttributeNames())
  .filter(name => name.startsWith("on"))
"""


def test_hostile_page_is_inert(visit: Visit, hostile_file: Path) -> None:
    """With every case unfolded: no dialog, no request, no message, no element of anybody else's."""
    page = visit.page
    page.goto(hostile_file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.wait_for_load_state("networkidle")
    assert (visit.requests, visit.console, visit.dialogs) == ([hostile_file.as_uri()], [], [])
    assert page.locator("details.case").count() == len(TEXTS)
    assert page.locator("script").count() == 1
    foreign = "img, iframe, base, object, embed, form, foreignObject, a[href]:not([href^='#'])"
    assert page.locator(foreign).count() == 0
    assert page.evaluate(_HANDLERS) == []
    assert page.locator("meta[http-equiv=refresh], style").count() == 1
    assert page.title().startswith("Function calling")
    shown = page.locator("body").inner_text()
    assert visible_lines(shown) == shown
    assert "49" not in page.title()
    assert "{{ 7*7 }}" in shown


_LOST = """
async ids => {
  const lost = [];
  for (const id of ids) {
    const changed = new Promise(resolve => addEventListener("hashchange", resolve, { once: true }));
    location.hash = id;
    await changed;
    if (!document.getElementById(id).open) lost.push(id);
  }
  return lost;
}
"""
"""Ids of the cases that their address does not open."""


def test_every_hostile_case_has_its_link(visit: Visit, hostile_file: Path) -> None:
    """An id of any characters is found again by the address that opening its case gives."""
    page = visit.page
    page.goto(hostile_file.as_uri())
    ids = page.locator("details.case").evaluate_all("all => all.map(each => each.id)")
    assert len(set(ids)) == len(TEXTS)
    assert page.evaluate(_LOST, ids[::3]) == []
    assert (visit.console, visit.dialogs) == ([], [])
