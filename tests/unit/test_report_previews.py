"""Pictures of the report's charts for the Dagster UI: they hold the marks of the figure."""

import base64
import re
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
from orchestration.publishing.report.sections.migration import migration_figure, walk_figure
from orchestration.publishing.report.sections.segments import treemap_figure

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


FLOWS = Rows.of(
    [
        {
            "from_segment": before, "from_order": rank, "from_name_en": before, "from_name_zh": "",
            "to_segment": after, "to_order": later, "to_name_en": after, "to_name_zh": "",
            "customers": customers,
        }
        for before, rank, after, later, customers in (
            ("best", 1, "best", 1, 30), ("best", 1, "lost", 2, 10), ("new", None, "best", 1, 20),
        )
    ]
)  # fmt: skip


def test_a_sankey_has_nodes_and_flows_as_thick_as_their_customers() -> None:
    svg = picture(migration_figure(FLOWS))
    nodes = [float(one.attrib["height"]) for one in svg.findall(".//{*}rect") if "x" in one.attrib]
    # Left: best 40, new 20; right: best 50, lost 10.
    assert [round(height / nodes[1] * 20) for height in nodes] == [40, 20, 50, 10]
    thick = []
    for path in svg.findall(".//{*}path"):
        (edge,) = re.findall(r",([\d.]+) V([\d.]+)", path.attrib["d"])
        thick.append(float(edge[1]) - float(edge[0]))
    assert sum(thick) == pytest.approx(sum(nodes) / 2, abs=0.3)
    assert [round(one / sum(thick) * 60) for one in thick] == [30, 10, 20]
    assert {"best", "lost", "(not a customer before)"} <= set(texts(svg))


def test_a_treemap_covers_its_space_without_overlap_by_the_values() -> None:
    values = [500, 260, 120, 60, 40, 20]
    rows = Rows.of(
        [
            {
                "segment": f"s{value}", "name_en": f"s{value}", "name_zh": "", "customers": value,
                "customer_share": value / 1000, "mean_monetary": float(value),
            }
            for value in values
        ]
    )  # fmt: skip
    svg = picture(treemap_figure(rows))
    tiles = [
        {side: float(one.attrib[side]) for side in ("x", "y", "width", "height")}
        for one in svg.findall(".//{*}rect")
        if "x" in one.attrib
    ]
    areas = [(one["width"] + 1.5) * (one["height"] + 1.5) for one in tiles]
    assert [round(area / sum(areas), 2) for area in areas] == [value / 1000 for value in values]
    for place, one in enumerate(tiles):
        for other in tiles[:place]:
            across = min(one["x"] + one["width"], other["x"] + other["width"])
            down = min(one["y"] + one["height"], other["y"] + other["height"])
            is_beside = across <= max(one["x"], other["x"]) + 0.1
            assert is_beside or down <= max(one["y"], other["y"]) + 0.1
    assert all(max(one["width"], one["height"]) < 4 * min(one["width"], one["height"])
               for one in tiles)  # fmt: skip
    assert {"s500", "500"} <= set(texts(svg))


def test_a_waterfall_leads_from_one_total_to_the_other() -> None:
    changes = {"new": 50.0, "lost": -120.0, "same_segment": 30.0}
    rows = Rows.of(
        [
            {
                "order_month": "2024-03-01", "movement": movement, "customers": 1,
                "revenue_before": 100.0, "revenue_after": 100.0 + change, "revenue_change": change,
            }
            for movement, change in changes.items()
        ]
    )  # fmt: skip
    svg = picture(walk_figure(rows))
    first, last = boxes(svg, "#0072b2")
    rise, again = boxes(svg, "#008f68")
    (fall,) = boxes(svg, "#d55e00")
    heights = [one["height"] for one in (first, rise, fall, again, last)]
    assert [round(height / first["height"] * 300) for height in heights] == [300, 50, 120, 30, 260]
    # Each hangs where the one before ended.
    assert rise["y"] + rise["height"] == pytest.approx(first["y"], abs=0.2)
    assert fall["y"] == pytest.approx(rise["y"], abs=0.2)
    assert again["y"] == pytest.approx(last["y"], abs=0.2)
    assert {"2024-02", "lost", "same", "segment", "2024-03", "-120"} <= set(texts(svg))


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
