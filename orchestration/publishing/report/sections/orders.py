"""How large orders are, and through which channels they come.

Belongs here: distributions of order values, and shares of channels, platforms and countries. Does
not belong here: the very largest orders (``products.py``).
"""

from collections.abc import Callable

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Section, Words, words
from orchestration.publishing.report.palette import series_color
from orchestration.publishing.report.parts import (
    MONEY,
    SHARE,
    axis,
    categories,
    drawn,
    over_months,
    share_bars,
)
from orchestration.publishing.report.wording import count, money, percent

#: Values of a dimension that are shown by name; the others are shown together.
NAMED_VALUES = 7
OTHERS = words("all others", "其他")

MEASURES: dict[str, Words] = {
    "order_value": words("Order values", "订单金额"),
    "paid_amount": words("Paid amounts", "实付金额"),
}
DIMENSIONS: dict[str, Words] = {
    "channel": words("channel", "渠道"),
    "platform": words("platform", "平台"),
    "country": words("country", "国家"),
}


def band_labels(rows: Rows) -> list[str]:
    """Bands by their bounds, such as 10-25, or < 10 and from 5,000 at the ends."""
    labels = []
    for lower, upper in zip(rows.column("lower_bound"), rows.column("upper_bound"), strict=True):
        if lower is None:
            labels.append("all" if upper is None else f"< {upper:,.10g}")
        else:
            labels.append(f"≥ {lower:,.10g}" if upper is None else f"{lower:,.10g}–{upper:,.10g}")
    return labels


def bands_figure(rows: Rows) -> Figure:
    """Share of orders and of their money in each band of values."""
    labels = band_labels(rows)
    return drawn(
        [
            {
                "type": "bar",
                "x": labels,
                "y": rows.column(column),
                "name": name,
                "marker": {"color": color},
                "hovertemplate": "%{y:.1%}",
            }
            for column, name, color in (
                ("order_share", words("share of orders", "订单占比"), "@sky"),
                ("revenue_share", words("share of money", "金额占比"), "@blue"),
            )
        ],
        hovermode="x unified",
        barmode="group",
        xaxis=categories(MONEY),
        yaxis=axis(SHARE, "percent", rangemode="tozero"),
    )


def quantiles_figure(rows: Rows) -> Figure:
    """The value below which a share of orders lies, on a scale by powers of ten."""
    measures = list(dict.fromkeys(rows.column("measure")))
    traces = []
    for number, measure in enumerate(measures):
        part = rows.where(measure=measure)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": part.column("quantile"),
                "y": part.column("value"),
                "name": MEASURES.get(measure, words(measure, measure)),
                "line": {"color": series_color(number), "width": 2.5},
                "marker": {"color": series_color(number), "size": 7},
                "hovertemplate": "%{x:.0%}: %{y:,.2f}",
            }
        )
    smallest = min(rows.column("value"))
    return drawn(
        traces,
        xaxis=axis(
            words("share of orders at or below", "不超过该金额的订单占比"),
            "percent",
            zeroline=False,
        ),
        yaxis=axis(
            MONEY,
            "money",
            type="log" if smallest > 0 else "linear",
            **{"dtick": 1} if smallest > 0 else {},
        ),
        showlegend=len(traces) > 1,
    )


def shares_figure(rows: Rows) -> Figure:
    """Share of orders, gross and net revenue of each value of a dimension."""
    names = _value_names(rows)
    shares = (
        ("order_share", words("orders", "订单"), "@amber"),
        ("gross_revenue_share", words("gross revenue", "总收入"), "@sky"),
        ("net_revenue_share", words("net revenue", "净收入"), "@blue"),
    )
    return share_bars(names, rows, shares, 140 + 48 * len(rows))


