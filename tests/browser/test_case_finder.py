"""The list of cases in a real browser: search, filters, links and keys, and all of it without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit


@pytest.fixture
def page(visit: Visit, run_file: Path) -> Iterator[Page]:
    """Give the page of a run of twelve cases, five of them passed."""
    visit.page.goto(run_file.as_uri())
    yield visit.page
    assert visit.console == []


def shown(page: Page) -> list[str]:
    """Return the ids of the cases that are shown."""
    return [text[:12] for text in page.locator("#list > details:visible > summary > code").all_inner_texts()]


def test_failures_come_first_and_all_are_there(page: Page) -> None:
    """Nothing is hidden until somebody asks for it."""
    assert len(shown(page)) == 12
    assert shown(page)[-5:] == [f"passed-{number}" for number in range(5)]
    assert page.locator("#count").inner_text() == "12 of 12 shown."


def test_search_reads_everything_of_a_case(page: Page) -> None:
    """Its id, its category, its messages and its answer, every word, in any case."""
    for words, found in (("REFUND-value", 1), ("thank you", 1), ("amount 1250", 1), ("北京", 1), ("no such word", 0)):
        page.locator("#search").fill(words)
        assert len(shown(page)) == found, words
        assert page.locator("#count").inner_text() == f"{found} of 12 shown."


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("outcome", "wrong value", ["refund-value"]),
        ("category", "parallel", ["parallel-mis"]),
        ("tool", "查询天气", ["天气-北京"]),
        ("tag", "amount", ["refund-value", "wrong-tool"]),
    ],
)
def test_filters_choose(page: Page, name: str, value: str, found: list[str]) -> None:
    """By what a case has; one of several tools or tags is enough."""
    page.locator(f"select[data-filter={name}]").select_option(value)
    assert shown(page) == found


def test_filters_and_search_act_together(page: Page) -> None:
    """What is shown fits all of them."""
    page.locator("select[data-filter=outcome]").select_option("!passed")
    assert len(shown(page)) == 7
    page.locator("#search").fill("where")
    assert shown(page) == ["parallel-mis", "timed-out"]
    page.locator("select[data-filter=category]").select_option("simple")
    assert shown(page) == ["timed-out"]


def test_address_opens_its_case(visit: Visit, run_file: Path) -> None:
    """On load, and when it changes, even where a filter hides it; written plainly or escaped."""
    page = visit.page
    page.goto(f"{run_file.as_uri()}#case=refund-value")
    page.wait_for_function("document.activeElement.closest('details')?.open")
    assert "refund-value" in page.locator("#list > details[open] > summary").inner_text()
    page.locator("#search").fill("nothing like it")
    page.evaluate("location.hash = 'case=天气-北京'")
    page.wait_for_function("document.querySelectorAll('#list > details[open]').length == 2")
    assert page.locator("#search").input_value() == ""


def test_unknown_address_is_said_to_be(visit: Visit, run_file: Path) -> None:
    """Not silently ignored."""
    visit.page.goto(f"{run_file.as_uri()}#case=nobody")
    expect(visit.page.locator("#count")).to_have_text("The case of this address is not on this page.")


def test_opening_a_case_gives_its_address(page: Page) -> None:
    """To send to somebody."""
    page.locator("summary", has_text="wrong-tool").click()
    page.wait_for_function("location.hash == '#case=wrong-tool'")


def test_keys(page: Page) -> None:
    """`/` searches, j and k and arrows move, Enter opens, Escape closes; the page says so."""
    assert "/ search, j k or ↓ ↑ move, Enter opens, Esc closes" in page.locator("#keys").inner_text()
    focused = "document.activeElement.closest('details')?.querySelector('code').textContent.slice(0, 12)"
    first, second, *_ = shown(page)
    page.keyboard.press("j")
    assert page.evaluate(focused) == first
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == second
    page.keyboard.press("k")
    assert page.evaluate(focused) == first
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.closest('details').open")
    page.keyboard.press("Escape")
    page.wait_for_function("!document.activeElement.closest('details').open")
    page.keyboard.press("/")
    page.keyboard.type("j/k small-talk")
    assert page.locator("#search").input_value() == "j/k small-talk"
    page.keyboard.press("Escape")
    assert page.locator("#search").input_value() == ""
    assert len(shown(page)) == 12


def test_opened_case_is_not_behind_the_finder(visit: Visit, run_file: Path) -> None:
    """Which stays in sight on a large window."""
    visit.page.set_viewport_size({"width": 1400, "height": 600})
    visit.page.goto(f"{run_file.as_uri()}#case=wrong-tool")
    visit.page.wait_for_function("document.activeElement.closest('details')?.open")
    finder = visit.page.locator(".finder").bounding_box()
    summary = visit.page.locator("#list > details[open] > summary").bounding_box()
    assert finder
    assert summary
    assert summary["y"] >= finder["y"] + finder["height"]


def test_shared_tools_are_copied_into_an_opened_case(page: Page) -> None:
    """They stand once on the page, where only a reader without a script sees them."""
    assert not page.locator("#shared").is_visible()
    case = page.locator("details.case", has_text="refund-value")
    assert case.locator("details.tool").count() == 0
    case.locator("summary").first.click()
    page.wait_for_function("document.querySelectorAll('#list details.tool').length == 3")
    assert "get_delivery_date When an order arrives." in case.inner_text()
    assert page.locator("[id=shared-1]").count() == 1


def test_pairs_are_found_likewise(visit: Visit, comparison_file: Path) -> None:
    """A comparison's list has the same search, links and keys."""
    page = visit.page
    page.goto(f"{comparison_file.as_uri()}#case=order-3")
    expect(page.locator("#list > details[open] > summary")).to_contain_text("passed → wrong value")
    page.locator("#search").fill("order-7")
    assert shown(page) == ["order-7"]
    assert visit.console == []


def test_everything_is_there_without_a_script(browser: Browser, run_file: Path) -> None:
    """The whole list, which opens; tools by a link; and nothing that would not work."""
    page = browser.new_page(java_script_enabled=False)
    page.goto(run_file.as_uri())
    assert page.locator("#list > details").count() == 12
    assert not page.locator(".finder").is_visible()
    assert page.locator("#shared").is_visible()
    case = page.locator("details.case", has_text="refund-value")
    case.locator("summary").click()
    assert case.locator("a.shared").first.is_visible()
    assert "1250" in case.locator("tr.bad").inner_text()
    page.close()
