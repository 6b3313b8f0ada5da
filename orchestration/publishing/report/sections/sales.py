"""Sales by month, and what the money is made of.

Belongs here: the months' revenue, orders, units, and kinds of lines. Does not belong here: single
orders (``orders.py``) and customers (``customers.py``).
"""

from orchestration.publishing.report.exhibits import (
    Exhibit,
    Figure,
    Rows,
    Section,
    Words,
    words,
)
from orchestration.publishing.report.parts import (
    MONEY,
    axis,
    categories,
    drawn,
    month_bars,
    month_line,
    over_months,
)
from orchestration.publishing.report.wording import compared, count, fixed, money, month, percent

GROSS = words("gross revenue", "总收入")
NET = words("net revenue", "净收入")

_MONTHS = """select
    order_month, orders, buyers, orders_per_buyer, units, units_per_order, gross_revenue,
    returned_revenue,
    discount_revenue, net_revenue, is_partial_month
from sales.rpt_sales_by_month
order by order_month desc
limit 60"""

#: The last 60 months, oldest first.
SALES_BY_MONTH = f"select * from (\n{_MONTHS}\n) as months\norder by order_month"

KIND_NAMES: dict[str, Words] = {
    "product": words("products", "商品"),
    "shipping": words("shipping", "运费"),
    "fee": words("fees", "费用"),
    "manual": words("manual entries", "手工记账"),
    "discount": words("discounts", "折扣"),
    "sample": words("samples", "样品"),
    "voucher": words("vouchers", "礼券"),
    "adjustment": words("adjustments", "调整"),
}


def revenue_figure(rows: Rows) -> Figure:
    """Gross and net revenue side by side for each month."""
    return over_months(
        [
            month_bars(rows, "gross_revenue", GROSS, "@sky", "money"),
            month_bars(rows, "net_revenue", NET, "@blue", "money"),
        ],
        MONEY,
        "money",
        barmode="group",
    )


def orders_figure(rows: Rows) -> Figure:
    """Orders as bars, buyers as a line."""
    return over_months(
        [
            month_bars(rows, "orders", words("orders", "订单"), "@sky"),
            month_line(rows, "buyers", words("customers who ordered", "下单客户"), "@vermillion"),
        ],
        words("number in the month", "当月数量"),
        "count",
    )


def units_figure(rows: Rows) -> Figure:
    """Units in the upper part, units per order in the lower one, over the same months."""
    upper = month_bars(rows, "units", words("units", "件数"), "@green")
    lower = month_line(
        rows, "units_per_order", words("units per order", "每单件数"), "@purple", "number"
    )
    return drawn(
        [upper, lower | {"yaxis": "y2"}],
        420,
        hovermode="x unified",
        xaxis=categories(anchor="y2"),
        yaxis=axis(words("units", "件数"), "count", domain=[0.48, 1], rangemode="tozero"),
        yaxis2=axis(words("per order", "每单"), "number", domain=[0, 0.4], rangemode="tozero"),
    )


def line_kinds_figure(rows: Rows) -> Figure:
    """Net revenue by kind of line, known and unknown customers apart."""
    traces = []
    for is_known, name, color in (
        (True, words("known customers", "已知客户"), "@blue"),
        (False, words("unknown customers", "未知客户"), "@amber"),
    ):
        part = rows.where(is_known_customer=is_known)
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "y": [KIND_NAMES.get(kind, words(kind, kind)) for kind in part.column("line_kind")],
                "x": part.column("net_revenue"),
                "name": name,
                "marker": {"color": color},
                "hovertemplate": "%{y}: %{x:,.2f}<extra>%{fullData.name}</extra>",
            }
        )
    kinds = len(set(rows.column("line_kind")))
    return drawn(
        traces,
        150 + 40 * kinds,
        barmode="relative",
        xaxis=axis(MONEY, "money"),
        yaxis=categories(autorange="reversed"),
    )


def _revenue_reading(rows: Rows) -> Words:
    whole = [row for row in rows.dicts() if not row["is_partial_month"]] or rows.dicts()
    best = max(whole, key=lambda row: row["net_revenue"])
    last = whole[-1]
    share = 1 - last["net_revenue"] / last["gross_revenue"] if last["gross_revenue"] else None
    against = compared(
        last["net_revenue"] / best["net_revenue"] - 1
        if best is not last and best["net_revenue"]
        else None,
        f"the best month, {month(best['order_month'])['en']}",
        f"最高的{month(best['order_month'])['zh']}",
    )
    name = month(last["order_month"])
    return words(
        f"{name['en']} brought {money(last['net_revenue'])} net{against['en']}; returns and "
        f"discounts took {percent(share)} of its gross revenue.",
        f"{name['zh']}净收入为 {money(last['net_revenue'])}{against['zh']}；退货和折扣占总收入的 "
        f"{percent(share)}。",
    )


