"""What is in the orders: their lines, prices, discounts and the odd lines of real invoices.

Belongs here: lines of orders that sell. Does not belong here: lines that take a sale back
(``returns.py``) and damage to the files (``mess.py``).

A frame of lines, as it is passed on from here, has one row per order line and the columns:
order_no (number that the order id is made of), is_return (the id begins with R), line_number,
customer (position in the block, -1 unknown), product (catalogue row), second (since 1970 UTC),
month (index), quantity, price (pence), discount (pence), status (code, see STATUSES), channel,
platform, country (codes).
"""

import numpy as np
import pandas as pd

from orchestration.demo.calendar import IntArray, ShopCalendar
from orchestration.demo.catalogue import PRICE_LIST_MONTHS, Catalogue

STATUSES = ("completed", "cancellation", "refunded")
COMPLETED, CANCELLATION, REFUNDED = range(3)

#: Order numbers are YYMM followed by a running number of this many digits.
ORDER_NUMBER_SPAN = 10_000_000

_DISCOUNT_SHARE = 0.07
_REFUNDED_SHARE = 0.008
_FREE_DELIVERY_FROM = 5_000
_BULK_SHARE = 0.015
#: Order-level extra lines: (code, share of orders).
_EXTRAS = (("D", 0.015), ("M", 0.003), ("S", 0.006), ("PADS", 0.001))
_VOUCHER_SHARE = 0.008


def draw_lines(
    rng: np.random.Generator, calendar: ShopCalendar, catalogue: Catalogue, orders: pd.DataFrame
) -> pd.DataFrame:
    """The lines of the given orders; ``orders`` needs an ``order_no`` column by now."""
    month = calendar.months_at(orders["second"].to_numpy())
    goods = _product_lines(rng, catalogue, orders, month)
    value = np.bincount(
        goods["order"], goods["quantity"] * goods["price"], minlength=len(orders)
    ).astype(np.int64)
    extras = _extra_lines(rng, catalogue, orders, value)
    lines = pd.concat([goods, extras], ignore_index=True)
    lines = lines.sort_values(["order", "rank"], kind="stable", ignore_index=True)
    order = lines["order"].to_numpy()
    starts = np.searchsorted(order, order, side="left")
    lines["line_number"] = np.arange(len(lines)) - starts + 1
    for column in ("order_no", "customer", "second", "channel", "platform", "country"):
        lines[column] = orders[column].to_numpy()[order]
    lines["month"] = month[order]
    lines["is_return"] = False
    lines["status"] = np.where(
        (lines["rank"] == 0) & (lines["price"] > 0) & (rng.random(len(lines)) < _REFUNDED_SHARE),
        REFUNDED,
        COMPLETED,
    )
    return lines.drop(columns=["order", "rank"])


def fee_lines(
    rng: np.random.Generator, calendar: ShopCalendar, catalogue: Catalogue, order_no: IntArray
) -> pd.DataFrame:
    """Bookkeeping without a customer: one order per month with bank, marketplace and other fees.

    Args:
        order_no: number of each month's bookkeeping order; shape (months,).
    """
    month = np.arange(calendar.months)
    second = np.asarray(
        [
            calendar.first_second
            + int(np.searchsorted(calendar.month_of_day, index, side="left")) * 86_400
            + 9 * 3600
            for index in month
        ]
    )
    parts = []
    for line_number, (code, quantity) in enumerate(
        (("BANK CHARGES", 1), ("AMAZONFEE", -1), ("CRUK", -1), ("B", 1)), start=1
    ):
        usual = catalogue.table["list_price"].to_numpy()[catalogue.code(code)]
        parts.append(
            pd.DataFrame(
                {
                    "order_no": order_no,
                    "line_number": line_number,
                    "product": catalogue.code(code),
                    "quantity": quantity,
                    "price": usual + rng.integers(0, 500, len(month)),
                    "second": second,
                    "month": month,
                }
            )
        )
    lines = pd.concat(parts, ignore_index=True)
    lines = lines[(lines["line_number"] < 4) | (lines["month"] % 12 == 2)]
    constants = {
        "customer": -1,
        "discount": 0,
        "status": COMPLETED,
        "channel": 0,
        "platform": 4,
        "country": 0,
        "is_return": False,
    }
    return lines.assign(**constants)


