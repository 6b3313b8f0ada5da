"""At which prices products sell, and the largest orders with what became of them.

Belongs here: price bands and extraordinary orders. Does not belong here: distributions over all
orders (``orders.py``).
"""

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Section, Words, words
from orchestration.publishing.report.parts import HATCH, MONEY, SHARE, axis, categories, drawn
from orchestration.publishing.report.sections.orders import band_labels
from orchestration.publishing.report.wording import fixed, money, percent

_PRICE = words("unit price", "单价")


def price_rates_figure(rows: Rows) -> Figure:
    """Sale lines per product on offer in each price band, with the interval of each rate."""
    rates = rows.column("lines_per_listed_product")
    lower = rows.column("lines_per_listed_product_lower")
    upper = rows.column("lines_per_listed_product_upper")
    return drawn(
        [
            {
                "type": "scatter",
                "mode": "markers",
                "x": band_labels(rows),
                "y": rates,
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [
                        _distance(high, rate) for high, rate in zip(upper, rates, strict=True)
                    ],
                    "arrayminus": [
                        _distance(rate, low) for rate, low in zip(rates, lower, strict=True)
                    ],
                    "color": "@vermillion",
                    "thickness": 2,
                    "width": 6,
                },
                "marker": {"color": "@vermillion", "size": 9},
                "customdata": [list(pair) for pair in zip(lower, upper, strict=True)],
                "hovertemplate": "%{x}<br>%{y:,.2f} (%{customdata[0]:,.2f}–%{customdata[1]:,.2f})"
                "<extra></extra>",
            }
        ],
        xaxis=categories(_PRICE),
        yaxis=axis(
            words("sale lines per product on offer", "每个在售商品的销售行数"),
            "number",
            rangemode="tozero",
        ),
    )


def price_shares_figure(rows: Rows) -> Figure:
    """Share of gross revenue and of units in each price band."""
    units = rows.column("units")
    total = sum(units)
    return drawn(
        [
            {
                "type": "bar",
                "x": band_labels(rows),
                "y": y,
                "name": name,
                "marker": {"color": color},
                "hovertemplate": "%{y:.1%}",
            }
            for y, name, color in (
                (
                    [unit / total if total else None for unit in units],
                    words("units", "件数"),
                    "@green",
                ),
                (rows.column("gross_revenue_share"), words("gross revenue", "总收入"), "@blue"),
            )
        ],
        hovermode="x unified",
        barmode="group",
        xaxis=categories(_PRICE),
        yaxis=axis(SHARE, "percent", rangemode="tozero"),
    )


def largest_orders_figure(rows: Rows) -> Figure:
    """What is left of the largest orders, and what was undone."""
    labels = [
        f"#{rank} · {order}"
        for rank, order in zip(rows.column("order_rank"), rows.column("order_id"), strict=True)
    ]
    return drawn(
        [
            {
                "type": "bar",
                "orientation": "h",
                "y": labels,
                "x": rows.column("net_revenue"),
                "name": words("left of it (net)", "剩余（净额）"),
                "marker": {"color": "@blue"},
                "hovertemplate": "%{y}: %{x:,.2f}<extra>%{fullData.name}</extra>",
            },
            {
                "type": "bar",
                "orientation": "h",
                "y": labels,
                "x": rows.column("undone_revenue"),
                "name": words("returned or discounted", "已退货或折扣"),
                "marker": {
                    "color": "@vermillion",
                    "pattern": HATCH | {"shape": "/"},
                },
                "hovertemplate": "%{y}: %{x:,.2f}<extra>%{fullData.name}</extra>",
            },
        ],
        110 + 26 * len(rows),
        barmode="stack",
        xaxis=axis(MONEY, "money"),
        yaxis=categories(autorange="reversed"),
    )


def _distance(high: float | None, low: float | None) -> float | None:
    return None if high is None or low is None else high - low


def _rates_reading(rows: Rows) -> Words:
    best = max(
        (row for row in rows.dicts() if row["lines_per_listed_product"] is not None),
        key=lambda row: (row["lines_per_listed_product"], -row["band"]),
    )
    label = band_labels(rows)[rows.column("band").index(best["band"])]
    between = (
        fixed(best["lines_per_listed_product_lower"], 1),
        fixed(best["lines_per_listed_product_upper"], 1),
    )
    rate = fixed(best["lines_per_listed_product"], 1)
    return words(
        f"Products at {label} are picked most often: {rate} sale lines for each on offer "
        f"(95% interval {between[0]} to {between[1]}).",
        f"单价 {label} 的商品最常被选购：每个在售商品 {rate} 条销售行（95% 区间 {between[0]} 至 "
        f"{between[1]}）。",
    )


