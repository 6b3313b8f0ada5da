"""The summary of a demo shop: what stands in its files and what is true of it.

Belongs here: the figures, and reading and writing them. Does not belong here: working them out.
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.demo.mess import FAULTS
from orchestration.errors import CustomerValueError

SUMMARY_NAME = "summary.json"
LANDING_PARTS = ("landing", "canonical")


@dataclass(frozen=True)
class RuleTotal:
    """What one matching rule accounts for: parts of cancellations, pieces, revenue."""

    parts: int
    pieces: int
    revenue: Decimal


@dataclass(frozen=True)
class DemoTruth:
    """A generated shop. Money is in the shop's currency; figures hold at the last date.

    The truth that needs matching and states (``cancellations_by_rule``, the four money totals and
    the tables in ``truth_dir``) is empty or None when the shop was made without it.
    """

    #: Folder that the shop was written to.
    target: Path
    seed: int
    first_month: date
    months: int
    last_date: date
    #: Rows of customers.csv with an id: buyers and prospects.
    customers: int
    #: Registered customers without any order, cancelled or not.
    prospects: int
    #: Rows of customers.csv without an id, to be rejected.
    broken_customer_rows: int
    products: int
    #: Rows per file of order lines, whatever becomes of them; a file without rows is not written.
    file_rows: dict[str, int]
    #: Rows that repeat another in every column.
    duplicate_rows: int
    #: Rows to be rejected, by the name of what is wrong with them (``mess.FAULTS``).
    broken_rows: dict[str, int]
    #: Different good rows: rows written - duplicates - broken.
    lines: int
    sale_lines: int
    cancellation_lines: int
    discount_lines: int
    #: Orders with at least one sale line.
    orders: int
    cancellations_by_rule: dict[str, RuleTotal]
    gross_revenue: Decimal | None
    returned_revenue: Decimal | None
    discounts: Decimal | None
    net_revenue: Decimal | None
    #: Rows per file of events, repeated ones included; empty for a shop without events.
    event_rows: dict[str, int] = field(default_factory=dict)

    @property
    def landing_dir(self) -> Path:
        """Folder with the files for the profile ``canonical``."""
        return self.target.joinpath(*LANDING_PARTS)

    @property
    def truth_dir(self) -> Path:
        """Folder with the truth tables and this summary."""
        return self.target / "truth"

    @property
    def rows_written(self) -> int:
        """Rows in all files of order lines."""
        return sum(self.file_rows.values())

    @property
    def rejects(self) -> dict[tuple[str, str], int]:
        """Rows of order lines that the load rejects, per column and reason."""
        counts: Counter[tuple[str, str]] = Counter()
        for fault in FAULTS:
            counts[fault.column, fault.reason] += self.broken_rows[fault.name]
        return dict(counts)

    def write(self) -> None:
        """Write ``truth/summary.json``; the last thing written of a shop."""
        values = {name: value for name, value in asdict(self).items() if name != "target"}
        if not self.event_rows:
            del values["event_rows"]
        text = json.dumps(values, indent=2, default=str) + "\n"
        (self.truth_dir / SUMMARY_NAME).write_text(text, encoding="utf-8")


def read_demo_truth(target: Path) -> DemoTruth | None:
    """The summary of the shop in ``target``; None when no shop was completed there.

    Raises:
        CustomerValueError: the summary is there and cannot be read.
    """
    path = target / "truth" / SUMMARY_NAME
    if not path.exists():
        return None
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("first_month", "last_date"):
            values[name] = date.fromisoformat(values[name])
        for name in ("gross_revenue", "returned_revenue", "discounts", "net_revenue"):
            values[name] = None if values[name] is None else Decimal(values[name])
        values["cancellations_by_rule"] = {
            rule: RuleTotal(total["parts"], total["pieces"], Decimal(total["revenue"]))
            for rule, total in values["cancellations_by_rule"].items()
        }
        known = {each.name for each in fields(DemoTruth)}
        return DemoTruth(target=target, **{k: v for k, v in values.items() if k in known})
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise CustomerValueError(
            f"The demo shop's summary {path} cannot be read ({error}).",
            "Generate the shop again with `customer-value demo`.",
        ) from error
