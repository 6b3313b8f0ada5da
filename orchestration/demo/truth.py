"""What is true of the demo shop, worked out from its plan and not from its files.

Belongs here: value of orders, customer months and monthly totals of one block of customers, in
whole ten-thousandths of the currency (an int64 each; ``MONEY_DIGITS``). Does not belong here: the
matching of cancellations, and any SQL of the models.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.demo.calendar import IntArray, ShopCalendar
from orchestration.demo.catalogue import VALUE_KIND_CODES, Catalogue
from orchestration.demo.matching import (
    NO_SALE,
    RULES,
    BoolArray,
    line_roles,
    match_cancellations,
)

#: Digits behind the point of all money here: a whole number of ten-thousandths.
MONEY_DIGITS = 4
_UNITS_PER_PENNY = 100

STATES = ("prospect", "new", "active", "reactivated", "inactive")
PROSPECT, NEW, ACTIVE, REACTIVATED, INACTIVE = range(5)

#: Columns of the monthly totals, in this order.
MONTH_COLUMNS = (
    "sale_lines",
    "orders",
    "units",
    "gross_revenue",
    "returned_revenue",
    "discounts",
    "buyers",
    "new",
    "active",
    "reactivated",
    "inactive",
)
MONTH_MONEY = ("gross_revenue", "returned_revenue", "discounts")


@dataclass(frozen=True)
class BlockTruth:
    """The truth of one block of customers; customers by their number."""

    #: order_no, customer, month, second, gross, discount, returned, gross_value, value (of the
    #: kinds that count, at the end), is_positive_at_month_end, is_fully_cancelled.
    orders: pd.DataFrame
    #: cancelling and cancelled line, quantity, amount, rule.
    cancellations: pd.DataFrame
    #: customer, month, state, order_count, revenue; and the last three on the gross basis.
    customer_months: pd.DataFrame
    #: One row per month, MONTH_COLUMNS.
    months: IntArray
    #: Per rule: parts, pieces, money; shape (4, 3).
    by_rule: IntArray
    cancellation_lines: int


def block_truth(
    calendar: ShopCalendar,
    catalogue: Catalogue,
    lines: pd.DataFrame,
    registered_month: IntArray,
    first_customer: int,
) -> BlockTruth:
    """Everything true of one block.

    Args:
        lines: all lines of the block, each once.
        registered_month: month index of each customer's registration, 0 when before the data.
        first_customer: number of the block's first customer.
    """
    kind = catalogue.kind[lines["product"]]
    roles = line_roles(lines, kind)
    parts = match_cancellations(lines, kind, roles)
    price = lines["price"].to_numpy() * _UNITS_PER_PENNY
    amount = np.abs(lines["quantity"].to_numpy()) * price
    gross = np.where(roles.is_sale, amount, 0)
    discount = np.where(roles.is_sale, lines["discount"].to_numpy() * _UNITS_PER_PENNY, 0)
    discount = np.minimum(discount, gross)
    counts = np.isin(kind, VALUE_KIND_CODES)
    part_amount = _part_amounts(lines, parts, price, gross - discount)
    parts = parts.assign(amount=part_amount)

    orders, order_of_line = _orders(lines, roles.is_sale)
    count = len(orders)
    found = parts[parts["sale"] != NO_SALE]
    sale = found["sale"].to_numpy()
    month = lines["month"].to_numpy()
    at_once = month[found["cancellation"]] == month[sale]

    def per_order(index: IntArray, values: IntArray) -> IntArray:
        return _sums(order_of_line[index], values, count)

    sales = np.flatnonzero(roles.is_sale)
    back = found["amount"].to_numpy()
    back_value = np.where(counts[sale], back, 0)
    sold_value = per_order(sales, np.where(counts, gross - discount, 0)[sales])
    orders["gross"] = per_order(sales, gross[sales])
    orders["discount"] = per_order(sales, discount[sales])
    orders["returned"] = per_order(sale, back)
    orders["gross_value"] = per_order(sales, np.where(counts, gross, 0)[sales])
    orders["value"] = sold_value - per_order(sale, back_value)
    by_month_end = sold_value - per_order(sale[at_once], back_value[at_once])
    orders["is_positive_at_month_end"] = by_month_end > 0
    pieces_sold = per_order(sales, lines["quantity"].to_numpy()[sales])
    pieces_back = per_order(sale, found["quantity"].to_numpy())
    orders["is_fully_cancelled"] = pieces_sold == pieces_back

    # Money by the day it becomes known: sales, what is taken back, discount lines.
    row = parts["cancellation"].to_numpy()
    concerned = np.where(parts["sale"] == NO_SALE, row, parts["sale"])
    known = [sales, row[counts[concerned]], np.flatnonzero(roles.is_discount & counts)]
    values = [
        np.where(counts, gross - discount, 0)[sales],
        -part_amount[counts[concerned]],
        -amount[known[2]],
    ]
    money = (np.concatenate(known), np.concatenate(values))
    gross_money = (sales, np.where(counts, gross, 0)[sales])
    customer_months, states = _customer_months(
        calendar, lines, orders, money, gross_money, registered_month
    )
    customer_months["customer"] += first_customer
    orders.loc[orders["customer"] >= 0, "customer"] += first_customer

    totals = [
        np.bincount(month[sales], minlength=calendar.months),
        np.bincount(orders["month"], minlength=calendar.months),
        _sums(month[sales], lines["quantity"].to_numpy()[sales], calendar.months),
        _sums(month, gross, calendar.months),
        _sums(month[row], part_amount, calendar.months),
        _sums(month, discount + np.where(roles.is_discount, amount, 0), calendar.months),
        np.isin(states, (NEW, ACTIVE, REACTIVATED)).sum(axis=0),
        *((states == state).sum(axis=0) for state in (NEW, ACTIVE, REACTIVATED, INACTIVE)),
    ]
    rule = parts["rule"].to_numpy()
    by_rule = [
        np.bincount(rule, minlength=len(RULES)),
        _sums(rule, parts["quantity"].to_numpy(), len(RULES)),
        _sums(rule, part_amount, len(RULES)),
    ]
    return BlockTruth(
        orders,
        _with_lines(lines, parts),
        customer_months,
        np.stack(totals, axis=1),
        np.stack(by_rule, axis=1),
        int(roles.is_cancellation.sum()),
    )


def _part_amounts(
    lines: pd.DataFrame, parts: pd.DataFrame, price: IntArray, net: IntArray
) -> IntArray:
    """What each part of a cancellation takes back.

    A piece of a sale is worth its share of what the line was sold for after its discount, rounded
    down over the pieces so far, so that all pieces together are worth the line exactly. A piece
    without a sale is worth the price that the cancellation states.
    """
    sale, pieces = parts["sale"].to_numpy(), parts["quantity"].to_numpy()
    start = parts["from_piece"].to_numpy()
    sold = np.abs(lines["quantity"].to_numpy())[sale]
    matched = net[sale] * (start + pieces) // sold - net[sale] * start // sold
    return np.where(sale == NO_SALE, pieces * price[parts["cancellation"]], matched)


def _orders(lines: pd.DataFrame, is_sale: BoolArray) -> tuple[pd.DataFrame, IntArray]:
    """Orders with a sale line, and the order of each sale line (0 for the other lines)."""
    sales = lines[is_sale]
    orders = (
        sales.drop_duplicates("order_no")[["order_no", "customer", "month", "second"]]
        .sort_values("order_no", ignore_index=True)
        .copy()
    )
    order_of_line = np.zeros(len(lines), dtype=np.int64)
    order_of_line[is_sale] = np.searchsorted(orders["order_no"], sales["order_no"])
    return orders, order_of_line


def _customer_months(
    calendar: ShopCalendar,
    lines: pd.DataFrame,
    orders: pd.DataFrame,
    money: tuple[IntArray, IntArray],
    gross_money: tuple[IntArray, IntArray],
    registered_month: IntArray,
) -> tuple[pd.DataFrame, IntArray]:
    """States, orders and revenue per customer and month from the registration on.

    Args:
        money: rows of ``lines`` and the amounts they add on the net basis; same on the gross.

    Returns:
        the rows, and the states on the net basis as an array (customers, months).
    """
    people = len(registered_month)
    shape = (people, calendar.months)
    customer, month = lines["customer"].to_numpy(), lines["month"].to_numpy()

    def spread(rows: IntArray, values: IntArray) -> IntArray:
        is_known = customer[rows] >= 0
        cell = customer[rows] * calendar.months + month[rows]
        return _sums(cell[is_known], values[is_known], people * calendar.months).reshape(shape)

    def order_counts(is_counted: BoolArray) -> IntArray:
        counted = orders[is_counted & (orders["customer"].to_numpy() >= 0)]
        cell = (counted["customer"] * calendar.months + counted["month"]).to_numpy()
        return np.bincount(cell, minlength=people * calendar.months).reshape(shape)

    net_orders = order_counts(orders["is_positive_at_month_end"].to_numpy())
    gross_orders = order_counts(orders["gross_value"].to_numpy() > 0)
    states, gross_states = _states(net_orders > 0), _states(gross_orders > 0)
    is_row = np.arange(calendar.months)[None, :] >= registered_month[:, None]
    who, when = np.nonzero(is_row)
    rows = pd.DataFrame(
        {
            "customer": who,
            "month": when,
            "state": states[is_row],
            "order_count": net_orders[is_row],
            "revenue": spread(*money)[is_row],
            "gross_state": gross_states[is_row],
            "gross_order_count": gross_orders[is_row],
            "gross_revenue": spread(*gross_money)[is_row],
        }
    )
    return rows, states


def _states(bought: BoolArray) -> IntArray:
    """State per customer and month from who bought when; shape (customers, months)."""
    bought_before = (np.cumsum(bought, axis=1) - bought) > 0
    bought_last_month = np.zeros_like(bought)
    bought_last_month[:, 1:] = bought[:, :-1]
    when_bought = np.where(bought_last_month, ACTIVE, np.where(bought_before, REACTIVATED, NEW))
    when_not = np.where(bought_before, INACTIVE, PROSPECT)
    return np.where(bought, when_bought, when_not)


def _with_lines(lines: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """Row numbers replaced by order and line numbers; 0 stands for no sale."""
    result = parts[["quantity", "amount", "rule"]].copy()
    for name in ("cancellation", "sale"):
        row = parts[name].to_numpy()
        for column in ("order_no", "line_number", "is_return"):
            values = lines[column].to_numpy()[row].astype(np.int64)
            result[f"{name}_{column}"] = np.where(row == NO_SALE, 0, values)
    return result


def _sums(index: IntArray, values: IntArray, size: int) -> IntArray:
    """Sum of whole numbers per index; exact, as floats are up to 2**53."""
    return np.round(np.bincount(index, weights=values, minlength=size)).astype(np.int64)
