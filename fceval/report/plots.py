"""What is where in a chart: each kind of `fceval.report.document.Chart` as an Altair specification.

Fonts differ from machine to machine, so nothing is placed by the width of a text: room is set aside in pixels, and
text is fitted to it. Import this module late: Altair takes most of a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import altair as alt

from fceval.report.charts import COLOURS, fitted
from fceval.report.document import Cell, Chart, ChartKind, Estimate, Kind
from fceval.report.wording import percent, points, whole

WIDTH_PX = 400
"""Narrow enough for a telephone, on which text must not shrink away."""

_FONT_PX = 12
_HEAD_PX = 11
_ROW_PX = 24
_GRID_ROW_PX = 40
_NAMES_PX = 154
_GAP_PX = 10
_PLOT_PX = 150
_POINTS_SHOWN = 60
_WHOLE_PERCENT = 0.01
_LATE = 0.6
"""Share of a plot beyond which a label has no room to the right of its mark."""
_AXIS: dict[str, Any] = {
    "title": None,
    "domain": False,
    "ticks": False,
    "gridColor": COLOURS["line"],
    "labelColor": COLOURS["quiet"],
    "labelFontSize": _FONT_PX,
    # What follows keeps the place of a label from depending on how wide it is.
    "labelPadding": 8,
    "labelOverlap": False,
    "labelFlush": False,
    "labelLimit": 0,
}
_FORMATS: Mapping[Kind, str] = {"rate": ".0%", "usd": "$.3~r"}
_SECONDS = "datum.value < 1 ? format(datum.value * 1000, ',.3~r') + ' ms' : format(datum.value, ',.3~r') + ' s'"
"""In Vega's expressions; how an axis says durations."""
_SIZES = {"circle": 90, "diamond": 130, "triangle-right": 170, "triangle-left": 170}
_HALO: dict[str, Any] = {"stroke": COLOURS["ground"], "strokeWidth": 4}
_LOG_STEPS = (1, 2, 5)
_LOG_TICKS = 6

_Row: TypeAlias = dict[str, Any]
_Align: TypeAlias = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class _Plot:
    """Data by name, layers that draw them, and the room for them in pixels; the width is the same for all."""

    data: Mapping[str, Sequence[_Row]]
    layers: list[Any]
    height: float
    left: float
    right: float
    top: float
    bottom: float


def specification(chart: Chart) -> dict[str, Any]:
    """Return a chart as a Vega-Lite specification."""
    plot = _KINDS[chart.kind](chart)
    whole_chart = (
        alt.layer(*plot.layers)
        .properties(
            width=WIDTH_PX - plot.left - plot.right,
            height=plot.height,
            padding={"left": plot.left, "right": plot.right, "top": plot.top, "bottom": plot.bottom},
            autosize=alt.AutoSizeParams(type="none"),
        )
        .configure(aria=False, background="transparent")
        .configure_view(stroke=None)
    )
    found: dict[str, Any] = whole_chart.to_dict(validate=False)
    # Altair copies what it is given at every step, and hashes data; it need not see them.
    return {**found, "datasets": {name: list(rows) for name, rows in plot.data.items()}}


def _of(data: str) -> alt.Chart:
    """Return a chart of the data of a name."""
    return alt.Chart(alt.NamedData(name=data))


def _text(data: str, colour: str = "text", align: _Align = "left", **options: Any) -> alt.Chart:  # noqa: ANN401 -- Altair's
    shown = {"baseline": "middle", "fontSize": _FONT_PX, **options}
    made: alt.Chart = _of(data).mark_text(color=COLOURS[colour], align=align, **shown)
    return made


def _rule(data: str, colour: str, **options: Any) -> alt.Chart:  # noqa: ANN401 -- Altair's
    made: alt.Chart = _of(data).mark_rule(color=COLOURS[colour], **options)
    return made


def _points(data: str, colour: str, shape: str = "circle", *, filled: bool = True) -> alt.Chart:
    # The ground sets a filled point off from what it lies on, and fills a hollow one.
    stroke, fill = ("ground", colour) if filled else (colour, "ground")
    made: alt.Chart = _of(data).mark_point(
        shape=shape,
        size=_SIZES[shape] if filled else 60,
        opacity=1,
        stroke=COLOURS[stroke],
        strokeWidth=2,
        fill=COLOURS[fill],
    )
    return made


