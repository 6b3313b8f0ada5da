"""What is taken back: cancellations of whole orders and of lines, credits, and strays.

Belongs here: lines with negative quantity on orders of their own (id R...). Does not belong here:
which sale such a line undoes in the end (``matching.py``): first in, first out decides that, and
it need not be the sale the plan started from.
"""

import numpy as np
import pandas as pd

from orchestration.demo.calendar import DAY_SECONDS, IntArray, ShopCalendar
from orchestration.demo.catalogue import KIND_CODE, PRODUCT_COUNT, Catalogue
from orchestration.demo.sales import CANCELLATION, COMPLETED, number_orders

_WHOLE_ORDER_SHARE = 0.02
_LINE_SHARE = 0.02
_TWICE_SHARE = 0.05
_CREDIT_SHARE = 0.003
_STRAY_SHARE = 0.0006
_GUEST_SHARE = 0.015
_MANUAL_CHARGE_SHARE = 0.15


def draw_returns(
    rng: np.random.Generator,
    calendar: ShopCalendar,
    catalogue: Catalogue,
    sales: pd.DataFrame,
    next_number: IntArray,
) -> pd.DataFrame:
    """Lines that take back some of ``sales`` before the data ends; same columns.

    Args:
        sales: lines of one block of customers.
        next_number: the first free running number of each month; changed in place.
    """
    kind = catalogue.kind[sales["product"]]
    is_open = (sales["status"] == COMPLETED) & (sales["price"] > 0) & (sales["quantity"] > 0)
    is_known = sales["customer"] >= 0
    goods = sales[is_open & is_known & (kind == KIND_CODE["product"])]
    guest_goods = sales[is_open & ~is_known & (kind == KIND_CODE["product"])]
    charges = sales[is_open & is_known & (kind == KIND_CODE["manual"])]
    whole = _whole_orders(rng, sales[is_open & is_known])
    some = _some_pieces(rng, _sample(rng, goods, _LINE_SHARE))
    twice = _sample(rng, some, _TWICE_SHARE)
    parts = [
        whole,
        some,
        twice.assign(second=twice["second"] + rng.integers(1, 20, len(twice)) * DAY_SECONDS),
        _some_pieces(rng, _sample(rng, charges, _MANUAL_CHARGE_SHARE)),
        _some_pieces(rng, _sample(rng, guest_goods, _GUEST_SHARE)),
        _credits(rng, catalogue, _sample(rng, goods, _CREDIT_SHARE)),
        _strays(rng, calendar, _sample(rng, goods, _STRAY_SHARE)),
    ]
    for group, part in enumerate(parts):
        # Lines of a whole order go back together; every other line has an order of its own.
        part["group"] = part["order_no"] if group == 0 else -np.arange(1, len(part) + 1)
        part["plan"] = group
    lines = pd.concat(parts, ignore_index=True)
    lines = lines[lines["second"] < calendar.end_second]
    lines = lines.sort_values(["second", "plan", "group", "line_number"], ignore_index=True)
    lines["month"] = calendar.months_at(lines["second"].to_numpy())
    is_first = ~lines.duplicated(["second", "plan", "group"]).to_numpy()
    order = np.cumsum(is_first) - 1
    numbers = number_orders(calendar, lines["month"].to_numpy()[is_first], next_number)
    lines["order_no"] = numbers[order]
    lines["line_number"] = np.arange(len(lines)) - np.searchsorted(order, order, "left") + 1
    lines["status"] = CANCELLATION
    lines["discount"] = 0
    lines["is_return"] = True
    return lines[sales.columns.to_list()]


def _whole_orders(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    """All open lines of some orders, delivery included, at one moment per order."""
    orders = lines["order_no"].drop_duplicates().to_numpy()
    chosen = orders[rng.random(len(orders)) < _WHOLE_ORDER_SHARE]
    back = lines[lines["order_no"].isin(chosen)].copy()
    delay = _delays(rng, len(chosen))
    position = np.searchsorted(np.sort(chosen), back["order_no"].to_numpy())
    back["second"] = back["second"] + delay[position]
    back["quantity"] = -back["quantity"]
    return back


def _some_pieces(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    """Each line alone; half of those with several pieces in part only."""
    quantity = lines["quantity"].to_numpy()
    is_part = rng.random(len(lines)) < 0.5
    pieces = np.where(is_part, rng.integers(1, quantity + 1), quantity)
    return lines.assign(quantity=-pieces, second=lines["second"] + _delays(rng, len(lines)))


def _credits(rng: np.random.Generator, catalogue: Catalogue, lines: pd.DataFrame) -> pd.DataFrame:
    """Manual credits: mostly over a line's exact amount within 3 days, some off or too late."""
    amount = (lines["quantity"] * lines["price"]).to_numpy()
    fate = rng.random(len(lines))
    delay = rng.integers(120, 3 * DAY_SECONDS - 3600, len(lines))
    delay = np.where(fate < 0.06, delay + 4 * DAY_SECONDS, delay)
    amount = np.where((fate >= 0.06) & (fate < 0.14), amount + 7, amount)
    return lines.assign(
        product=catalogue.code("M"), quantity=-1, price=amount, second=lines["second"] + delay
    )


def _strays(rng: np.random.Generator, calendar: ShopCalendar, lines: pd.DataFrame) -> pd.DataFrame:
    """Returns of something bought before the data begins: no sale stands before them."""
    span = calendar.end_second - calendar.first_second
    return lines.assign(
        product=rng.integers(0, PRODUCT_COUNT, len(lines)),
        price=rng.integers(20, 400, len(lines)) * 5 + 3,
        quantity=-rng.integers(1, 4, len(lines)),
        second=calendar.first_second + rng.integers(0, span, len(lines)),
    )


def _sample(rng: np.random.Generator, lines: pd.DataFrame, share: float) -> pd.DataFrame:
    return lines[rng.random(len(lines)) < share].copy()


def _delays(rng: np.random.Generator, count: int) -> IntArray:
    """Seconds from sale to return: a fifth within two hours, the rest over days and weeks."""
    soon = rng.integers(600, 7200, count)
    days = rng.gamma(2.0, 6.5, count) * DAY_SECONDS
    return np.where(rng.random(count) < 0.2, soon, 3600 + days.astype(np.int64))
