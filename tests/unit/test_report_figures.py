"""Charts of the report: what is drawn and said is what the rows say. No database, no page."""

from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from orchestration.publishing.report import page
from orchestration.publishing.report.catalogue import SECTIONS
from orchestration.publishing.report.exhibits import LANGUAGES, Exhibit, Rows
from orchestration.publishing.report.palette import THEMES, ordered_colors, resolved
from orchestration.publishing.report.wording import compared, money, month, percent

EXHIBITS = {exhibit.id: exhibit for section in SECTIONS for exhibit in section.exhibits}


def drawn(name: str, rows: Rows) -> list[dict[str, Any]]:
    """Traces of a chart, in English on a light page."""
    figure = EXHIBITS[name].figure
    assert figure is not None
    traces: list[dict[str, Any]] = resolved(figure(rows))["data"]
    return traces


def said(name: str, rows: Rows) -> str:
    return EXHIBITS[name].reading(rows)["en"]


def sales(order_month: str, gross: str, net: str, is_partial: bool = False) -> dict[str, Any]:
    return {
        "order_month": date.fromisoformat(f"{order_month}-01"), "orders": 4, "buyers": 2,
        "orders_per_buyer": 1.5, "units": 12, "units_per_order": 3.0,
        "gross_revenue": Decimal(gross), "net_revenue": Decimal(net),
        "is_partial_month": is_partial,
    }  # fmt: skip


SALES = Rows.of(
    [
        sales("2024-01", "120", "100"),
        sales("2024-02", "90", "75"),
        sales("2024-03", "5", "-2", True),
    ]
)


def states(order_month: str, *counts: int, is_partial: bool = False) -> dict[str, Any]:
    names = ("new", "active", "reactivated", "inactive", "newly_lapsed")
    row: dict[str, Any] = dict(zip(names, counts, strict=True))
    row["buyers"] = row["new"] + row["active"] + row["reactivated"]
    row["customers"] = row["buyers"] + row["inactive"]
    return {
        "order_month": date.fromisoformat(f"{order_month}-01"), **row,
        "is_partial_month": is_partial,
    }  # fmt: skip


STATES = Rows.of(
    [states("2024-01", 5, 0, 0, 0, 0), states("2024-02", 2, 3, 0, 2, 2),
     states("2024-03", 1, 0, 1, 5, 5, is_partial=True)]
)  # fmt: skip


def test_revenue_bars_hold_the_months_and_hatch_the_partial_one() -> None:
    gross, net = drawn("revenue-by-month", SALES)
    assert gross["x"] == net["x"] == ["2024-01", "2024-02", "2024-03"]
    assert gross["y"] == [120.0, 90.0, 5.0]
    assert net["y"] == [100.0, 75.0, -2.0]
    assert gross["marker"]["pattern"]["shape"] == ["", "", "/"]
    assert said("revenue-by-month", SALES) == (
        "February 2024 brought 75.00 net, 25.0% below the best month, January 2024; returns and "
        "discounts took 16.7% of its gross revenue."
    )


def test_lapsed_buyers_are_drawn_below_the_axis_and_told_above_it() -> None:
    traces = {trace["name"]: trace for trace in drawn("buyers-by-state", STATES)}
    assert traces["newly lapsed"]["y"] == [0, -2, -5]
    assert traces["newly lapsed"]["customdata"] == [0, 2, 5]
    assert traces["active"]["y"] == [0, 3, 0]
    assert said("buyers-by-state", STATES) == (
        "In February 2024 2 new and 0 returning buyers came, 2 of the month before stayed away: "
        "+0 buyers."
    )


def test_stacked_states_are_all_customers_of_the_month() -> None:
    traces = drawn("states-by-month", STATES)
    totals = [sum(values) for values in zip(*(trace["y"] for trace in traces), strict=True)]
    assert totals == STATES.column("customers")


def test_cohorts_are_rows_and_ages_columns_without_the_first_month() -> None:
    rows = Rows.of(
        [
            {"cohort_month": date(2024, first, 1), "age_months": age, "cohort_size": 4,
             "buyers": buyers, "retention_rate": buyers / 4, "is_partial_month": False}
            for first, age, buyers in (
                (1, 0, 4), (1, 1, 2), (1, 2, 1), (2, 0, 4), (2, 1, 3), (3, 0, 4)
            )
        ]
    )  # fmt: skip
    (trace,) = drawn("cohort-retention", rows)
    assert trace["x"] == ["1", "2"]
    assert trace["y"] == ["2024-01", "2024-02"]
    assert trace["z"] == [[0.5, 0.25], [0.75, None]]
    assert "62.5% of the customers buy again one month after" in said("cohort-retention", rows)


