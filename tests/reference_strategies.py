"""Random shop histories in which everything collides: the input of the property tests.

Belongs here: hypothesis strategies for order lines, and rows for the raw tables. Does not belong
here: any expectation.

Values come from small sets on purpose: few products, prices and moments give equal prices, equal
moments, amounts that equal a manual credit, orders before, on and after month ends, and exactly
three days between two moments as well as one second more. Most returns point at a sale and miss
it by a little: too early, too many pieces, another price.
"""

import os
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.reference_lines import RawCustomer, RawLine

#: The same examples in every run and on every machine; a slow machine is no failure.
PIPELINE = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
#: How many times as many examples are tried; `make soak` asks for more than `make test`.
TIMES_AS_MANY = int(os.environ.get("EXAMPLES_TIMES", "1"))


def trying(examples: int) -> settings:
    """Settings for so many examples in ``make test``."""
    return settings(PIPELINE, max_examples=examples * TIMES_AS_MANY)


FIRST_DAY = datetime(2024, 1, 28)
#: Around two month ends (one of a leap year), then gaps of a month and more.
DAYS = (0, 1, 3, 4, 5, 6, 7, 22, 23, 26, 31, 32, 33, 34, 35, 36, 63, 64, 70, 95, 130)
#: Midnight, hours that are the day before in New York, noon and a second after it, the last second.
SECONDS = (0, 10_800, 43_200, 43_201, 86_399)
CUSTOMERS = ("12", "12", "12.0", "ada", "ada", "bo", "cy", None)
PRODUCTS = ("P1", "P1", "P1", "P2", "P2", "10", "M", "m", "D", "POST", "CRUK", "gift_1")
PRICES = tuple(Decimal(text) for text in ("10", "10", "5", "5", "2.5", "0.333", "0"))
SALE_QUANTITIES = (1, 1, 2, 2, 3, 4, 7, -1, -3, 0)
DISCOUNTS = (None, None, None, None, Decimal(0), Decimal("0.1"), Decimal(1), Decimal(100))
STATUSES = (None, None, None, None, None, None, "completed", "refunded", "cancellation")
#: From a sale to its return: the same moment, a second, days around the three of a credit, months.
DELAYS = tuple(
    timedelta(days=days, seconds=seconds)
    for days, seconds in (
        (0, 0), (0, 0), (0, 1), (1, 0), (1, 0), (3, 0), (3, 0), (3, 1), (30, 0), (64, 0), (-1, 0),
    )
)  # fmt: skip
NAMES_OF_PRODUCT = (None, "mug", "mug", "Mug, blue")
COUNTRIES = (None, "UK", "UK", "FR")
CHANNELS = (None, "web", "shop")
REGISTERED = (None, -40, 2, 32, 33, 40, 75)
RETURNS = ("all", "all", "one piece", "one piece", "two more", "credit", "credit", "credit",
           "credit in pieces", "other price", "refused", "charge")  # fmt: skip

_return = st.tuples(st.integers(0, 11), st.sampled_from(DELAYS), st.sampled_from(RETURNS))


def _orders(
    customers: tuple[str | None, ...],
    products: tuple[str, ...],
    prices: tuple[Decimal, ...],
    quantities: tuple[int, ...],
    days: tuple[int, ...],
) -> st.SearchStrategy[tuple[Any, ...]]:
    line = st.tuples(
        st.sampled_from(products),
        st.sampled_from(prices),
        st.sampled_from(quantities),
        st.sampled_from(DISCOUNTS),
        st.sampled_from(STATUSES),
        st.integers(0, 9),  # 0: the line is dated three days after its order
        st.integers(0, 9),  # 0: the line stands there twice
        st.sampled_from(NAMES_OF_PRODUCT),
    )
    return st.tuples(
        st.sampled_from(customers),
        st.sampled_from(days),
        st.sampled_from(SECONDS),
        st.sampled_from(COUNTRIES),
        st.sampled_from(CHANNELS),
        st.lists(line, min_size=1, max_size=3),
    )


_wide_orders = st.lists(
    _orders(CUSTOMERS, PRODUCTS, PRICES, SALE_QUANTITIES, DAYS), min_size=1, max_size=9
)
#: One or two customers who buy and return the same things within a few days.
_crowded_orders = st.lists(
    _orders(("12", "12", "12", "ada"), ("P1", "P1", "P2"), PRICES[:4], (1, 2), DAYS[:5]),
    min_size=2,
    max_size=6,
)