def _rows_axis(name: str = "row") -> alt.Y:
    return alt.Y(f"{name}:O", axis=None, sort=None, scale=alt.Scale(padding=0))


def _names(data: str, **options: Any) -> alt.Chart:  # noqa: ANN401 -- Altair's
    """Return the name of each row, left of the plot."""
    return _text(data, align="right", **options).encode(x=alt.XValue(-_GAP_PX), y=_rows_axis(), text=alt.Text("name:N"))


def _name(cell: Cell) -> str:
    return fitted(str(cell), _NAMES_PX - _GAP_PX)


def _number(cell: Cell) -> float:
    """Return a cell's number; 0 where it has none."""
    if isinstance(cell, Estimate):
        return cell.value
    return cell if isinstance(cell, int | float) else 0.0


# --- shares and counts of groups ------------------------------------------------------------------------------------


def _intervals(chart: Chart) -> _Plot:
    right = 58.0
    rows: list[_Row] = []
    for at, (name, share, *_) in enumerate(chart.rows):
        row = {"row": at, "name": _name(name), "value": _number(share), "said": percent(_number(share))}
        rows.append(row | ({"low": share.low, "high": share.high} if isinstance(share, Estimate) else {}))
    shares = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%", **_AXIS)
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("value:Q", axis=shares, scale=scale)
    spans = [row for row in rows if "low" in row]
    width = WIDTH_PX - _NAMES_PX - right
    layers = [
        _rule("spans", "fill", strokeWidth=6).encode(
            x=alt.X("low:Q", axis=shares, scale=scale), x2=alt.X2("high"), y=_rows_axis()
        ),
        _points("rows", "accent").encode(x=x, y=_rows_axis()),
        _names("rows"),
        _text("rows").encode(x=alt.XValue(width + _GAP_PX), y=_rows_axis(), text=alt.Text("said:N")),
    ]
    return _Plot({"rows": rows, "spans": spans}, layers, len(rows) * _ROW_PX, _NAMES_PX, right, 4, 26)


def _bars(chart: Chart) -> _Plot:
    right = 58.0
    rows: list[_Row] = [
        {"row": at, "name": _name(name), "value": _number(count), "said": whole(_number(count))}
        for at, (name, count, *_) in enumerate(chart.rows)
    ]
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, max(row["value"] for row in rows)], nice=False))
    layers = [
        _of("rows").mark_bar(color=COLOURS["accent"], height=14).encode(x=x, y=_rows_axis()),
        _names("rows"),
        _text("rows", dx=6).encode(x=x, y=_rows_axis(), text=alt.Text("said:N")),
    ]
    return _Plot({"rows": rows}, layers, len(rows) * _ROW_PX, _NAMES_PX, right, 4, 4)


def _grid(chart: Chart) -> _Plot:
    left = 154.0
    heads = chart.columns[2:]
    most = max(_number(count) for row in chart.rows for count in row[2:])
    names, cells = [], []
    for at, (tool, argument, *numbers) in enumerate(chart.rows):
        fits = (left - _GAP_PX) * 0.92  # bold letters are wider
        names.append({"row": at, "tool": fitted(str(tool), fits), "name": fitted(str(argument), fits)})
        for place, count in enumerate(map(_number, numbers)):
            said = whole(count) if count else "\N{MIDDLE DOT}"
            cells.append(
                {"row": at, "column": place, "said": said, "shade": 0.15 + 0.85 * count / most if count else 0}
            )
    heads_of = [head.label.partition(" ") for head in heads]
    words = [{"column": at, "above": above, "below": below} for at, (above, _, below) in enumerate(heads_of)]
    x = alt.X("column:O", axis=None, sort=None, scale=alt.Scale(padding=0))
    shade = alt.FillOpacity("shade:Q", legend=None, scale=None)
    layers = [
        _of("cells")
        .mark_rect(color=COLOURS["fill"], stroke=COLOURS["ground"], strokeWidth=2)
        .encode(x=x, y=_rows_axis(), fillOpacity=shade),
        _text("cells", align="center").encode(x=x, y=_rows_axis(), text=alt.Text("said:N")),
        _names("names", dy=-7, fontWeight="bold"),
        _text("names", "quiet", "right", dy=8).encode(x=alt.XValue(-_GAP_PX), y=_rows_axis(), text=alt.Text("tool:N")),
        *(
            _text("words", "quiet", "center", fontSize=_HEAD_PX).encode(
                x=x, y=alt.YValue(y), text=alt.Text(f"{line}:N")
            )
            for line, y in (("above", -26), ("below", -12))
        ),
    ]
    data = {"cells": cells, "names": names, "words": words}
    return _Plot(data, layers, len(names) * _GRID_ROW_PX, left, 4, 38, 4)


