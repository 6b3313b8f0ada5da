"""Reference, step 3: orders, customer months, rates by month and the RFM snapshot.

Belongs here: everything that asks "what was this order worth on that day". Does not belong here:
matching, and scores.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.reference_lines import ZERO, Options, OrderLine
from tests.reference_matching import Match

BUYING_STATES = ("new", "active", "reactivated")


@dataclass(eq=False)
class Order:
    """The sale lines of one order, with the matches that undo pieces of them."""

    order_id: str
    sales: list[OrderLine] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)

    @property
    def order_date(self) -> date:
        """Business date of the first sale line."""
        return min(line.order_date for line in self.sales)

    @property
    def customer_id(self) -> str | None:
        """Customer of the order; should its lines name several, the first by id."""
        return min((line.customer_id for line in self.sales if line.customer_id), default=None)

    @property
    def gross(self) -> Decimal:
        """Sale lines of every kind as booked."""
        return sum((line.gross for line in self.sales), ZERO)

    @property
    def discount(self) -> Decimal:
        """Discounts on the sale lines."""
        return sum((line.discount for line in self.sales), ZERO)

    @property
    def returned(self) -> Decimal:
        """What was undone of the order."""
        return sum((match.revenue for match in self.matches), ZERO)

    @property
    def is_fully_cancelled(self) -> bool:
        """Whether no piece of the order is left."""
        undone = sum(match.quantity for match in self.matches)
        return undone == sum(line.quantity for line in self.sales)

    def amounts(self, options: Options) -> list[tuple[date, Decimal]]:
        """Amounts of the order that count for its customer, each with the day it became known."""
        counted = [line for line in self.sales if line.line_kind in options.value_line_kinds]
        if options.monetary_basis == "gross":
            return [(line.order_date, line.gross) for line in counted]
        amounts = [(line.order_date, line.gross - line.discount) for line in counted]
        for match in self.matches:
            if match.sale in counted:
                amounts.append((match.cancellation.order_date, -match.revenue))
        return amounts

    def value_at(self, day: date, options: Options) -> Decimal:
        """What the order is worth at the end of a day, from what is known by then."""
        return sum((amount for known, amount in self.amounts(options) if known <= day), ZERO)

    def counts_at(self, day: date, options: Options) -> bool:
        """Whether the order counts as a purchase at the end of a day."""
        return self.value_at(day, options) > 0


@dataclass(frozen=True)
class CustomerMonth:
    """State of one customer in one month."""

    customer_id: str
    order_month: date
    state: str
    order_count: int
    revenue: Decimal


@dataclass(frozen=True)
class RfmRow:
    """Recency, frequency and monetary of one customer at one date."""

    customer_id: str
    recency_days: int
    frequency: int
    monetary: Decimal


def build_orders(lines: list[OrderLine], matches: list[Match]) -> list[Order]:
    """Group sale lines to orders; an order without a sale line is none."""
    orders: dict[str, Order] = {}
    for line in lines:
        if line.role == "sale":
            orders.setdefault(line.order_id, Order(line.order_id)).sales.append(line)
    for match in matches:
        if match.sale is not None:
            orders[match.sale.order_id].matches.append(match)
    return list(orders.values())


def amounts_without_order(
    lines: list[OrderLine], matches: list[Match], customer_id: str, options: Options
) -> list[tuple[date, Decimal]]:
    """Unmatched returns and discount lines of a customer, on their own dates; net basis only."""
    if options.monetary_basis == "gross":
        return []
    amounts = [
        (match.cancellation.order_date, -match.revenue)
        for match in matches
        if match.sale is None
        and match.cancellation.customer_id == customer_id
        and match.cancellation.line_kind in options.value_line_kinds
    ]
    amounts += [
        (line.order_date, -line.discount)
        for line in lines
        if line.role == "discount"
        and line.customer_id == customer_id
        and line.line_kind in options.value_line_kinds
    ]
    return amounts


def customer_months(
    lines: list[OrderLine],
    matches: list[Match],
    known_from: dict[str, date],
    as_of_date: date,
    options: Options,
) -> list[CustomerMonth]:
    """One row per customer and month, from the customer's first buying month to the last month.

    ``known_from`` names customers of another dataset, who are prospects from that day's month on
    until they buy; a day after the as-of date is not known yet.
    """
    orders = build_orders(lines, matches)
    first_month = min(line.order_date for line in lines).replace(day=1)
    rows: list[CustomerMonth] = []
    for customer_id in sorted({*_customers(lines), *known_from}):
        known_day = known_from.get(customer_id, date.max)
        own_orders = [order for order in orders if order.customer_id == customer_id]
        own_amounts = amounts_without_order(lines, matches, customer_id, options)
        for order in own_orders:
            own_amounts += order.amounts(options)

        bought_before = False
        bought_last_month = False
        for month in months_between(first_month, as_of_date):
            month_end = min(last_day(month), as_of_date)
            order_count = sum(
                order.order_date.replace(day=1) == month and order.counts_at(month_end, options)
                for order in own_orders
            )
            revenue = sum(
                (amount for known, amount in own_amounts if known.replace(day=1) == month), ZERO
            )
            is_known = known_day <= as_of_date and known_day <= last_day(month)
            state = _state(order_count > 0, bought_before, bought_last_month, is_known)
            if state is not None:
                rows.append(CustomerMonth(customer_id, month, state, order_count, revenue))
            bought_last_month = order_count > 0
            bought_before = bought_before or bought_last_month
    return rows


def lifecycle_by_month(
    months: list[CustomerMonth], first: date, last: date
) -> list[dict[str, Any]]:
    """States of all customers in each month from first to last, and the rates that follow.

    A rate is a pair (numerator, denominator); with a denominator of 0 it has no value.
    """
    rows = []
    for month in months_between(first, last):
        here = [row for row in months if row.order_month == month]
        before = {
            row.customer_id: row.state for row in months if _next_month(row.order_month) == month
        }
        states = Counter(row.state for row in here)
        buyers = {row.customer_id for row in here if row.state in BUYING_STATES}
        buyers_before = {name for name, state in before.items() if state in BUYING_STATES}
        inactive_before = {name for name, state in before.items() if state == "inactive"}
        rows.append(
            {
                "order_month": month,
                "new": states["new"],
                "active": states["active"],
                "reactivated": states["reactivated"],
                "inactive": states["inactive"],
                "newly_lapsed": len(buyers_before - buyers),
                "customers": len(buyers) + states["inactive"],
                "prospects": states["prospect"],
                "buyers": len(buyers),
                "repeat_purchase": (sum(row.order_count > 1 for row in here), len(buyers)),
                "retention": (len(buyers & buyers_before), len(buyers_before)),
                "reactivation": (len(buyers & inactive_before), len(inactive_before)),
            }
        )
    return rows


def rfm_snapshot(
    lines: list[OrderLine], matches: list[Match], snapshot_date: date, options: Options
) -> list[RfmRow]:
    """One row per customer with an order that counts at the snapshot date.

    A window of 0 days is all history; otherwise it holds the days after snapshot date - window.
    """
    orders = build_orders(lines, matches)
    rows: list[RfmRow] = []
    for customer_id in _customers(lines):
        own_orders = [order for order in orders if order.customer_id == customer_id]
        counting = [order for order in own_orders if order.counts_at(snapshot_date, options)]
        if not counting:
            continue
        last_order_date = max(order.order_date for order in counting)
        frequency = sum(_in_window(order.order_date, snapshot_date, options) for order in counting)
        monetary = ZERO
        for order in own_orders:
            if _in_window(order.order_date, snapshot_date, options):
                monetary += order.value_at(snapshot_date, options)
        for day, amount in amounts_without_order(lines, matches, customer_id, options):
            if _in_window(day, snapshot_date, options):
                monetary += amount
        rows.append(
            RfmRow(customer_id, (snapshot_date - last_order_date).days, frequency, monetary)
        )
    return rows


def months_between(first: date, last: date) -> list[date]:
    """First days of the months from one date's month to another's, both included."""
    months = []
    month = first.replace(day=1)
    while month <= last:
        months.append(month)
        month = _next_month(month)
    return months


def last_day(month: date) -> date:
    """Last day of the month that begins on this date."""
    return _next_month(month) - timedelta(days=1)


def _next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _in_window(day: date, snapshot_date: date, options: Options) -> bool:
    if day > snapshot_date:
        return False
    if options.rfm_window_days == 0:
        return True
    return day > snapshot_date - timedelta(days=options.rfm_window_days)


def _customers(lines: list[OrderLine]) -> list[str]:
    return sorted({line.customer_id for line in lines if line.customer_id is not None})


def _state(
    bought: bool, bought_before: bool, bought_last_month: bool, is_known: bool
) -> str | None:
    if bought and bought_last_month:
        return "active"
    if bought and bought_before:
        return "reactivated"
    if bought:
        return "new"
    if bought_before:
        return "inactive"
    return "prospect" if is_known else None
