"""Reference, step 1: order lines as a landing file gives them, cleaned and given a role.

Belongs here: the two shapes of a line, the options, duplicates, ids, business dates, line kinds,
roles and the money measures of one line. Does not belong here: anything that looks at two
different lines at once, except to recognise a duplicate or to number the lines of an order.

The reference is slow and obvious on purpose. It shares no code, no seed and no SQL with the
project, so that both can only agree by meaning the same thing.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

ZERO = Decimal(0)

#: Product codes that are no products. A code that begins with ``gift_`` is a voucher.
KIND_OF_CODE = {
    "POST": "shipping",
    "DOT": "shipping",
    "C2": "shipping",
    "M": "manual",
    "BANK CHARGES": "fee",
    "AMAZONFEE": "fee",
    "CRUK": "fee",
    "D": "discount",
    "S": "sample",
    "PADS": "sample",
    "B": "adjustment",
}


@dataclass(frozen=True)
class Options:
    """The variables of the dbt project that the reference knows, with the same defaults."""

    as_of_date: date | None = None
    monetary_basis: str = "net"
    shop_timezone: str = "UTC"
    deduplicate_lines: bool = True
    value_line_kinds: tuple[str, ...] = ("product", "shipping", "manual", "voucher", "discount")
    rfm_window_days: int = 365
    rfm_quantile_bins: int = 5
    manual_credit_window: timedelta = timedelta(days=3)


@dataclass(frozen=True)
class RawLine:
    """One row of the dataset ``order_lines`` after typing: timestamps are UTC without a zone."""

    order_id: str
    line_number: int | None
    product_id: str
    ordered_at: datetime
    quantity: int
    unit_price: Decimal
    customer_id: str | None = None
    discount_amount: Decimal | None = None
    status: str | None = None
    product_name: str | None = None
    country: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class RawCustomer:
    """One row of the dataset ``customers`` after typing."""

    customer_id: str
    registered_at: datetime | None


@dataclass(eq=False)
class OrderLine:
    """A line that is kept, with what follows from it alone. Two lines are never the same line."""

    raw: RawLine
    order_id: str
    line_number: int
    customer_id: str | None
    product_id: str
    ordered_at: datetime
    order_date: date
    quantity: int
    unit_price: Decimal
    line_kind: str
    role: str
    gross: Decimal = ZERO
    discount: Decimal = ZERO

    @property
    def amount(self) -> Decimal:
        """Pieces times price, without a sign."""
        return abs(self.quantity) * self.unit_price

    @property
    def is_refunded(self) -> bool:
        """Whether the line is a sale whose own status says that it was refunded."""
        return self.role == "sale" and self.raw.status == "refunded"

    @property
    def key(self) -> tuple[str, int]:
        """What names the line."""
        return (self.order_id, self.line_number)

    @property
    def in_time_order(self) -> tuple[datetime, str, int]:
        """Sort key: earliest first, ties by order and line."""
        return (self.ordered_at, self.order_id, self.line_number)


@dataclass
class PreparedLines:
    """Lines kept up to the as-of date, and how many were set aside as duplicates."""

    lines: list[OrderLine] = field(default_factory=list)
    duplicate_count: int = 0
    as_of_date: date | None = None


def prepare_lines(raw_lines: list[RawLine], options: Options) -> PreparedLines:
    """Clean ids, set duplicates aside, number lines, leave out what is later than the as-of date.

    Lines of the result are in time order. The as-of date is null only when there is no line.
    """
    cleaned = [_clean(line) for line in raw_lines]
    kept: list[RawLine] = []
    duplicate_count = 0
    for line in cleaned:
        if options.deduplicate_lines and line in kept:
            duplicate_count += 1
        else:
            kept.append(line)

    dates = [business_date(line.ordered_at, options.shop_timezone) for line in kept]
    as_of_date = options.as_of_date or max(dates, default=None)
    known = [
        line
        for line, order_date in zip(kept, dates, strict=True)
        if as_of_date is not None and order_date <= as_of_date
    ]
    lines = [_order_line(raw, number, options) for raw, number in _number_lines(known)]
    return PreparedLines(
        lines=sorted(lines, key=lambda line: line.in_time_order),
        duplicate_count=duplicate_count,
        as_of_date=as_of_date,
    )


def business_date(moment: datetime, timezone: str) -> date:
    """Calendar date of a UTC moment in the shop's time zone."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).date()


