"""A step summary that renders, and annotations that are the only workflow commands in it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from fceval.report.document import Report
from fceval.report.exporters.github import ANNOTATIONS, LIMIT_BYTES, PLUGIN
from tests.golden.runs import troubled_run


def _lines(report: Report) -> list[str]:
    return PLUGIN.render(report).decode().splitlines()


def _commands(lines: list[str]) -> list[str]:
    """Return what the runner takes for commands: the newer form begins a line, the older stands anywhere."""
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def test_annotations() -> None:
    """One on the whole, one for each failure of the model's; escaped as the runner reads them."""
    commands = _commands(_lines(troubled_run().report()))
    assert commands[0].startswith("::warning title=Function calling%3A support nightly::INCOMPLETE: only 11 of 12")
    assert "accuracy 45.5%25" in commands[0]
    assert [line.split(" ", 1)[0] for line in commands[1:]] == ["::error"] * 6
    assert commands[1] == (
        "::error title=refund-value::wrong value: issue_refund, argument amount: expected 12.5, got 1250"
    )


def test_no_more_errors_than_are_shown() -> None:
    """The last one counts those that have no line of their own."""
    report = troubled_run().report()
    failed = next(case for case in report.cases if case.measured and not case.passed)
    commands = _commands(_lines(replace(report, cases=(failed,) * 25)))
    assert len(commands) == 1 + ANNOTATIONS
    assert commands[-1].endswith("16 more responses failed")


def test_foreign_text_is_no_command(hostile: Report) -> None:
    """Whatever it holds, the commands are those of the comment at the top, and nothing in them ends it."""
    lines = _lines(hostile)
    start, end = lines.index("<!--"), lines.index("-->")
    comment = lines[start + 1 : end]
    assert _commands(lines) == comment
    assert len(comment) <= 1 + ANNOTATIONS
    assert not [line for line in comment if re.search(r"--!?>", line)]
    assert all(re.fullmatch(r"::(notice|error) title=[^:,]*::(?:[^%]|%25)*", line) for line in comment)


@pytest.mark.parametrize("text", ["--> <b>", "--!> <b>", "---> <b>", "100%0A::x", "a: b, c\n::error::x"])
def test_annotation_of_foreign_text(text: str) -> None:
    """It neither ends the comment, nor the title, nor its own line."""
    report = troubled_run().report()
    failed = next(case for case in report.cases if case.measured and not case.passed)
    lines = _lines(replace(report, cases=(replace(failed, case_id=text, detail=text),)))
    comment = lines[lines.index("<!--") + 1 : lines.index("-->")]
    assert len(comment) == 2
    assert re.fullmatch(r"::error title=(?:(?!--!?>)(?:[^:,%]|%25|%3A|%2C))*::(?:(?!--!?>)(?:[^%]|%25))*", comment[1])


def test_foreign_text_renders_as_text(hostile: Report) -> None:
    """The comment is the only HTML; there is no link and no image."""
    tokens = MarkdownIt("commonmark").enable("table").parse(PLUGIN.render(hostile).decode())
    inside = [child for token in tokens for child in token.children or ()]
    assert [token.content.startswith("<!--") for token in tokens if token.type == "html_block"] == [True]
    assert not {each.type for each in inside} & {"html_inline", "link_open", "image"}


def test_stays_under_the_limit() -> None:
    """It ends at a row, and says so."""
    report = troubled_run().report()
    long = replace(report.cases[-1], category="x" * 20_000)
    content = PLUGIN.render(replace(report, cases=(long,) * 90))
    assert 0.9 * LIMIT_BYTES < len(content) < LIMIT_BYTES
    *_, row, empty, said = content.decode().splitlines()
    assert (row[:2], row[-2:], empty) == ("| ", " |", "")
    assert said.startswith("**Cut here")


def test_few_rows_say_how_many_there_are() -> None:
    """The table of failures is cut before it buries the rest."""
    report = troubled_run().report()
    failed = next(case for case in report.cases if not case.passed)
    lines = _lines(replace(report, cases=(failed,) * 1234))
    assert "The first 100 of 1,234." in lines
    assert "### By category" in lines