@dataclass(frozen=True)
class Shop:
    """Everything that a test feeds in; file_of gives the file of a line by its place."""

    lines: list[RawLine]
    customers: list[RawCustomer]
    file_of: tuple[int, ...] = ()

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Rows for the raw tables, by dataset."""
        files = self.file_of or (1,) * len(self.lines)
        return {
            "order_lines": [
                asdict(line) | {"_file_id": file_id}
                for line, file_id in zip(self.lines, files, strict=True)
            ],
            "customers": [asdict(customer) | {"_file_id": 90} for customer in self.customers],
        }

    def without_numbers(self) -> "Shop":
        """The same shop from a source that numbers no lines."""
        return replace(self, lines=[replace(line, line_number=None) for line in self.lines])

    def without_rows_after(self, last_day: date) -> "Shop":
        """The same shop as it was known at the end of a day (in UTC)."""
        return replace(
            self,
            lines=[line for line in self.lines if line.ordered_at.date() <= last_day],
            customers=[
                customer
                for customer in self.customers
                if customer.registered_at is None or customer.registered_at.date() <= last_day
            ],
        )


@st.composite
def histories(draw: st.DrawFn) -> list[RawLine]:
    """Order lines of a few customers, each line with its number."""
    is_crowded = draw(st.booleans())
    orders = draw(_crowded_orders if is_crowded else _wide_orders)
    returns = draw(st.lists(_return, min_size=3 * is_crowded, max_size=9))
    # Names that sort otherwise than time does, and otherwise as text than as numbers.
    names = draw(st.permutations(range(5, 5 + len(orders) + len(returns))))
    lines: list[RawLine] = []
    for name, order in zip(names, orders, strict=False):
        lines += _sold(str(name), order)
    sold = list(lines)
    for name, (place, delay, how) in zip(names[len(orders) :], returns, strict=True):
        lines.append(_returned(f"C{name}", sold[place % len(sold)], delay, how))
    return lines


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """Three to seven independent histories: other customers, other orders, one calendar.

    One shop costs hardly more to build than one history.
    """
    lines: list[RawLine] = []
    for place, history in enumerate(draw(st.lists(histories(), min_size=3, max_size=7))):
        lines += [
            replace(
                line,
                order_id=f"{line.order_id}-{place}",
                customer_id=None if line.customer_id is None else f"{place}{line.customer_id}",
            )
            for line in history
        ]
    names = st.sampled_from(["012", "012.0", "0ada", "0bo", "112.0", "eve", "flo"])
    registered = draw(st.lists(st.tuples(names, st.sampled_from(REGISTERED)), max_size=3))
    return Shop(
        lines,
        [
            RawCustomer(name, None if day is None else FIRST_DAY + timedelta(days=day))
            for name, day in registered
        ],
    )


@st.composite
def crowds(draw: st.DrawFn) -> Shop:
    """Many customers with one order each: many equal values, and values on the cuts."""
    orders = draw(
        st.lists(
            st.tuples(st.sampled_from(DAYS), st.integers(1, 9), st.sampled_from(PRICES[1:-1])),
            min_size=1,
            max_size=110,
        )
    )
    return Shop(
        [
            RawLine(
                order_id=f"{place}",
                line_number=1,
                product_id="P1",
                ordered_at=FIRST_DAY + timedelta(days=day, hours=12),
                quantity=quantity,
                unit_price=price,
                customer_id=f"c{place % 91}",
            )
            for place, (day, quantity, price) in enumerate(orders)
        ],
        [],
    )


@st.composite
def reordered(draw: st.DrawFn, shop: Shop) -> Shop:
    """The same rows in another order, split to files in another way."""
    return Shop(
        lines=draw(st.permutations(shop.lines)),
        customers=draw(st.permutations(shop.customers)),
        file_of=tuple(
            draw(st.lists(st.integers(1, 4), min_size=len(shop.lines), max_size=len(shop.lines)))
        ),
    )


def _sold(name: str, order: tuple[Any, ...]) -> list[RawLine]:
    customer, day, second, country, channel, drawn_lines = order
    lines: list[RawLine] = []
    for number, drawn in enumerate(drawn_lines, start=1):
        product, price, quantity, discount, status, later, copies, product_name = drawn
        line = RawLine(
            order_id=name,
            line_number=number,
            product_id=product,
            ordered_at=FIRST_DAY + timedelta(days=day + 3 * (later == 0), seconds=second),
            quantity=quantity,
            unit_price=price,
            customer_id=customer,
            discount_amount=discount,
            status=status,
            product_name=product_name,
            country=country,
            channel=channel,
        )
        lines += [line, line] if copies == 0 else [line]
    return lines


def _returned(name: str, sold: RawLine, delay: timedelta, how: str) -> RawLine:
    line = replace(
        sold,
        order_id=name,
        line_number=1,
        ordered_at=sold.ordered_at + delay,
        quantity=-abs(sold.quantity),
        discount_amount=None,
        status="cancellation",
    )
    pieces = abs(sold.quantity)
    changed: dict[str, dict[str, Any]] = {
        "one piece": {"quantity": -1},
        "two more": {"quantity": -pieces - 2},
        "credit": {"product_id": "M", "quantity": -1, "unit_price": pieces * sold.unit_price},
        "credit in pieces": {"product_id": "M"},
        "other price": {"unit_price": sold.unit_price + Decimal("2.5")},
        "refused": {"quantity": pieces},
        "charge": {"product_id": "M", "quantity": pieces, "status": None},
    }
    return replace(line, **changed.get(how, {}))