def _price_shares_reading(rows: Rows) -> Words:
    best = max(rows.dicts(), key=lambda row: (row["gross_revenue"], -row["band"]))
    label = band_labels(rows)[rows.column("band").index(best["band"])]
    return words(
        f"The band {label} brings most: {percent(best['gross_revenue_share'])} of the gross "
        f"revenue of products, from {best['products']:,} of them.",
        f"{label} 区间收入最多：占商品总收入的 {percent(best['gross_revenue_share'])}，"
        f"来自 {best['products']:,} 个商品。",
    )


def _largest_reading(rows: Rows) -> Words:
    records = rows.dicts()
    first = records[0]
    cancelled = [row for row in records if row["is_fully_cancelled"]]
    lost = sum(row["gross_revenue"] for row in cancelled)
    return words(
        f"The largest order, {first['order_id']}, was worth {money(first['gross_revenue'])}; "
        f"{money(first['net_revenue'])} of it is left. {len(cancelled)} of the {len(records)} "
        f"shown were cancelled altogether ({money(lost)}).",
        f"最大的订单 {first['order_id']} 金额为 {money(first['gross_revenue'])}，现剩 "
        f"{money(first['net_revenue'])}。所列 {len(records)} 张订单中有 {len(cancelled)} "
        "张已全部取消"
        f"（共 {money(lost)}）。",
    )


def _lines_reading(rows: Rows) -> Words:
    first = rows.dicts()[0]
    name = first["product_name"] or first["product_id"]
    return words(
        f"The largest line is {first['quantity']:,} pieces of {name} at "
        f"{money(first['unit_price'])}; {first['cancelled_quantity']:,} of them came back.",
        f"最大的一行是 {first['quantity']:,} 件 {name}，单价 {money(first['unit_price'])}，"
        f"其中 {first['cancelled_quantity']:,} 件已退回。",
    )


_PRICE_BANDS = """select band, lower_bound, upper_bound, products, listed_products, line_count,
    units,
    gross_revenue, gross_revenue_share, lines_per_listed_product,
    lines_per_listed_product_lower, lines_per_listed_product_upper
from sales.rpt_price_bands
where listed_products > 0
order by band"""

PRODUCTS = Section(
    "products",
    words("Prices and largest orders", "价格与大额订单"),
    (
        Exhibit(
            "price-rates",
            words("Price preference", "价格偏好"),
            _PRICE_BANDS,
            _rates_reading,
            words(
                "Sale lines of a price band divided by the products on offer in it, so that a "
                "price that many products have does not look preferred for that. The bar is the "
                "95% interval of a Poisson count.",
                "某价格区间的销售行数除以该区间的在售商品数，避免商品多的区间看起来更受欢迎。"
                "误差线为泊松计数的 95% 区间。",
            ),
            price_rates_figure,
        ),
        Exhibit(
            "price-shares",
            words("Revenue and units by price", "各价格区间的收入与件数"),
            _PRICE_BANDS,
            _price_shares_reading,
            words(
                "Share of the gross revenue of products, and of the pieces sold, by unit price. "
                "Lower bound included, upper excluded.",
                "按单价划分的商品总收入占比和售出件数占比。含下界，不含上界。",
            ),
            price_shares_figure,
        ),
        Exhibit(
            "largest-orders",
            words("Largest orders, and what became of them", "最大的订单及其结果"),
            """select order_rank, order_id, order_date, country, line_count, unit_count,
    gross_revenue,
    gross_revenue - net_revenue as undone_revenue, net_revenue, is_fully_cancelled,
    minutes_to_first_cancellation, month_gross_revenue_share
from sales.rpt_largest_orders
where order_rank <= 15
order by order_rank""",
            _largest_reading,
            words(
                "The 15 largest orders by gross revenue. Undone: returns matched to the order, "
                "and discounts. The table says how many minutes after the order its first "
                "cancellation came.",
                "按总收入排列的 15 张最大订单。已退货或折扣：与该订单匹配的退货以及折扣。"
                "表中列出下单到首次取消的分钟数。",
            ),
            largest_orders_figure,
        ),
        Exhibit(
            "largest-order-lines",
            words("What stands on them", "大额订单的明细"),
            """select order_rank, order_id, product_id, product_name, line_kind, quantity,
    unit_price,
    cancelled_quantity, gross_revenue, net_revenue, order_gross_revenue_share
from sales.rpt_largest_order_lines
where order_rank <= 15
order by gross_revenue desc, order_rank, line_number
limit 20""",
            _lines_reading,
            words(
                "The 20 largest sale lines of those orders, with the pieces that came back.",
                "上述订单中最大的 20 条销售行，以及退回的件数。",
            ),
        ),
    ),
)