def _product_lines(
    rng: np.random.Generator, catalogue: Catalogue, orders: pd.DataFrame, month: IntArray
) -> pd.DataFrame:
    sizes = np.minimum(rng.geometric(0.42, len(orders)), 30)
    order = np.repeat(np.arange(len(orders)), sizes)
    spend = orders["spend"].to_numpy()[order]
    product = catalogue.pick(rng, len(order))
    other = catalogue.pick(rng, len(order))
    price_list = month[order] // PRICE_LIST_MONTHS
    # Who spends more looks at two products and takes the dearer one more often.
    price, other_price = catalogue.prices[price_list, product], catalogue.prices[price_list, other]
    takes_other = (other_price > price) == (rng.random(len(order)) < spend / (1.0 + spend))
    product = np.where(takes_other, other, product)
    price = np.where(takes_other, other_price, price)
    quantity = 1 + rng.poisson(0.55 * spend)
    is_bulk = rng.random(len(order)) < _BULK_SHARE
    quantity = np.where(is_bulk, quantity * rng.choice([6, 10, 12, 24], len(order)), quantity)
    is_free = rng.random(len(order)) < 0.002
    price = np.where(is_free, 0, price)
    is_discounted = ~is_free & (rng.random(len(order)) < _DISCOUNT_SHARE)
    percent = rng.choice([5, 10, 15, 20], len(order))
    # Now and then the till books a larger discount than the line is worth: it counts up to that.
    percent = np.where(rng.random(len(order)) < 0.01, 120, percent)
    discount = np.where(is_discounted, quantity * price * percent // 100, 0)
    lines = pd.DataFrame(
        {
            "order": order,
            "rank": 0,
            "product": product,
            "quantity": quantity,
            "price": price,
            "discount": discount,
        }
    )
    # A product stands once on an order.
    _, keep = np.unique(order * len(catalogue.kind) + product, return_index=True)
    return lines.iloc[np.sort(keep)]


def _extra_lines(
    rng: np.random.Generator, catalogue: Catalogue, orders: pd.DataFrame, value: IntArray
) -> pd.DataFrame:
    """Delivery, vouchers, order discounts, manual charges and samples, after the goods."""
    count = len(orders)
    is_home = orders["country"].to_numpy() == 0
    usual = catalogue.table["list_price"].to_numpy()
    pays_delivery = (value < _FREE_DELIVERY_FROM) & (rng.random(count) < 0.6)
    delivery = np.where(
        is_home,
        catalogue.code("POST"),
        np.where(rng.random(count) < 0.5, catalogue.code("C2"), catalogue.code("DOT")),
    )
    parts = [_extra(np.flatnonzero(pays_delivery), delivery, usual[delivery], rank=1)]
    voucher = catalogue.code("gift_0001_10") + rng.integers(0, 3, count)
    parts.append(
        _extra(np.flatnonzero(rng.random(count) < _VOUCHER_SHARE), voucher, usual[voucher], rank=2)
    )
    for rank, (code, share) in enumerate(_EXTRAS, start=3):
        chosen = np.flatnonzero((rng.random(count) < share) & (value > 0))
        product = np.full(count, catalogue.code(code))
        if code == "D":
            price = np.maximum(value // 10, 1)
        elif code == "M":
            price = rng.integers(2, 60, count) * 50
        else:
            price = np.zeros(count, dtype=np.int64)
        lines = _extra(chosen, product, price, rank)
        parts.append(lines.assign(quantity=-1) if code == "D" else lines)
    return pd.concat(parts, ignore_index=True)


def _extra(chosen: IntArray, product: IntArray, price: IntArray, rank: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order": chosen,
            "rank": rank,
            "product": product[chosen],
            "quantity": 1,
            "price": price[chosen],
            "discount": 0,
        }
    )


def number_orders(calendar: ShopCalendar, month: IntArray, next_number: IntArray) -> IntArray:
    """Order numbers for orders in time order; moves ``next_number`` (one per month) on.

    Args:
        month: month index per order, ascending.
        next_number: the first free running number of each month; changed in place.
    """
    starts = np.searchsorted(month, month, side="left")
    running = next_number[month] + np.arange(len(month)) - starts
    prefix = np.asarray(
        [int(calendar.month_start(i).strftime("%y%m")) for i in range(calendar.months)],
        dtype=np.int64,
    )
    next_number += np.bincount(month, minlength=calendar.months)
    return prefix[month] * ORDER_NUMBER_SPAN + running