# --- amounts and what became of them ----------------------------------------------------------------------------------


def _histogram(chart: Chart) -> _Plot:
    side = 18.0
    bins: list[_Row] = [
        {"low": _number(low), "high": _number(high), "count": _number(count), "none": 0}
        for low, high, count, *_ in chart.rows
    ]
    low, high = min(each["low"] for each in bins), max(each["high"] for each in bins)
    ticks = alt.Axis(values=_log_ticks(low, high), labelExpr=_SECONDS, grid=False, **_AXIS)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    counts = alt.Scale(domain=[0, max(each["count"] for each in bins)], nice=False)
    layers = [
        _of("bins")
        .mark_rect(color=COLOURS["fill"], stroke=COLOURS["ground"])
        .encode(
            x=alt.X("low:Q", axis=ticks, scale=scale),
            x2=alt.X2("high"),
            y=alt.Y("none:Q", axis=None, scale=counts),
            y2=alt.Y2("count"),
        ),
        _rule("ground", "quiet").encode(x=alt.XValue(0), x2=alt.X2Value(WIDTH_PX - 2 * side), y=alt.YValue(_PLOT_PX)),
    ]
    marks: list[_Row] = [
        {"at": mark.value, "said": fitted(mark.label, 2 * _NAMES_PX)}
        for mark in chart.marks
        if low <= mark.value <= high
    ]
    data: dict[str, list[_Row]] = {
        "bins": bins,
        "ground": [{}],
        "marks": marks,
        **{f"mark-{at}": [mark] for at, mark in enumerate(marks)},
    }
    at_mark = alt.X("at:Q", axis=ticks, scale=scale)
    top = -16 * len(marks)
    layers.append(
        _rule("marks", "text", strokeDash=[4, 3]).encode(x=at_mark, y=alt.YValue(top), y2=alt.Y2Value(_PLOT_PX))
    )
    for at, mark in enumerate(marks):
        is_late = math.log(float(mark["at"]) / low) > _LATE * math.log(high / low)
        side_of: _Align = "right" if is_late else "left"
        # One below the other, above the bars: the first two are often close. A halo parts them from the lines.
        layers += [
            _text(f"mark-{at}", align=side_of, dx=-5 if is_late else 5, **halo).encode(
                x=at_mark, y=alt.YValue(top + 16 * at + 7), text=alt.Text("said:N")
            )
            for halo in (_HALO, {})
        ]
    return _Plot(data, layers, _PLOT_PX, side, side, 16 * len(marks) + 4, 28)


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers from low to high, evenly spaced on a logarithmic scale."""
    first, last = (int(f"{value:e}".partition("e")[2]) for value in (low, high))
    for steps in (_LOG_STEPS, _LOG_STEPS[:1]):
        found = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        ticks = [tick for tick in found if low <= tick <= high]
        if len(ticks) <= _LOG_TICKS:
            break
    return ticks


def _changes(chart: Chart) -> _Plot:
    right = 66.0
    rows: list[_Row] = []
    for at, (name, *shares) in enumerate(chart.rows):
        # An interval of a difference may reach beyond all and none, where there is nothing to draw.
        before, now, low, high = (min(max(_number(share), 0), 1) for share in shares)
        certain = "better" if low > before else "worse" if high < before else "unclear"
        said = f"{_SIGNS[certain]}{points(now - before)}"
        row = {"row": at, "name": _name(name), "before": before, "now": now, "low": low, "high": high}
        rows.append({**row, "certain": certain, "said": said})
    ends: list[float] = [row[name] for row in rows for name in ("before", "now", "low", "high")]
    domain = [max(0, int(min(ends) * 20) / 20), min(1, int(max(ends) * 20 + 1) / 20)]
    shares_axis = alt.Axis(format=".0%", tickCount=4, **_AXIS)

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", axis=shares_axis, scale=alt.Scale(domain=domain, nice=False))

    by_certainty = {certain: [row for row in rows if row["certain"] == certain] for certain in _ENDS}
    width = WIDTH_PX - _NAMES_PX - right
    layers = [
        _rule("rows", "fill", strokeWidth=6).encode(x=x("low"), x2=alt.X2("high"), y=_rows_axis()),
        _rule("rows", "quiet", strokeWidth=2).encode(x=x("before"), x2=alt.X2("now"), y=_rows_axis()),
        _points("rows", "quiet", filled=False).encode(x=x("before"), y=_rows_axis()),
        *(
            _points(certain, colour, shape).encode(x=x("now"), y=_rows_axis())
            for certain, (colour, shape) in _ENDS.items()
            if by_certainty[certain]
        ),
        _names("rows"),
        _text("rows").encode(x=alt.XValue(width + _GAP_PX), y=_rows_axis(), text=alt.Text("said:N")),
    ]
    return _Plot({"rows": rows, **by_certainty}, layers, len(rows) * _ROW_PX, _NAMES_PX, right, 4, 26)


_SIGNS = {
    "better": "\N{BLACK UP-POINTING TRIANGLE} ",
    "worse": "\N{BLACK DOWN-POINTING TRIANGLE} ",
    "unclear": "",
}
_ENDS = {"better": ("good", "triangle-right"), "worse": ("bad", "triangle-left"), "unclear": ("accent", "circle")}


def _trend(chart: Chart) -> _Plot:
    left, right = 52.0, 14.0
    kind = chart.columns[1].kind
    rows: list[_Row] = []
    for at, (_, value, is_change, *_) in enumerate(chart.rows):
        row: _Row = {"at": at, "value": _number(value), "changed": bool(is_change)}
        rows.append(row | ({"low": value.low, "high": value.high} if isinstance(value, Estimate) else {}))
    spans = [row for row in rows if "low" in row]
    ends: list[float] = [row[name] for row in rows for name in ("value", "low", "high") if name in row]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1
    bounds = [max(0, low - room), min(1, high + room) if kind == "rate" else high + room]
    step = (bounds[1] - bounds[0]) / 4
    shown = ".1%" if kind == "rate" and step < _WHOLE_PERCENT else _FORMATS.get(kind, "~s")
    said: dict[str, Any] = {"labelExpr": _SECONDS} if kind == "seconds" else {"format": shown}
    values = alt.Axis(tickCount=4, **said, **_AXIS)
    scale = alt.Scale(domain=bounds, nice=False)
    x = alt.X("at:Q", axis=None, scale=alt.Scale(domain=[0, max(1, len(rows) - 1)], nice=False))

    def y(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", axis=values, scale=scale)

    few = rows if len(rows) <= _POINTS_SHOWN else [rows[-1]]
    below = alt.YValue(_PLOT_PX + 16)
    data: dict[str, Sequence[_Row]] = {
        "rows": rows,
        "spans": spans,
        "changed": [row for row in rows if row["changed"]],
        "points": [row for row in few if not row["changed"]],
    }
    layers = [
        _of("spans")
        .mark_area(color=COLOURS["fill"], opacity=1, fillOpacity=0.45)
        .encode(x=x, y=y("low"), y2=alt.Y2("high")),
        _rule("changed", "text", strokeDash=[4, 3]).encode(x=x, y=alt.YValue(0), y2=alt.Y2Value(_PLOT_PX)),
        _of("rows").mark_line(color=COLOURS["accent"], strokeWidth=2).encode(x=x, y=y("value")),
        _points("points", "accent").encode(x=x, y=y("value")),
        _points("changed", "text", "diamond").encode(x=x, y=y("value")),
        _text("first", "quiet").encode(x=x, y=below, text=alt.Text("said:N")),
        _text("last", "quiet", "right").encode(x=x, y=below, text=alt.Text("said:N")),
    ]
    # The places between the two are in the table.
    for place, at in (("first", 0), ("last", len(rows) - 1)):
        data[place] = [{"at": at, "said": fitted(str(chart.rows[at][0]), _NAMES_PX)}]
    return _Plot(data, layers, _PLOT_PX, left, right, 8, 26)


_KINDS: Mapping[ChartKind, Callable[[Chart], _Plot]] = {
    "intervals": _intervals,
    "bars": _bars,
    "grid": _grid,
    "histogram": _histogram,
    "changes": _changes,
    "trend": _trend,
}
