"""Charts as SVG: what is foreign stays text, and the same chart is the same bytes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from fceval.report.charts import COLOURS, drawn, fitted
from fceval.report.document import Chart, Column, Estimate, Mark
from fceval.report.visible import visible
from tests.golden.runs import HOSTILE

_NAME, _SHARE, _COUNT = Column("Group", "name"), Column("Accuracy", "rate"), Column("Responses", "count")
_TIME = Column("From", "seconds")
TITLE = f"Title {HOSTILE}"

CHARTS = {
    "intervals": Chart("intervals", TITLE, "text", (_NAME, _SHARE), ((HOSTILE, Estimate(0.5, 0.25, 0.75)), ("b", 1.0))),
    "bars": Chart("bars", TITLE, "text", (_NAME, _COUNT), ((HOSTILE, 30), ("b", 10))),
    "grid": Chart("grid", TITLE, "text", (_NAME, _NAME, _COUNT, _COUNT), ((HOSTILE, HOSTILE, 3, 0), ("t", "a", 0, 1))),
    "histogram": Chart(
        "histogram",
        TITLE,
        "text",
        (_TIME, _TIME, _COUNT),
        ((0.1, 1.0, 4), (1.0, 10.0, 2)),
        (Mark("half within 400 ms", 0.4), Mark("all within 9 s", 9.0)),
    ),
    "changes": Chart(
        "changes",
        TITLE,
        "text",
        (_NAME, *[_SHARE] * 4),
        ((HOSTILE, 0.8, 0.6, 0.5, 0.7), ("b", 0.5, 0.9, 0.7, 1.1), ("c", 0.5, 0.5, 0.4, 0.6)),
    ),
    "trend": Chart(
        "trend",
        TITLE,
        "text",
        (_NAME, _SHARE, _COUNT),
        ((HOSTILE, Estimate(0.5, 0.4, 0.6), 0), ("b", Estimate(0.7, 0.6, 0.8), 1), ("c", 0.7, 0)),
    ),
}


@pytest.fixture(scope="module")
def svgs() -> dict[str, str]:
    """Give every kind of chart as SVG."""
    return dict(zip(CHARTS, drawn(list(CHARTS.values()), [f"chart-{kind}" for kind in CHARTS]), strict=True))


def _root(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 -- what we drew ourselves


def _said(svg: str) -> list[str]:
    return [element.text or "" for element in _root(svg).iter("text")]


@pytest.mark.parametrize("kind", CHARTS)
def test_only_what_is_seen_is_in_it(kind: str, svgs: dict[str, str]) -> None:
    """No style, no class, no link, no id but ours, and no colour that a page does not know."""
    root = _root(svgs[kind])
    assert {element.tag for element in root.iter()} <= {"svg", "title", "desc", "g", "path", "line", "rect", "text"}
    attributes = [(name, value) for element in root.iter() for name, value in element.attrib.items()]
    assert not {name for name, _ in attributes} & {"style", "class", "href", "clip-path", "font-family"}
    assert {value for name, value in attributes if name == "id"} == {f"chart-{kind}-title", f"chart-{kind}-text"}
    colours = {value for name, value in attributes if name in {"fill", "stroke"}} - {"none", "transparent"}
    assert colours <= set(COLOURS.values())


@pytest.mark.parametrize("kind", CHARTS)
def test_hostile_text_is_text(kind: str, svgs: dict[str, str]) -> None:
    """The title whole, names as far as there is room, and every hidden character shown."""
    root = _root(svgs[kind])
    assert root.findtext("title") == visible(TITLE)
    assert root.findtext("desc") == "text"
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", svgs[kind])
    if kind != "histogram":
        assert any(said.startswith("</pre>") for said in _said(svgs[kind]))


def test_same_chart_same_bytes(svgs: dict[str, str]) -> None:
    """Also when drawn again, after others, and alone."""
    assert drawn([CHARTS["trend"]], ["chart-trend"]) == [svgs["trend"]]
    assert drawn([], []) == []


def test_numbers_stand_beside_the_marks(svgs: dict[str, str]) -> None:
    """Who does not see the colours reads what they say."""
    assert {"50.0%", "100%"} <= set(_said(svgs["intervals"]))
    assert {"30", "10"} <= set(_said(svgs["bars"]))
    assert {"3", "1", "\N{MIDDLE DOT}"} <= set(_said(svgs["grid"]))
    assert {"▼ −20.0", "▲ +40.0", "0.0"} <= set(_said(svgs["changes"]))
    assert {"half within 400 ms", "100 ms", "1 s"} <= set(_said(svgs["histogram"]))


def test_marks_are_where_the_values_are(svgs: dict[str, str]) -> None:
    """Half of the way for a half, all of it for all; a bar is as long as its count is large."""
    moved = re.findall(r'<path transform="translate\(([\d.]+),', svgs["intervals"])
    half, whole = map(float, moved)
    assert half * 2 == pytest.approx(whole)
    long, short = (float(width) for width in re.findall(r'd="M0,\d+h([\d.]+)v14', svgs["bars"]))
    assert long == pytest.approx(3 * short, abs=0.2)


def test_no_mark_leaves_the_plot(svgs: dict[str, str]) -> None:
    """An interval of a difference that reaches beyond all ends there."""
    ends = [
        float(at) + float(length)
        for at, length in re.findall(r'translate\(([\d.]+),[\d.]+\)" x2="(-?[\d.]+)"', svgs["changes"])
    ]
    assert ends
    assert max(ends) <= 400 - 154 - 66


@pytest.mark.parametrize(
    ("text", "shown"),
    [("short", "short"), ("a\u202eb", r"a\u202eb"), ("abcdefghijklmnop", "abcdefghi…"), ("北京今天天气", "北京今天…")],
)
def test_fitted(text: str, shown: str) -> None:
    """By columns of a terminal, as widths of fonts differ; ten of them here."""
    assert fitted(text, 72) == shown