def line_kind(product_id: str) -> str:
    """Kind of a line by its product code in any case; what is no known code is a product."""
    if product_id.lower().startswith("gift_"):
        return "voucher"
    return KIND_OF_CODE.get(product_id.upper(), "product")


def clean_id(value: str) -> str:
    """Id as text without the ``.0`` that spreadsheets put behind digits."""
    match = re.fullmatch(r"(\d+)\.0", value.strip())
    return match.group(1) if match else value.strip()


def known_from(customers: list[RawCustomer], options: Options, as_of_date: date) -> dict[str, date]:
    """Day from which a customer is known without having bought; without a date, from the start.

    Registrations after the as-of date are not known yet.
    """
    days: dict[str, date] = {}
    for customer in customers:
        name = clean_id(customer.customer_id)
        day = date.min
        if customer.registered_at is not None:
            day = business_date(customer.registered_at, options.shop_timezone)
        if day > as_of_date:
            continue
        if name not in days or days[name] == date.min or date.min < day < days[name]:
            days[name] = day
    return days


def _clean(line: RawLine) -> RawLine:
    return replace(
        line,
        order_id=clean_id(line.order_id),
        product_id=clean_id(line.product_id),
        customer_id=None if line.customer_id is None else clean_id(line.customer_id),
        status=line.status or "completed",
    )


def _number_lines(lines: list[RawLine]) -> list[tuple[RawLine, int]]:
    """Give each line its number: its own, or its place by content after those of its order.

    Of lines that are equal in everything only the first keeps its number.
    """
    numbered: list[tuple[RawLine, int]] = []
    unnumbered: list[RawLine] = []
    for line in lines:
        if line.line_number is None or (line, line.line_number) in numbered:
            unnumbered.append(line)
        else:
            numbered.append((line, line.line_number))

    result = list(numbered)
    for order_id in sorted({line.order_id for line in unnumbered}):
        highest = max((number for line, number in numbered if line.order_id == order_id), default=0)
        without = [line for line in unnumbered if line.order_id == order_id]
        without.sort(key=_content)
        result += [(line, highest + place + 1) for place, line in enumerate(without)]
    return result


def _content(line: RawLine) -> tuple[Any, ...]:
    """Time, then content in the order of the input contract's columns, empty ones last."""
    columns = (
        line.ordered_at,
        line.product_id,
        line.quantity,
        line.unit_price,
        line.customer_id,
        line.product_name,
        line.country,
        line.channel,
        line.discount_amount,
        line.status,
    )
    return tuple((column is None, column) for column in columns)


def _order_line(raw: RawLine, number: int, options: Options) -> OrderLine:
    kind = line_kind(raw.product_id)
    line = OrderLine(
        raw=raw,
        order_id=raw.order_id,
        line_number=number,
        customer_id=raw.customer_id,
        product_id=raw.product_id,
        ordered_at=raw.ordered_at,
        order_date=business_date(raw.ordered_at, options.shop_timezone),
        quantity=raw.quantity,
        unit_price=raw.unit_price,
        line_kind=kind,
        role=_role(raw, kind),
    )
    if line.role == "sale":
        line.gross = line.amount
        line.discount = min(raw.discount_amount or ZERO, line.amount)
    elif line.role == "discount":
        line.discount = line.amount
    return line


def _role(raw: RawLine, kind: str) -> str:
    if raw.unit_price <= 0:
        return "other"
    if raw.quantity > 0 and raw.status != "cancellation":
        return "sale"
    if raw.quantity < 0:
        return "discount" if kind == "discount" else "cancellation"
    return "other"
