"""Charts of the report as small pictures for the Dagster UI.

Belongs here: which charts there are pictures of, and drawing a figure's bars, lines and cells as
SVG, in milliseconds and without a library. Does not belong here: charts without two plain axes
(``preview_shapes.py``), the figures (``publishing/report``), and pictures of learned tables
(``previews.py``).
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from orchestration.assets.preview_shapes import flows, steps, tiles
from orchestration.assets.svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    LEGEND,
    RIGHT,
    TOP,
    WIDTH,
    Trace,
    box,
    name_axis,
    places_of,
    short,
    text,
    value_axis,
)
from orchestration.publishing.report.contents import Shown
from orchestration.publishing.report.exhibits import Figure
from orchestration.publishing.report.palette import resolved

#: Charts with a picture, by id.
PREVIEWED = (
    "revenue-by-month",
    "orders-by-month",
    "states-by-month",
    "purchase-rates",
    "cohort-retention",
    "scores-quintile",
    "segments-quintile",
    "treemap-quintile",
    "history-quintile",
    "migration-quintile",
    "revenue-walk-quintile",
    "cluster-profiles",
)

_SHAPES = {"sankey": flows, "treemap": tiles, "waterfall": steps}


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
        figure: as an exhibit draws it: bars and lines on one pair of axes, or one heat map, Sankey,
            treemap or waterfall.
        title: heading of the chart.
    """
    plain = resolved(figure, "en", "light")
    data: list[Trace] = plain["data"]
    if data[0]["type"] == "heatmap":
        parts = [*_cells(data[0], plain["layout"]["yaxis"].get("autorange") == "reversed")]
    elif data[0]["type"] in _SHAPES:
        parts = [*_SHAPES[data[0]["type"]](data[0])]
    else:
        is_across = data[0].get("orientation") == "h"
        parts = [*_marks(data, plain["layout"], is_across)]
        parts += _legend(data)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="10" fill="#1f2328">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        f"{text(LEFT, 18, title, size=13)}{''.join(parts)}</svg>"
    )


def _marks(data: Sequence[Trace], layout: dict[str, Any], is_across: bool) -> Iterator[str]:
    """Bars and lines over an axis of categories, which goes down where bars lie across."""
    mode = layout.get("barmode", "group")
    is_share = "%" in layout["xaxis" if is_across else "yaxis"].get("tickformat", "")
    names_key, values_key = ("y", "x") if is_across else ("x", "y")
    names = list(dict.fromkeys(name for trace in data for name in trace[names_key]))
    start, end = (TOP, BOTTOM) if is_across else (LEFT, RIGHT)
    places, step = places_of(names, start, end)
    spans = list(_spans(data, names_key, values_key, mode))
    low = min(0.0, *(min(span) for *_, span in spans))
    high = max(0.0, *(max(span) for *_, span in spans)) or 1.0

    def at(value: float) -> float:
        share = (value - low) / ((high - low) or 1)
        return LEFT + share * (RIGHT - LEFT) if is_across else BOTTOM - share * (BOTTOM - TOP)

    ticks = {
        at(tick): f"{tick:.0%}" if is_share else short(tick)
        for tick in ([low, 0.0, high] if low else [0.0, high / 2, high])
    }
    yield from value_axis(ticks, is_across)
    yield from name_axis(places, step, is_across)
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
        place = (begin, middle, length, width) if is_across else (middle, begin, width, length)
        yield box(*place, color=trace["marker"]["color"], opacity=0.45 if is_hatched else 1)
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
    width, height = (RIGHT - LEFT) / len(trace["x"]), (BOTTOM - TOP) / len(trace["y"])
    rows = list(zip(trace["y"], trace["z"], strict=True))
    values = [value for _, line in rows for value in line if value is not None]
    low, high = min(values, default=0), max(values, default=1)
    for number, (name, line) in enumerate(rows if is_first_on_top else rows[::-1]):
        top = TOP + number * height
        yield text(LEFT - 6, top + height / 2 + 3, name, anchor="end")
        for place, value in enumerate(line):
            if value is None:
                continue
            share = (value - low) / ((high - low) or 1)
            color = trace["colorscale"][round(share * (len(trace["colorscale"]) - 1))][1]
            left = LEFT + place * width
            yield box(left, top, width - 1, height - 1, color=color)
            if height >= 10 and width >= 24:
                label = f"{value:.0%}" if trace["texttemplate"] == "%{z:.0%}" else short(value)
                ink = "#ffffff" if share > 0.6 else "#1f2328"
                yield text(left + width / 2, top + height / 2 + 3, label, anchor="middle", ink=ink)
    for place, name in enumerate(trace["x"]):
        yield text(LEFT + (place + 0.5) * width, BOTTOM + 14, name, anchor="middle")


def _legend(data: Sequence[Trace]) -> list[str]:
    parts = []
    for number, trace in enumerate(data if len(data) > 1 else ()):
        color = trace["marker"]["color"] if trace["type"] == "bar" else trace["line"]["color"]
        top = TOP + 16 * number
        parts += [
            box(LEGEND, top, 9, 9, color=color),
            text(LEGEND + 14, top + 8, trace["name"]),
        ]
    return parts
