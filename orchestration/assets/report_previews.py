"""Charts of the report as small pictures for the Dagster UI.

Belongs here: which charts there are pictures of, and drawing a figure's bars, lines and cells as
SVG, in milliseconds and without a library. Does not belong here: the figures
(``publishing/report``), and pictures of learned tables (``previews.py``).
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from orchestration.publishing.report.contents import Shown
from orchestration.publishing.report.exhibits import Figure
from orchestration.publishing.report.palette import resolved

#: Charts with a picture, by id; each of bars, lines or cells on one pair of axes.
PREVIEWED = (
    "revenue-by-month",
    "orders-by-month",
    "states-by-month",
    "purchase-rates",
    "cohort-retention",
    "scores-quintile",
    "segments-quintile",
    "history-quintile",
    "cluster-profiles",
)

_WIDTH, _HEIGHT = 640, 280
#: Edges of the space that is drawn in: left, right, top, bottom.
_LEFT, _RIGHT, _TOP, _BOTTOM = 120, 500, 30, 220
_LEGEND = 512

Trace = dict[str, Any]


def report_previews(shown: Iterable[Shown]) -> dict[str, str]:
    """Markdown with a picture by id of the chart; charts without rows have none.

    Args:
        shown: the report's exhibits with what they show.
    """
    drawn = {one.exhibit.id: one for one in shown if one.figure is not None}
    pictures = {}
    for name in PREVIEWED:
        if name in drawn:
            title = drawn[name].exhibit.title["en"]
            svg = preview_svg(drawn[name].figure or {}, title)
            encoded = base64.b64encode(svg.encode()).decode("ascii")
            pictures[name] = f"![{title}](data:image/svg+xml;base64,{encoded})"
    return pictures


def preview_svg(figure: Figure, title: str) -> str:
    """A chart of the report as SVG, in English on white.

    Args:
        figure: of bars, lines or cells on one pair of axes, as an exhibit draws it.
        title: heading of the chart.
    """
    plain = resolved(figure, "en", "light")
    data: list[Trace] = plain["data"]
    if data[0]["type"] == "heatmap":
        parts = [*_cells(data[0], plain["layout"]["yaxis"].get("autorange") == "reversed")]
    else:
        is_across = data[0].get("orientation") == "h"
        parts = [*_marks(data, plain["layout"], is_across)]
        parts += _legend(data)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="10" fill="#1f2328">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
        f"{_text(_LEFT, 18, title, size=13)}{''.join(parts)}</svg>"
    )


def _marks(data: Sequence[Trace], layout: dict[str, Any], is_across: bool) -> Iterator[str]:
    """Bars and lines over an axis of categories, which goes down where bars lie across."""
    mode = layout.get("barmode", "group")
    is_share = "%" in layout["xaxis" if is_across else "yaxis"].get("tickformat", "")
    names_key, values_key = ("y", "x") if is_across else ("x", "y")
    names = list(dict.fromkeys(name for trace in data for name in trace[names_key]))
    start, end = (_TOP, _BOTTOM) if is_across else (_LEFT, _RIGHT)
    step = (end - start) / len(names)
    places = {name: start + step * (number + 0.5) for number, name in enumerate(names)}
    spans = list(_spans(data, names_key, values_key, mode))
    low = min(0.0, *(min(span) for *_, span in spans))
    high = max(0.0, *(max(span) for *_, span in spans)) or 1.0

    def at(value: float) -> float:
        share = (value - low) / ((high - low) or 1)
        return _LEFT + share * (_RIGHT - _LEFT) if is_across else _BOTTOM - share * (_BOTTOM - _TOP)

    ticks = {
        at(tick): f"{tick:.0%}" if is_share else _short(tick)
        for tick in ([low, 0.0, high] if low else [0.0, high / 2, high])
    }
    yield from _value_axis(ticks, is_across)
    yield from _name_axis(places, step, is_across)
    bars = [trace for trace in data if trace["type"] == "bar"]
    group = len(bars) if mode == "group" else 1
    for trace, name, (first, last) in spans:
        if trace["type"] != "bar":
            continue
        shapes = trace["marker"].get("pattern", {}).get("shape", [])
        is_hatched = bool(shapes) and bool(shapes[list(trace[names_key]).index(name)])
        width = 0.8 * step / group
        shift = (bars.index(trace) - (group - 1) / 2) * width if group > 1 else 0
        begin, length = min(at(first), at(last)), abs(at(last) - at(first))
        middle = places[name] + shift - width / 2
        box = (begin, middle, length, width) if is_across else (middle, begin, width, length)
        yield _box(*box, color=trace["marker"]["color"], opacity=0.45 if is_hatched else 1)
    for trace in data:
        if trace["type"] == "scatter":
            points = [
                f"{places[name]:.1f},{at(span[1]):.1f}" for own, name, span in spans if own is trace
            ]
            yield (
                f'<polyline points="{" ".join(points)}" fill="none" stroke-width="2" '
                f'stroke="{trace["line"]["color"]}"/>'
            )


def _spans(
    data: Sequence[Trace], names: str, values: str, mode: str
) -> Iterator[tuple[Trace, Any, tuple[float, float]]]:
    """From where to where each value reaches; stacked bars begin where the last one ends."""
    tops: dict[tuple[Any, bool], float] = {}
    for trace in data:
        for name, value in zip(trace[names], trace[values], strict=True):
            if value is None:
                continue
            first = 0.0
            if trace["type"] == "bar" and mode != "group":
                first = tops.get((name, value < 0), 0.0)
                tops[name, value < 0] = first + value
            yield trace, name, (first, first + value)


def _cells(trace: Trace, is_first_on_top: bool) -> Iterator[str]:
    """A heat map: cells in steps of the scale, with their values where there is room."""
    width, height = (_RIGHT - _LEFT) / len(trace["x"]), (_BOTTOM - _TOP) / len(trace["y"])
    rows = list(zip(trace["y"], trace["z"], strict=True))
    values = [value for _, line in rows for value in line if value is not None]
    low, high = min(values, default=0), max(values, default=1)
    for number, (name, line) in enumerate(rows if is_first_on_top else rows[::-1]):
        top = _TOP + number * height
        yield _text(_LEFT - 6, top + height / 2 + 3, name, anchor="end")
        for place, value in enumerate(line):
            if value is None:
                continue
            share = (value - low) / ((high - low) or 1)
            color = trace["colorscale"][round(share * (len(trace["colorscale"]) - 1))][1]
            left = _LEFT + place * width
            yield _box(left, top, width - 1, height - 1, color=color)
            if height >= 10 and width >= 24:
                text = f"{value:.0%}" if trace["texttemplate"] == "%{z:.0%}" else _short(value)
                ink = "#ffffff" if share > 0.6 else "#1f2328"
                yield _text(left + width / 2, top + height / 2 + 3, text, anchor="middle", ink=ink)
    for place, name in enumerate(trace["x"]):
        yield _text(_LEFT + (place + 0.5) * width, _BOTTOM + 14, name, anchor="middle")


def _value_axis(ticks: dict[float, str], is_across: bool) -> Iterator[str]:
    for place, tick in ticks.items():
        ends = (place, _TOP, place, _BOTTOM) if is_across else (_LEFT, place, _RIGHT, place)
        yield (
            '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" '.format(*ends)
            + 'stroke="#d5dbe1"/>'
        )
        if is_across:
            yield _text(place, _BOTTOM + 14, tick, anchor="middle")
        else:
            yield _text(_LEFT - 6, place + 3, tick, anchor="end")


def _name_axis(places: dict[Any, float], step: float, is_across: bool) -> Iterator[str]:
    every = 1 if is_across else max(1, round(14 / step))
    for number, (name, place) in enumerate(places.items()):
        if number % every:
            continue
        if is_across:
            yield _text(_LEFT - 6, place + 3, name, anchor="end")
        else:
            yield _text(
                place + 3, _BOTTOM + 6, name, anchor="end",
                turn=f"rotate(-90 {place + 3:.1f} {_BOTTOM + 6})",
            )  # fmt: skip


def _legend(data: Sequence[Trace]) -> list[str]:
    parts = []
    for number, trace in enumerate(data if len(data) > 1 else ()):
        color = trace["marker"]["color"] if trace["type"] == "bar" else trace["line"]["color"]
        top = _TOP + 16 * number
        parts += [
            _box(_LEGEND, top, 9, 9, color=color),
            _text(_LEGEND + 14, top + 8, trace["name"]),
        ]
    return parts


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.3g}{letter}"
    return f"{value:.3g}"


def _box(
    left: float, top: float, width: float, height: float, color: str, opacity: float = 1
) -> str:
    pale = "" if opacity == 1 else f' opacity="{opacity}"'
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{color}"{pale}/>'
    )


def _text(
    left: float, base: float, text: Any, anchor: str = "start", size: int | None = None,
    ink: str | None = None, turn: str | None = None,
) -> str:  # fmt: skip
    options = {"font-size": size, "fill": ink, "transform": turn}
    more = "".join(f' {name}="{value}"' for name, value in options.items() if value is not None)
    return (
        f'<text x="{left:.1f}" y="{base:.1f}" text-anchor="{anchor}"{more}>'
        f"{escape(str(text))}</text>"
    )
