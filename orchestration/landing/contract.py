"""The input contract: the nine datasets a landing file can feed, and what each column must be.

Belongs here: names, types, bounds and meaning of the columns. Does not belong here: how a value
is read from a file (profile) or cast and judged (casting).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """What a column holds; it decides the DuckDB type and how text becomes a value."""

    ID = "id"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    WHOLE = "whole"
    MONEY = "money"
    NUMBER = "number"


_DUCKDB_TYPES = {
    Kind.ID: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.WHOLE: "BIGINT",
    Kind.MONEY: "DECIMAL(18,4)",
    Kind.NUMBER: "DOUBLE",
}

#: Pieces on one line never exceed this, in either direction; a larger number is a broken field.
LARGEST_QUANTITY = 1_000_000_000
#: No amount of one line exceeds this; one step of the type above it is a thousand million.
LARGEST_AMOUNT = Decimal("999999999.9999")
#: Quantity times unit price of one line lies below this, so that sums over lines fit their type.
LARGEST_LINE_AMOUNT = 1_000_000_000_000


@dataclass(frozen=True)
class Column:
    """One column of a dataset.

    ``minimum`` and ``maximum`` are inclusive bounds of a number. ``accepted_values`` are compared
    in lower case and stored in lower case. ``identifier`` says that the column holds keyed hashes
    of direct identifiers, and of which: a plain value is never stored, nor shown when refused.
    """

    name: str
    kind: Kind
    required: bool
    description: str
    accepted_values: tuple[str, ...] = ()
    minimum: int | Decimal | None = None
    maximum: int | Decimal | None = None
    identifier: Literal["email", "phone"] | None = None

    @property
    def type(self) -> str:
        """DuckDB type of the column in the raw table."""
        return _DUCKDB_TYPES[self.kind]


@dataclass(frozen=True)
class Dataset:
    """One dataset: its key (what makes a row the row it is) and its columns in order."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: str

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError when the dataset has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)


def _id(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name, Kind.ID, required, description)


def _text(
    name: str, description: str, *, required: bool = False, accepted: tuple[str, ...] = ()
) -> Column:
    return Column(name, Kind.TEXT, required, description, accepted)


def _time(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name, Kind.TIMESTAMP, required, f"{description} (UTC)")


def _money(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name, Kind.MONEY, required, description, minimum=0, maximum=LARGEST_AMOUNT)


_ORDER_LINES = Dataset(
    "order_lines",
    ("order_id", "line_number"),
    (
        _id("order_id", "Order (invoice) the line stands on"),
        Column(
            "line_number",
            Kind.WHOLE,
            required=False,
            description="Position on the order; derived from the content when a source has none",
            minimum=0,
            maximum=LARGEST_QUANTITY,
        ),
        _id("product_id", "Product sold or returned"),
        _time("ordered_at", "Time of the order"),
        Column(
            "quantity",
            Kind.WHOLE,
            required=True,
            description="Whole pieces; negative when the line takes pieces back",
            minimum=-LARGEST_QUANTITY,
            maximum=LARGEST_QUANTITY,
        ),
        _money("unit_price", "Price of one piece", required=True),
        _id("customer_id", "Customer; empty for an unknown one", required=False),
        _text("product_name", "Name of the product as the order gives it"),
        _text("country", "Country of the customer or the delivery"),
        _text("channel", "Sales channel, such as an advertising channel or shop"),
        _text("platform", "Platform the order was placed on"),
        _money("discount_amount", "Amount taken off this line"),
        _money("paid_amount", "Amount paid for this line"),
        _time("paid_at", "Time of the payment", required=False),
        _text(
            "status",
            "completed (or empty), cancellation (the order itself cancels something), "
            "refunded (this sale line was refunded)",
            accepted=("completed", "cancellation", "refunded"),
        ),
        _text("currency", "Currency of the amounts; one per warehouse"),
    ),
    "One row per product on an order",
)

_CUSTOMERS = Dataset(
    "customers",
    ("customer_id",),
    (
        _id("customer_id", "Customer"),
        _time("registered_at", "Time of registration", required=False),
        _text("region", "Region the customer belongs to"),
        Column(
            "email_hash",
            Kind.TEXT,
            required=False,
            description="Hash of the e-mail address, never the address",
            identifier="email",
        ),
        Column(
            "phone_hash",
            Kind.TEXT,
            required=False,
            description="Hash of the phone number, never the number",
            identifier="phone",
        ),
    ),
    "One row per customer",
)