def test_walk_goes_from_the_month_before_to_the_month() -> None:
    rows = Rows.of(
        [
            {"order_month": date(2024, 1, 1), "movement": movement, "movement_order": number,
             "customers": 1, "revenue_before": Decimal(before), "revenue_after": Decimal(after),
             "revenue_change": Decimal(after - before)}
            for number, (movement, before, after) in enumerate(
                (("new", 0, 40), ("lost", 70, 0), ("same_segment", 30, 35)), start=1
            )
        ]
    )  # fmt: skip
    (trace,) = drawn("revenue-walk-quintile", rows)
    assert trace["measure"] == ["absolute", "relative", "relative", "relative", "total"]
    assert trace["y"] == [100.0, 40.0, -70.0, 5.0, 75.0]
    assert trace["x"] == ["2023-12", "new", "lost", "same segment", "2024-01"]
    assert sum(trace["y"][:4]) == trace["y"][4]
    assert said("revenue-walk-quintile", rows) == (
        "Customer revenue was 75.00 in January 2024, 25.0% below the month before; the largest "
        'part of the change is "lost" with -70.'
    )


def _move(before: tuple[str, int | None], after: tuple[str, int | None], number: int) -> Any:
    row: dict[str, Any] = {
        "from_snapshot": date(2024, 1, 31), "to_snapshot": date(2024, 2, 29), "customers": number
    }  # fmt: skip
    for side, (segment, order) in (("from", before), ("to", after)):
        name = None if order is None else segment.title()
        row |= {
            f"{side}_segment": segment, f"{side}_order": order,
            f"{side}_name_en": name, f"{side}_name_zh": name,
        }  # fmt: skip
    return row


def test_flows_carry_the_customers_and_say_who_rose_and_fell() -> None:
    best, worst = ("best", 1), ("worst", 2)
    rows = Rows.of(
        [_move(best, best, 5), _move(best, worst, 2), _move(worst, best, 1),
         _move(("entered", None), worst, 4), _move(worst, ("left", None), 3)]
    )  # fmt: skip
    (trace,) = drawn("migration-quintile", rows)
    labels = trace["node"]["label"]
    flows = [
        (labels[source], labels[target], number)
        for source, target, number in zip(
            trace["link"]["source"], trace["link"]["target"], trace["link"]["value"], strict=True
        )
    ]
    assert flows == [
        ("Best", "Best", 5), ("Best", "Worst", 2), ("Worst", "Best", 1),
        ("(not a customer before)", "Worst", 4), ("Worst", "(no longer counted)", 3),
    ]  # fmt: skip
    light = THEMES["light"]
    assert trace["link"]["color"] == [
        light["link"], light["link_down"], light["link_up"], light["link"], light["link"],
    ]  # fmt: skip
    assert all(0 < height < 1 for height in trace["node"]["y"])
    assert said("migration-quintile", rows) == (
        "From 2024-01-31 to 2024-02-29 62.5% of the customers stayed in their segment, 1 moved up "
        "and 2 down."
    )


def test_intervals_reach_from_the_lower_to_the_upper_bound() -> None:
    rows = Rows.of(
        [{"band": 1, "lower_bound": None, "upper_bound": Decimal("0.5000"), "units": 3,
          "gross_revenue": Decimal(2), "products": 1, "gross_revenue_share": 0.4,
          "lines_per_listed_product": 6.5, "lines_per_listed_product_lower": 5.5,
          "lines_per_listed_product_upper": 8.0},
         {"band": 2, "lower_bound": Decimal("0.5000"), "upper_bound": None, "units": 9,
          "gross_revenue": Decimal(3), "products": 2, "gross_revenue_share": 0.6,
          "lines_per_listed_product": None, "lines_per_listed_product_lower": None,
          "lines_per_listed_product_upper": None}]
    )  # fmt: skip
    (rates,) = drawn("price-rates", rows)
    assert rates["x"] == ["< 0.5", "≥ 0.5"]
    assert (rates["y"], rates["error_y"]["array"]) == ([6.5, None], [1.5, None])
    assert rates["error_y"]["arrayminus"] == [1.0, None]
    units, revenue = drawn("price-shares", rows)
    assert units["y"] == [0.25, 0.75]
    assert revenue["y"] == [0.4, 0.6]


def test_reconciliation_says_when_something_is_off() -> None:
    row = {"step": 1, "metric": "amount", "from_layer": "file", "to_layer": "raw", "difference": 0}
    assert said("reconciliation", Rows.of([row])).startswith("All 1 comparisons")
    off = row | {"step": 2, "difference": Decimal("0.01")}
    assert said("reconciliation", Rows.of([row, off])) == (
        "1 of 2 comparisons do not agree; the first is amount from file to raw."
    )


