"""Pictures of the report's charts for the Dagster UI: they hold the marks of the figure."""

import base64
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from orchestration.assets.report_previews import PREVIEWED, preview_svg, report_previews
from orchestration.publishing.report.catalogue import SECTIONS
from orchestration.publishing.report.contents import Shown
from orchestration.publishing.report.exhibits import Exhibit, Rows, words
from orchestration.publishing.report.parts import (
    categories,
    crossed,
    drawn,
    heat_map,
    month_bars,
    month_line,
    over_months,
)

EXHIBITS = {exhibit.id: exhibit for section in SECTIONS for exhibit in section.exhibits}
MONTHS = Rows.of(
    [
        {"order_month": f"2024-0{number}-01", "won": won, "lost": lost, "is_partial_month": partial}
        for number, won, lost, partial in ((1, 10, 5, False), (2, 20, None, False), (3, 4, 1, True))
    ]
)
WON, LOST = words("won & kept", "赢得"), words("lost", "流失")


def picture(figure: dict[str, Any]) -> ElementTree.Element:
    # The text is our own, so that nothing hostile can stand in it.
    return ElementTree.fromstring(preview_svg(figure, "A <title>"))  # noqa: S314


def boxes(svg: ElementTree.Element, color: str) -> list[dict[str, float]]:
    """Places and sizes of the bars or cells of a colour; the legend's is left out."""
    found = [one.attrib for one in svg.findall(".//{*}rect") if one.get("fill") == color]
    sides = ("x", "y", "width", "height")
    placed = [{side: float(one[side]) for side in sides} for one in found]
    return [one for one in placed if one["x"] < 500]


def texts(svg: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in svg.findall(".//{*}text")]


def test_stacked_bars_are_as_high_as_their_values_and_stand_on_each_other() -> None:
    bars = [month_bars(MONTHS, "won", WON, "@blue"), month_bars(MONTHS, "lost", LOST, "@amber")]
    svg = picture(over_months(bars, WON, "count", barmode="stack"))
    won, lost = boxes(svg, "#0072b2"), boxes(svg, "#b98500")
    assert [round(one["height"] / won[0]["height"], 2) for one in won] == [1.0, 2.0, 0.4]
    assert len(lost) == 2
    assert lost[0]["y"] + lost[0]["height"] == pytest.approx(won[0]["y"], abs=0.2)
    assert lost[0]["height"] == pytest.approx(won[0]["height"] / 2, abs=0.2)
    assert {"A <title>", "won & kept", "lost", "2024-03"} <= set(texts(svg))
    pale = [one for one in svg.findall(".//{*}rect") if one.get("opacity")]
    assert len(pale) == 2


def test_a_line_has_a_point_for_every_value_there_is() -> None:
    bars = month_bars(MONTHS, "won", WON, "@blue")
    line = month_line(MONTHS, "lost", LOST, "@vermillion")
    svg = picture(over_months([bars, line], WON, "count"))
    (points,) = [one.attrib["points"].split() for one in svg.findall(".//{*}polyline")]
    assert len(points) == 2


def test_cells_of_a_heat_map_bear_their_values() -> None:
    rows = Rows.of(
        [{"x": x, "y": y, "v": v} for x, y, v in ((1, 1, 0.5), (1, 2, 0.25), (2, 1, 0.1))]
    )
    xs, ys, cells = crossed(rows, "x", "y", "v")
    map_ = heat_map(xs, ys, cells, "percent", WON, WON)
    svg = picture(drawn([map_], xaxis=categories(), yaxis=categories(autorange="reversed")))
    assert {"50%", "25%", "10%"} <= set(texts(svg))
    assert len([text for text in texts(svg) if text.endswith("%")]) == 3


def test_pictures_are_of_charts_of_the_report_and_need_rows() -> None:
    assert set(PREVIEWED) <= set(EXHIBITS)
    exhibit: Exhibit = EXHIBITS["purchase-rates"]
    assert report_previews([Shown(exhibit, Rows((), ()), WON, None, ())]) == {}
    line = month_line(MONTHS, "won", WON, "@blue", "percent")
    figure = over_months([line], WON, "percent")
    pictures = report_previews([Shown(exhibit, MONTHS, WON, figure, ())])
    title, _, encoded = pictures["purchase-rates"].partition("](data:image/svg+xml;base64,")
    assert title == f"![{exhibit.title['en']}"
    assert base64.b64decode(encoded.rstrip(")")).startswith(b"<svg ")
