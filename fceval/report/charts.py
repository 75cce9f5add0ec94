"""Charts of the neutral report as SVG elements: `plots` says what is where, vl-convert draws it, this makes it safe.

The same chart gives the same bytes on any machine. Foreign text reaches Vega as a value only, never as a field's name
or in an expression; it is made visible first, and leaves as escaped text.

Colours are those of `COLOURS`, as presentation attributes, so that a chart is complete by itself. A page's style sheet
may put others in their place, as for a dark ground: rules win over such attributes.
"""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from threading import Thread

from fceval.report.document import Chart
from fceval.report.visible import visible

COLOURS: Mapping[str, str] = {
    "text": "#1c2430",
    "quiet": "#566070",
    "line": "#d9dde3",
    "accent": "#2458b8",
    "fill": "#6a93d8",
    "bad": "#a3221a",
    "good": "#1d6b3a",
    "ground": "#ffffff",
}
"""By the name of what they are for; no other is in a chart."""

CHARACTER_PX = 7.2
"""Width of a character of a chart's text, on average, in a wide font."""

_SVG = "http://www.w3.org/2000/svg"
_KEPT = frozenset(
    {
        *("d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "transform"),
        *("fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity"),
        *("font-size", "font-weight", "text-anchor"),
    }
)
"""Attributes that say what is seen; what Vega writes beside them is for its own runtime, or stands in the caption."""
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_NOTHING = {"d": ("", "M0,0h0v0h0Z"), "display": ("none",)}


def drawn(charts: Sequence[Chart], names: Sequence[str]) -> list[str]:
    """Return each chart as an SVG element with a title and a description.

    Args:
        charts: What to draw.
        names: An id for each, of letters, digits and hyphens, which no other element of the page has.
    """
    if not charts:
        return []
    import vl_convert  # noqa: PLC0415 -- most reports on few responses have no chart

    # Its JavaScript engine takes a second to start; meanwhile Altair can be imported, which takes nearly as long.
    starting = Thread(target=vl_convert.vegalite_to_svg, args=({"data": {"values": []}, "mark": "point"},))
    starting.start()
    from fceval.report import plots  # noqa: PLC0415 -- likewise

    specifications = [plots.specification(chart) for chart in charts]
    starting.join()
    return [
        _cleaned(vl_convert.vegalite_to_svg(specification), chart, name)
        for specification, chart, name in zip(specifications, charts, names, strict=True)
    ]


def fitted(text: str, width_px: float) -> str:
    """Return what a column has room for of a text made visible; counted, not measured, as fonts differ."""
    shown = visible(text)
    room = int(width_px / CHARACTER_PX)
    if sum(map(_columns, shown)) <= room:
        return shown
    kept: list[str] = []
    for character in shown:
        room -= _columns(character)
        if room < 1:
            break
        kept.append(character)
    return "".join(kept) + "\N{HORIZONTAL ELLIPSIS}"


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cleaned(svg: str, chart: Chart, name: str) -> str:
    """Return the drawing without what is not seen, named and described for those who do not see it."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(svg)  # noqa: S314 -- vl-convert's, not anybody's
    _clean(root)
    for attribute in ("width", "height"):
        root.attrib.pop(attribute, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-text"}
    about = {"title": chart.title, "text": chart.text}
    for place, (what, tag) in enumerate({"title": "title", "text": "desc"}.items()):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{what}"})
        element.text = visible(about[what])
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode").replace(f' xmlns="{_SVG}"', "", 1)


def _clean(element: ET.Element) -> None:
    for child in list(element):
        if any(child.get(attribute) in values for attribute, values in _NOTHING.items()):
            element.remove(child)
            continue
        _clean(child)
        if child.tag == f"{{{_SVG}}}g" and not len(child):
            element.remove(child)
    kept = {*_KEPT, "viewBox"} if element.tag == f"{{{_SVG}}}svg" else _KEPT
    for attribute, value in list(element.attrib.items()):
        if attribute not in kept:
            del element.attrib[attribute]
        else:
            element.attrib[attribute] = _LONG_NUMBER.sub(_rounded, value)


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