def test_words_of_numbers() -> None:
    assert [money(value) for value in (None, Decimal("12.3"), 1234.5)] == ["–", "12.30", "1,234"]
    assert percent(0.1234) == "12.3%"
    assert month(date(2024, 2, 1)) == {"en": "February 2024", "zh": "2024年2月"}
    assert compared(None, "March", "3月")["en"] == ""
    assert compared(-0.25, "March", "3月") == {
        "en": ", 25.0% below March", "zh": "\uff0c比3月低 25.0%"
    }  # fmt: skip


def test_resolving_takes_words_and_colours_at_any_depth() -> None:
    figure = {
        "data": [{"name": {"en": "one", "zh": "一"}, "marker": {"color": ["@blue", "#123456"]}}],
        "layout": {"scale": "@heat", "title": "as it is"},
    }
    plain = resolved(figure, "zh", "dark")
    assert plain["data"] == [
        {"name": "一", "marker": {"color": [THEMES["dark"]["blue"], "#123456"]}}
    ]
    assert plain["layout"] == {"scale": THEMES["dark"]["heat"], "title": "as it is"}


@pytest.mark.parametrize("exhibit", EXHIBITS.values(), ids=lambda exhibit: exhibit.id)
def test_everything_that_is_said_is_said_in_every_language(exhibit: Exhibit) -> None:
    for words in (exhibit.title, exhibit.definition, exhibit.empty):
        assert tuple(words) == LANGUAGES
        assert all(words.values())
        assert words["en"] != words["zh"]
        assert not any(ord(letter) > 0x2E7F for letter in words["en"])
        # Chinese text has Chinese punctuation.
        assert not any(
            ord(before) > 0x4E00 and mark in ",;:()"
            for before, mark in zip(words["zh"], words["zh"][1:], strict=False)
        )


def test_exhibits_have_ids_of_their_own_and_read_published_tables() -> None:
    names = [exhibit.id for section in SECTIONS for exhibit in section.exhibits]
    assert len(names) == len(set(names))
    for exhibit in EXHIBITS.values():
        assert exhibit.tables, exhibit.id
        assert "customer_id" not in exhibit.sql or "scores-" in exhibit.id, exhibit.id
        assert "order by" in exhibit.sql or "having" in exhibit.sql, exhibit.id


SERIES = ("blue", "vermillion", "green", "purple", "sky", "amber")


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out_from_the_page(theme: str) -> None:
    colors = THEMES[theme]
    for name in ("text", "muted"):
        assert _contrast(colors[name], colors["paper"]) >= 4.5, name
    for name in (*SERIES, "quiet"):
        assert _contrast(colors[name], colors["paper"]) >= 2.4, name
    for name in ("blue", "vermillion", "green", "purple", "amber"):
        assert _contrast(colors[name], colors["paper"]) >= 3, name


#: Linear RGB as people see it who lack one kind of cone (Machado, Oliveira and Fernandes, 2009).
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}  # fmt: skip


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("theme", THEMES)
def test_colours_of_one_chart_differ_for_the_colour_blind(theme: str, blindness: str) -> None:
    for together in (
        ("active", "blue", "amber", "green", "quiet"), ("rates", "blue", "green", "amber"),
        ("shares", "amber", "sky", "blue"), ("orders", "sky", "vermillion"),
        ("largest", "blue", "vermillion"),
    ):  # fmt: skip
        seen = [_lab(_as_seen(THEMES[theme][name], blindness)) for name in together[1:]]
        for (one, first), (other, second) in combinations(zip(together[1:], seen, strict=True), 2):
            assert _distance(first, second) > 9, (together[0], one, other)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("count", [2, 4, 8, 11])
def test_steps_of_ordered_groups_go_from_light_to_dark(theme: str, count: int) -> None:
    colors = [THEMES[theme][name[1:]] for name in ordered_colors(count)]
    lightness = [_luminance(_rgb(color)) for color in colors]
    assert len(set(colors)) == count
    assert lightness == sorted(lightness, reverse=True)


def _rgb(color: str) -> tuple[float, ...]:
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return tuple(
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )


def _luminance(linear: tuple[float, ...]) -> float:
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (lighter + 0.05) / (darker + 0.05)


def _as_seen(color: str, blindness: str) -> tuple[float, ...]:
    linear = _rgb(color)
    return tuple(
        min(1, max(0, sum(a * b for a, b in zip(line, linear, strict=True))))
        for line in BLINDNESS[blindness]
    )


def _lab(linear: tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = linear
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
    )
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5


@pytest.mark.parametrize(
    ("column", "language"),
    [
        ("goal_en", ' lang="en"'),
        ("goal_zh", ' lang="zh-Hans"'),
        ("cluster_name_zh", ' lang="zh-Hans"'),
        ("cluster_name", ""),
        ("alone_en", ""),
        ("open", ""),
    ],
)
def test_a_column_of_each_language_is_shown_in_its_own(column: str, language: str) -> None:
    columns = ["goal_en", "goal_zh", "cluster_name", "cluster_name_zh", "alone_en", "open"]
    assert page._language_of(column, columns) == language