def _orders_reading(rows: Rows) -> Words:
    whole = [row for row in rows.dicts() if not row["is_partial_month"]] or rows.dicts()
    last = whole[-1]
    name = month(last["order_month"])
    return words(
        f"{count(last['orders'])} orders in {name['en']}; {count(last['buyers'])} known customers "
        f"placed {fixed(last['orders_per_buyer'])} of them each on average.",
        f"{name['zh']}共有 {count(last['orders'])} 张订单；{count(last['buyers'])} "
        "位已知客户平均每人下单 "
        f"{fixed(last['orders_per_buyer'])} 次。",
    )


def _units_reading(rows: Rows) -> Words:
    whole = [row for row in rows.dicts() if not row["is_partial_month"]] or rows.dicts()
    last = whole[-1]
    name = month(last["order_month"])
    return words(
        f"{count(last['units'])} units were sold in {name['en']}, "
        f"{fixed(last['units_per_order'], 1)} per order.",
        f"{name['zh']}售出 {count(last['units'])} 件，每单 "
        f"{fixed(last['units_per_order'], 1)} 件。",
    )


def _line_kinds_reading(rows: Rows) -> Words:
    net = {
        is_known: sum(rows.where(is_known_customer=is_known).column("net_revenue"))
        for is_known in (True, False)
    }
    total = net[True] + net[False]
    unknown = net[False] / total if total else None
    return words(
        f"{percent(unknown)} of net revenue comes from lines that name no customer.",
        f"净收入中有 {percent(unknown)} 来自没有客户编号的订单行。",
    )


SALES = Section(
    "sales",
    words("Sales", "销售"),
    (
        Exhibit(
            "revenue-by-month",
            words("Revenue by month", "月度收入"),
            SALES_BY_MONTH,
            _revenue_reading,
            words(
                "Gross: quantity times unit price of all sales of the month. Net: gross less "
                "discounts and less returns, which count in the month of the return. A hatched "
                "month is one that the data ends inside.",
                "总收入：当月全部销售的数量乘以单价。净收入：总收入减去折扣与退货，"
                "退货计入退货发生的月份。"
                "斜线表示数据在该月内结束，月份不完整。",
            ),
            revenue_figure,
        ),
        Exhibit(
            "orders-by-month",
            words("Orders and customers by month", "月度订单数与下单客户数"),
            SALES_BY_MONTH,
            _orders_reading,
            words(
                "Orders: distinct order numbers with at least one sale, unknown customers "
                "included. Customers who ordered: known customers who placed one, also where it "
                "was undone later; those whose orders still count are the buyers of the overview.",
                "订单：至少含一条销售行的不同订单号，包括未知客户的订单。下单客户："
                "当月下过单的已知客户，订单后来被撤销的也计入；订单仍有效的即概览中的购买客户。",
            ),
            orders_figure,
        ),
        Exhibit(
            "units-by-month",
            words("Units, and units per order", "件数与每单件数"),
            SALES_BY_MONTH,
            _units_reading,
            words(
                "Pieces on sale lines, before returns; per order: pieces divided by orders.",
                "销售行上的件数，未扣除退货；每单件数：件数除以订单数。",
            ),
            units_figure,
        ),
        Exhibit(
            "revenue-by-line-kind",
            words("What the revenue is made of", "收入构成"),
            """select line_kind, is_known_customer,
    sum(gross_revenue) as gross_revenue,
    sum(returned_revenue) as returned_revenue,
    sum(discount_revenue) as discount_revenue,
    sum(net_revenue) as net_revenue
from sales.rpt_sales_by_line_kind
group by line_kind, is_known_customer
order by sum(sum(gross_revenue)) over (partition by line_kind) desc, line_kind,
    is_known_customer desc""",
            _line_kinds_reading,
            words(
                "Net revenue of all months by what stands on the line: goods, postage, fees, "
                "vouchers and so on. Unknown: the line names no customer.",
                "全部月份的净收入，按订单行内容划分：商品、运费、费用、礼券等。未知客户："
                "订单行没有客户编号。",
            ),
            line_kinds_figure,
        ),
    ),
)