def shares_by_month_figure(rows: Rows) -> Figure:
    """Share of gross revenue by month, one line per value of a dimension."""
    traces = []
    for number, value in enumerate(dict.fromkeys(rows.column("dimension_value"))):
        part = rows.where(dimension_value=value)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [str(at)[:7] for at in part.column("order_month")],
                "y": part.column("gross_revenue_share"),
                "name": value,
                "line": {"color": series_color(number), "width": 2.5},
                "marker": {
                    "color": series_color(number),
                    "size": 6,
                    "symbol": [
                        "circle-open" if partial else "circle"
                        for partial in part.column("is_partial_month")
                    ],
                },
                "hovertemplate": "%{y:.1%}",
            }
        )
    return over_months(traces, words("share of gross revenue", "总收入占比"), "percent")


def _value_names(rows: Rows) -> list[Words]:
    return [
        OTHERS if is_rest else words(value, value)
        for value, is_rest in zip(
            rows.column("dimension_value"), rows.column("is_rest"), strict=True
        )
    ]


def _bands_reading(rows: Rows) -> Words:
    records = rows.dicts()
    fullest = max(records, key=lambda row: (row["orders"], -row["band"]))
    label = band_labels(rows)[records.index(fullest)]
    place = max(number for number, row in enumerate(records) if row["orders"])
    top, label_of_top = records[place], band_labels(rows)[place]
    return words(
        f"Most orders ({percent(fullest['order_share'])}) lie at {label}; those at {label_of_top} "
        f"are {percent(top['order_share'])} of the orders and {percent(top['revenue_share'])} of "
        "the money.",
        f"订单最多的区间是 {label}（占 {percent(fullest['order_share'])}）；{label_of_top} "
        "的订单占订单数的 "
        f"{percent(top['order_share'])}、金额的 {percent(top['revenue_share'])}。",
    )


def _quantiles_reading(rows: Rows) -> Words:
    part = rows.where(measure=rows.column("measure")[0])
    at = dict(zip(part.column("quantile"), part.column("value"), strict=True))
    return words(
        f"Half of the {count(part.column('orders')[0])} orders are worth {money(at[0.5])} or less; "
        f"one in a hundred is worth more than {money(at[0.99])}.",
        f"{count(part.column('orders')[0])} 张订单中有一半不超过 {money(at[0.5])}；"
        f"百分之一的订单超过 {money(at[0.99])}。",
    )


def _shares_reading(dimension: str) -> Callable[[Rows], Words]:
    name = DIMENSIONS[dimension]

    def reading(rows: Rows) -> Words:
        first = rows.dicts()[0]
        return words(
            f"{first['dimension_value']} is the largest {name['en']}: "
            f"{percent(first['order_share'])} of the orders and "
            f"{percent(first['net_revenue_share'])} of net revenue.",
            f"最大的{name['zh']}是 {first['dimension_value']}：占订单的 "
            f"{percent(first['order_share'])}、净收入的 {percent(first['net_revenue_share'])}。",
        )

    return reading


def _shares_by_month_reading(rows: Rows) -> Words:
    largest = rows.column("dimension_value")[0]
    part = rows.where(dimension_value=largest).dicts()
    whole = [row for row in part if not row["is_partial_month"]] or part
    first, last = whole[0]["gross_revenue_share"], whole[-1]["gross_revenue_share"]
    return words(
        f"The share of {largest} went from {percent(first)} in "
        f"{str(whole[0]['order_month'])[:7]} to {percent(last)} in "
        f"{str(whole[-1]['order_month'])[:7]}.",
        f"{largest} 的占比从 {str(whole[0]['order_month'])[:7]} 的 {percent(first)} 变为 "
        f"{str(whole[-1]['order_month'])[:7]} 的 {percent(last)}。",
    )


