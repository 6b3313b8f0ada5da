"""Parts that charts share: axes, the layout around them, bars and lines over months.

Belongs here: Plotly building blocks with the report's colours. Does not belong here: what a chart
shows (``sections/``).
"""

from collections.abc import Sequence
from typing import Any

from orchestration.publishing.report.exhibits import Figure, Rows, Words, words

MONEY = words("money, in the shop's currency", "金额（店铺币种）")
SHARE = words("share", "占比")
#: Lines across a bar, in the colour of the page.
HATCH = {"fillmode": "overlay", "fgcolor": "@paper", "solidity": 0.35, "size": 7}
PARTIAL = words(" (month not complete)", "（未满月）")

_HOVERS = {"count": "%{y:,.0f}", "money": "%{y:,.2f}", "percent": "%{y:.1%}", "number": "%{y:,.2f}"}
_TICKS = {"count": ",.4~s", "money": ",.3~s", "percent": ".0%", "number": ",.3~f"}


def axis(title: Words | None = None, unit: str | None = None, **options: Any) -> dict[str, Any]:
    """A Plotly axis.

    Args:
        title: what is measured; None: the categories speak for themselves.
        unit: count, money, percent or number, for the tick labels; None: categories.
        options: anything else that Plotly's axes take.
    """
    styled: dict[str, Any] = {
        "automargin": True,
        "gridcolor": "@grid",
        "zerolinecolor": "@quiet",
        "linecolor": "@quiet",
        "tickcolor": "@quiet",
        "tickfont": {"color": "@muted", "size": 12},
    }
    if title is not None:
        styled["title"] = {"text": title, "font": {"size": 12, "color": "@muted"}, "standoff": 8}
    if unit is not None:
        styled["tickformat"] = _TICKS[unit]
    return styled | options


def categories(title: Words | None = None, **options: Any) -> dict[str, Any]:
    """An axis of categories, months among them: labels are never taken for dates or numbers."""
    return axis(title, type="category", showgrid=False) | options


def drawn(data: Sequence[dict[str, Any]], height: int = 360, **layout: Any) -> Figure:
    """A figure with the report's layout around the traces.

    Args:
        data: Plotly traces.
        height: height in pixels.
        layout: parts of the layout that differ from the report's.
    """
    around: dict[str, Any] = {
        "height": height,
        "margin": {"l": 12, "r": 16, "t": 36, "b": 12},
        "paper_bgcolor": "@paper",
        "plot_bgcolor": "@paper",
        "font": {"color": "@text", "size": 13},
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@quiet", "font": {"color": "@text"}},
        "legend": {
            "orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom",
            "font": {"size": 12},
        },
        "showlegend": len(data) > 1,
        "bargap": 0.25,
    }  # fmt: skip
    return {"data": list(data), "layout": around | layout}


def share_bars(
    names: Sequence[Any], rows: Rows, shares: Sequence[tuple[str, Words, str]], height: int
) -> Figure:
    """Shares side by side, one group of bars per name, the first name on top.

    Args:
        names: labels of the rows, in their order.
        rows: what is drawn.
        shares: column, its name, and the colour of its bars.
        height: height of the chart, in pixels.
    """
    return drawn(
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": names,
                "x": rows.column(column),
                "name": name,
                "marker": {"color": color},
                "hovertemplate": "%{y}: %{x:.1%}<extra>%{fullData.name}</extra>",
            }
            for column, name, color in shares
        ],
        height,
        barmode="group",
        xaxis=axis(SHARE, "percent"),
        yaxis=categories(autorange="reversed"),
    )


def month_labels(rows: Rows, column: str = "order_month") -> list[str]:
    """Months as the labels of a category axis: 2011-11."""
    return [str(value)[:7] for value in rows.column(column)]


def month_bars(
    rows: Rows, column: str, name: Words, color: str, unit: str = "count", **options: Any
) -> dict[str, Any]:
    """Bars over months; months that the data ends inside are hatched."""
    partial = rows.column("is_partial_month")
    return {
        "type": "bar",
        "x": month_labels(rows),
        "y": rows.column(column),
        "name": name,
        "marker": {
            "color": color,
            "pattern": {
                "shape": ["/" if is_partial else "" for is_partial in partial],
                **HATCH,
            },
        },
        "text": [PARTIAL if is_partial else "" for is_partial in partial],
        "textposition": "none",
        "hovertemplate": f"{_HOVERS[unit]}%{{text}}",
    } | options


def month_line(
    rows: Rows, column: str, name: Words, color: str, unit: str = "count", **options: Any
) -> dict[str, Any]:
    """A line over months; months that the data ends inside have an open marker."""
    partial = rows.column("is_partial_month")
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": month_labels(rows),
        "y": rows.column(column),
        "name": name,
        "line": {"color": color, "width": 2.5},
        "marker": {
            "color": color,
            "size": 7,
            "symbol": ["circle-open" if is_partial else "circle" for is_partial in partial],
        },
        "text": [PARTIAL if is_partial else "" for is_partial in partial],
        "hovertemplate": f"{_HOVERS[unit]}%{{text}}",
        "connectgaps": False,
    } | options


def over_months(
    data: Sequence[dict[str, Any]], title: Words, unit: str, height: int = 360, **layout: Any
) -> Figure:
    """Traces over months with one axis of values; the tooltip of a month shows all of them."""
    values = [value for trace in data for value in trace["y"]]
    return drawn(
        data,
        height,
        hovermode="x unified",
        xaxis=categories(),
        yaxis=axis(title, unit, rangemode="tozero") | whole_ticks(unit, values),
        **layout,
    )


def whole_ticks(unit: str, values: Sequence[float | None]) -> dict[str, Any]:
    """Options of an axis of few things: no tick between two whole numbers."""
    most = max((abs(value) for value in values if value is not None), default=0)
    return {"dtick": 1, "tickformat": ",d"} if unit == "count" and most <= 6 else {}


def heat_map(
    x: Sequence[Any],
    y: Sequence[Any],
    z: Sequence[Sequence[float | None]],
    unit: str,
    hover: Words,
    bar_title: Words,
    **options: Any,
) -> dict[str, Any]:
    """A heat map with the values written into the cells, where there are not too many of them."""
    written = {"percent": "%{z:.0%}", "count": "%{z:,.0f}", "money": "%{z:,.3~s}"}[unit]
    is_written = len(x) * len(y) <= 400
    return {
        "type": "heatmap",
        "x": list(x),
        "y": list(y),
        "z": [list(line) for line in z],
        "colorscale": "@heat",
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "texttemplate": written if is_written else "",
        "textfont": {"size": 11},
        "hovertemplate": hover,
        "colorbar": {
            "title": {"text": bar_title, "side": "top", "font": {"size": 12}},
            "thickness": 12,
            "outlinewidth": 0,
            "tickformat": _TICKS[unit],
        },
    } | options


def crossed(
    rows: Rows, x: str, y: str, value: str
) -> tuple[list[Any], list[Any], list[list[float | None]]]:
    """Long rows as a grid: sorted values of x, sorted values of y, and the value of each cell."""
    xs, ys = sorted(set(rows.column(x))), sorted(set(rows.column(y)))
    cells = {
        (at_x, at_y): number
        for at_x, at_y, number in zip(
            rows.column(x), rows.column(y), rows.column(value), strict=True
        )
    }
    return xs, ys, [[cells.get((at_x, at_y)) for at_x in xs] for at_y in ys]