_PRODUCTS = Dataset(
    "products",
    ("product_id",),
    (
        _id("product_id", "Product"),
        _text("product_name", "Name of the product"),
        _text("category", "Category of the product"),
        _money("list_price", "Price of one piece in the catalogue"),
    ),
    "One row per product",
)

_EVENTS = Dataset(
    "events",
    ("event_id",),
    (
        _id("event_id", "Event; a hash of the row when a source has none", required=False),
        _id("customer_id", "Customer who acted"),
        _text(
            "event_type",
            "What the customer did",
            required=True,
            accepted=("view", "click", "cart", "fav", "order", "payment", "review"),
        ),
        _id("product_id", "Product acted on"),
        _time("occurred_at", "Time of the event"),
        _id("session_id", "Visit the event belongs to", required=False),
        _text("category", "Category of the product"),
        Column(
            "dwell_seconds",
            Kind.NUMBER,
            required=False,
            description="Seconds spent on the page",
            minimum=0,
            maximum=1_000_000_000,
        ),
    ),
    "One row per action of a customer on a product",
)

_CAMPAIGNS = Dataset(
    "campaigns",
    ("campaign_id",),
    (
        _id("campaign_id", "Campaign"),
        _text("campaign_name", "Name of the campaign", required=True),
        _time("starts_at", "First moment of the campaign"),
        _time("ends_at", "Last moment of the campaign"),
        _text("campaign_type", "Type of the campaign"),
    ),
    "One row per campaign",
)

_COUPON_SENDS = Dataset(
    "coupon_sends",
    ("send_id",),
    (
        _id("send_id", "Coupon sent to one customer"),
        _id("campaign_id", "Campaign the coupon belongs to"),
        _id("customer_id", "Customer who received it"),
        _time("sent_at", "Time of sending"),
        _time("expires_at", "Last moment it can be redeemed"),
        _money("discount_amount", "Amount the coupon takes off", required=True),
        _id("agent_id", "Service agent who sent it", required=False),
        _id("product_id", "Product it is for", required=False),
    ),
    "One row per coupon sent",
)

_COUPON_REDEMPTIONS = Dataset(
    "coupon_redemptions",
    ("redemption_id",),
    (
        _id("redemption_id", "Redemption"),
        _id("send_id", "Coupon that was redeemed"),
        _time("redeemed_at", "Time of redemption"),
        _money("paid_amount", "Amount paid with the coupon applied", required=True),
        _id("order_id", "Order it was redeemed on", required=False),
        _money("discount_amount", "Amount it took off"),
    ),
    "One row per redemption of a coupon",
)

_AGENTS = Dataset(
    "agents",
    ("agent_id",),
    (
        _id("agent_id", "Service agent"),
        _text("agent_name", "Name of the agent", required=True),
        _text("shop", "Shop the agent works for"),
    ),
    "One row per service agent",
)

_CORRECTIONS = Dataset(
    "corrections",
    ("correction_id",),
    (
        _id("correction_id", "Correction"),
        _text("dataset", "Dataset that is corrected: any but this one", required=True),
        _text(
            "key",
            "Id of the record; of order lines order_id or order_id/line_number",
            required=True,
        ),
        _text(
            "action",
            "set one column or delete the record",
            required=True,
            accepted=("set", "delete"),
        ),
        _text("reason", "Why", required=True),
        _text("author", "Who", required=True),
        _time("corrected_at", "When"),
        _text("column", "Column that is set; none of the key"),
        _text("value", "Value it is set to; empty to empty the column"),
    ),
    "One row per correction that a person makes to source data; append-only",
)


def _by_name(datasets: Iterable[Dataset]) -> dict[str, Dataset]:
    return {dataset.name: dataset for dataset in datasets}


#: Every dataset by its name, ``order_lines`` (the only mandatory one) first.
CONTRACT: dict[str, Dataset] = _by_name(
    (
        _ORDER_LINES,
        _CUSTOMERS,
        _PRODUCTS,
        _EVENTS,
        _CAMPAIGNS,
        _COUPON_SENDS,
        _COUPON_REDEMPTIONS,
        _AGENTS,
        _CORRECTIONS,
    )
)