def _bands(measure: str) -> Exhibit:
    title = MEASURES[measure]
    return Exhibit(
        f"{measure.replace('_', '-')}-bands",
        words(f"{title['en']} by band", f"{title['zh']}分布"),
        f"""select band, lower_bound, upper_bound, orders, order_share, revenue, revenue_share
from sales.rpt_order_value_bands
where measure = '{measure}'
order by band""",
        _bands_reading,
        words(
            "Each order lies in one band: the lower bound is included, the upper one is not. "
            "Order value: gross revenue of an order. Paid amount: what the source says was paid.",
            "每张订单只落入一个区间：含下界，不含上界。订单金额：订单的总收入。实付金额："
            "源数据记录的支付金额。",
        ),
        bands_figure,
        empty=words(
            "The files hold no amounts paid." if measure == "paid_amount" else "There is no order.",
            "文件中没有实付金额。" if measure == "paid_amount" else "没有订单。",
        ),
    )


def _shares(dimension: str) -> tuple[Exhibit, Exhibit]:
    name = DIMENSIONS[dimension]
    known = words(
        f"The orders name fewer than two values of {name['en']}, so there is nothing to compare.",
        f"订单中的{name['zh']}少于两个取值，无从比较。",
    )
    ranked = f"""with ranked as (
    select *, row_number() over (order by gross_revenue desc, dimension_value) as place,
        count(*) over () as value_count
    from sales.rpt_channel_share
    where dimension = '{dimension}'
)"""
    totals = Exhibit(
        f"{dimension}-shares",
        words(f"Shares by {name['en']}", f"{name['zh']}占比"),
        f"""{ranked}

select
    case when place <= {NAMED_VALUES} then dimension_value else 'all others' end
        as dimension_value,
    place > {NAMED_VALUES} as is_rest,
    sum(orders) as orders,
    sum(gross_revenue) as gross_revenue,
    sum(net_revenue) as net_revenue,
    sum(order_share) as order_share,
    sum(gross_revenue_share) as gross_revenue_share,
    sum(net_revenue_share) as net_revenue_share
from ranked
where value_count > 1
group by 1, 2
order by min(place)""",
        _shares_reading(dimension),
        words(
            f"Orders and revenue of all months by the {name['en']} of the order; unknown: the "
            f"order names none. Shown are the {NAMED_VALUES} largest and all others together.",
            f"全部月份的订单和收入，按订单的{name['zh']}划分；unknown 表示订单未注明。"
            f"列出最大的 {NAMED_VALUES} 个，其余合并。",
        ),
        shares_figure,
        empty=known,
    )
    by_month = Exhibit(
        f"{dimension}-shares-by-month",
        words(f"Shares by {name['en']} from month to month", f"{name['zh']}占比的月度变化"),
        f"""{ranked}

select months.dimension_value, months.order_month, months.orders, months.gross_revenue,
    months.gross_revenue_share, months.is_partial_month
from sales.rpt_channel_share_by_month as months
inner join ranked using (dimension, dimension_value)
where ranked.value_count > 1 and ranked.place <= 5
    and months.order_month >= (
        select max(order_month) - interval 35 month from sales.rpt_sales_by_month
    )
order by ranked.place, months.order_month""",
        _shares_by_month_reading,
        words(
            f"Share of each month's gross revenue by the {name['en']} of the order, for the five "
            "largest and the last 36 months. An open marker is a month that the data ends inside.",
            f"各月总收入中按订单{name['zh']}划分的占比，取最大的五个、最近 36 个月。"
            "空心标记表示月份不完整。",
        ),
        shares_by_month_figure,
        empty=known,
    )
    return totals, by_month


ORDERS = Section(
    "orders",
    words("Orders and channels", "订单与渠道"),
    (
        _bands("order_value"),
        _bands("paid_amount"),
        Exhibit(
            "order-value-quantiles",
            words("How much an order is worth", "订单金额的分位数"),
            """select measure, quantile, value, orders
from sales.rpt_order_value_quantiles
where value is not null
order by measure, quantile""",
            _quantiles_reading,
            words(
                "The value that a share of the orders does not exceed; at 50% the median. The "
                "axis goes by powers of ten.",
                "有相应比例的订单不超过该金额；50% 处为中位数。纵轴为对数刻度。",
            ),
            quantiles_figure,
        ),
        *_shares("channel"),
        *_shares("platform"),
        *_shares("country"),
    ),
)
