"""The first section: the numbers of the last whole month, what changed, and all in all.

Belongs here: figures in large type. Does not belong here: charts over months.
"""

from collections.abc import Callable

from orchestration.publishing.report.exhibits import Card, Exhibit, Rows, Section, Words, words
from orchestration.publishing.report.wording import (
    Number,
    compared,
    count,
    money,
    month,
    percent,
    signed,
)

_WRITERS: dict[str, Callable[[Number | None], str]] = {
    "count": count,
    "money": money,
    "percent": percent,
}

#: Metric, its name and unit, in the order of the cards.
METRICS: dict[str, tuple[Words, str]] = {
    "net_revenue": (words("net revenue", "净收入"), "money"),
    "gross_revenue": (words("gross revenue", "总收入"), "money"),
    "orders": (words("orders", "订单"), "count"),
    "avg_gross_order_value": (words("gross order value", "平均订单金额"), "money"),
    "buyers": (words("buyers", "购买客户"), "count"),
    "new": (words("new customers", "新客"), "count"),
    "retention_rate": (words("retention rate", "留存率"), "percent"),
    "reactivation_rate": (words("reactivation rate", "回流率"), "percent"),
}

TOTALS: dict[str, tuple[Words, str]] = {
    "customers": (words("customers so far", "累计客户"), "count"),
    "orders": (words("orders", "订单"), "count"),
    "gross_revenue": (words("gross revenue", "总收入"), "money"),
    "net_revenue": (words("net revenue", "净收入"), "money"),
}

_MONTHS = """with months as (
    select sales.order_month, sales.net_revenue, sales.gross_revenue, sales.orders,
        sales.avg_gross_order_value, rates.buyers, states.new, rates.retention_rate,
        rates.reactivation_rate
    from sales.rpt_sales_by_month as sales
    inner join lifecycle.rpt_purchase_rates_by_month as rates using (order_month)
    inner join lifecycle.rpt_lifecycle_by_month as states using (order_month)
    where not sales.is_partial_month
)

select *
from months
order by order_month desc
limit 2"""

_TOTALS = """select
    (select max(customers) from lifecycle.rpt_lifecycle_by_month) as customers,
    sum(orders) as orders,
    sum(gross_revenue) as gross_revenue,
    sum(net_revenue) as net_revenue,
    count(*) as months,
    min(order_month) as first_month,
    max(order_month) as last_month
from sales.rpt_sales_by_month
having count(*) > 0"""


def month_cards(rows: Rows) -> list[Card]:
    """One card per metric: the last whole month, and the change against the one before."""
    records = rows.dicts()
    last, before = records[0], records[1] if len(records) > 1 else None
    cards = []
    for metric, (label, unit) in METRICS.items():
        note = words("", "")
        if before is not None and before[metric] is not None:
            told = _WRITERS[unit](before[metric])
            if unit == "percent" or not before[metric] or last[metric] is None:
                note = words(f"{told} the month before", f"上月 {told}")
            else:
                by = signed(float(last[metric] / before[metric] - 1))
                note = words(f"{by} on {told} the month before", f"{by}，上月 {told}")
        cards.append(Card(label, _same(_WRITERS[unit](last[metric])), note))
    return cards


def total_cards(rows: Rows) -> list[Card]:
    """One card per total over all months."""
    row = rows.dicts()[0]
    return [
        Card(label, _same(_WRITERS[unit](row[metric])), words("", ""))
        for metric, (label, unit) in TOTALS.items()
    ]


def _same(text: str) -> Words:
    return words(text, text)


def _month_reading(rows: Rows) -> Words:
    records = rows.dicts()
    last = records[0]
    name = month(last["order_month"])
    against: Words = words("", "")
    if len(records) > 1 and records[1]["net_revenue"] > 0:
        earlier = month(records[1]["order_month"])
        against = compared(
            last["net_revenue"] / records[1]["net_revenue"] - 1, earlier["en"], earlier["zh"]
        )
    return words(
        f"{name['en']}, the last whole month, brought {money(last['net_revenue'])} net from "
        f"{count(last['orders'])} orders{against['en']}.",
        f"最近一个完整月份 {name['zh']}：{count(last['orders'])} 张订单，净收入 "
        f"{money(last['net_revenue'])}{against['zh']}。",
    )


def _totals_reading(rows: Rows) -> Words:
    row = rows.dicts()[0]
    first, last = month(row["first_month"]), month(row["last_month"])
    return words(
        f"From {first['en']} to {last['en']}, {count(row['customers'])} customers placed orders "
        f"that count; {money(row['net_revenue'])} is left of {money(row['gross_revenue'])}.",
        f"{first['zh']}至{last['zh']}，共 {count(row['customers'])} 位客户下过有效订单；总收入 "
        f"{money(row['gross_revenue'])}，净收入 {money(row['net_revenue'])}。",
    )


OVERVIEW = Section(
    "overview",
    words("Overview", "概览"),
    (
        Exhibit(
            "last-month",
            words("The last whole month", "最近一个完整月份"),
            _MONTHS,
            _month_reading,
            words(
                "The last month that the data does not end inside, and the month before it. "
                "Buyers: "
                "known customers with an order that counts at the end of the month.",
                "数据未在其中结束的最近一个月及其上月。购买客户：月末仍有有效订单的已知客户。",
            ),
            cards=month_cards,
            empty=words("No month is complete yet.", "尚无完整的月份。"),
        ),
        Exhibit(
            "totals",
            words("All in all", "总计"),
            _TOTALS,
            _totals_reading,
            words(
                "All months of the data up to the as-of date, the last one included even where it "
                "is not complete. Customers: known customers who ever had an order that counts.",
                "截至统计日的全部月份，包括不完整的最后一个月。客户：曾有有效订单的已知客户。",
            ),
            cards=total_cards,
        ),
    ),
)
