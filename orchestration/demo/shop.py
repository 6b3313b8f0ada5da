"""The demo shop: a seeded generator of landing files together with the truth about them.

Belongs here: the order of the steps, one block of customers after the other, and the totals.
Does not belong here: how any step is done. Customers are drawn in blocks so that memory stays
bounded however large the shop is; nothing loops over lines except the plain queue of the truth.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.demo.calendar import IntArray, ShopCalendar, make_calendar
from orchestration.demo.catalogue import Catalogue, make_catalogue
from orchestration.demo.events import (
    EVENT_COPY_EVERY,
    behaviour_truth,
    draw_events,
    event_file,
)
from orchestration.demo.files import (
    broken_customer_rows,
    render_events,
    render_landing,
    render_truth,
    write_frame,
    write_part,
)
from orchestration.demo.habits import Habits, draw_habits, draw_planted_habits, group_frame
from orchestration.demo.matching import RULES, line_roles
from orchestration.demo.mess import FAULTS, NO_FAULT, file_names, make_rows
from orchestration.demo.population import draw_orders, draw_population, draw_registrations
from orchestration.demo.returns import draw_returns
from orchestration.demo.sales import draw_lines, fee_lines, number_orders
from orchestration.demo.summary import DemoTruth, RuleTotal
from orchestration.demo.truth import (
    MONEY_DIGITS,
    MONTH_COLUMNS,
    MONTH_MONEY,
    BlockTruth,
    block_truth,
)
from orchestration.errors import CustomerValueError

DEFAULT_CUSTOMERS = 20_000
DEFAULT_MONTHS = 24
DEFAULT_SEED = 20_240_229
DEFAULT_FIRST_MONTH = date(2023, 1, 1)
#: The data ends inside its last month, so that a partial month is there to be seen.
DEFAULT_LAST_DAY = 20
#: Customers per block; about ten lines each. Part of what a seed means.
BLOCK_CUSTOMERS = 50_000
_WORK_NAME = ".generating"
#: Narrow types for the parts kept on disk until the files are rendered.
_PART_TYPES = {
    "line_number": "int32",
    "customer": "int32",
    "product": "int16",
    "status": "int8",
    "channel": "int8",
    "platform": "int8",
    "country": "int8",
    "file": "int16",
    "fault": "int8",
}

_EVENT_TYPES = {
    "event": "int32",
    "customer": "int32",
    "month": "int16",
    "event_type": "int8",
    "product": "int16",
    "visit": "int32",
    "dwell": "int32",
}
#: Sets the random numbers of events apart from those of everything else.
_EVENT_STREAM = 7_001


def generate_demo_shop(
    target: Path,
    *,
    customers: int = DEFAULT_CUSTOMERS,
    months: int = DEFAULT_MONTHS,
    seed: int = DEFAULT_SEED,
    first_month: date = DEFAULT_FIRST_MONTH,
    last_day: int | None = DEFAULT_LAST_DAY,
    truth: bool = True,
    planted_groups: bool = False,
    events: bool = False,
    progress: Callable[[str], None] | None = None,
) -> DemoTruth:
    """Write a shop to ``target/landing/canonical`` and the truth about it to ``target/truth``.

    The same arguments write the same bytes. A shop already there is replaced; files of other
    origin in the folder stay. ``truth/summary.json`` is written last: where it is missing, the
    shop is incomplete.

    Args:
        target: folder of the shop; made when missing.
        customers: registered customers, prospects among them; about ten order lines each.
        months: months with data.
        seed: any whole number >= 0.
        first_month: any day of the first month.
        last_day: day of the last month on which the data ends; None: the month's last day.
        truth: whether to work out matches and states; False saves about a third of the time.
        planted_groups: whether the customers fall into groups that are far apart
            (``habits.PLANTED_GROUPS``), for clusterings to be measured with; another shop.
        events: whether to write what customers do besides buying, too; all else stays the same.
        progress: called with a short line of text after each step.

    Raises:
        CustomerValueError: a size is out of range, or the folder cannot be written.
    """
    _check_sizes(customers, months, seed, first_month, last_day)
    report = progress or _say_nothing
    work = target / _WORK_NAME
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        calendar = make_calendar(first_month, months, last_day)
        catalogue = make_catalogue(np.random.default_rng([seed, 0]), months)
        builder = _ShopBuilder(
            calendar, catalogue, customers, seed, truth, planted_groups, events, work
        )
        for first_customer in range(0, customers, BLOCK_CUSTOMERS):
            builder.add_block(first_customer)
            done = min(first_customer + BLOCK_CUSTOMERS, customers)
            report(f"drew {done:,} of {customers:,} customers")
        file_rows = builder.rows_by_file()
        render_landing(work, work / "landing", file_rows, catalogue, seed, report)
        if events:
            names = [calendar.month_name(month) for month in range(months)]
            render_events(work, work / "landing", names, catalogue, report)
        (work / "truth").mkdir()
        if truth:
            render_truth(work, work / "truth", calendar)
            write_frame(builder.month_frame(), MONTH_MONEY, work / "truth" / "months.parquet")
            report("wrote the truth")
        result = builder.summary(target)
        _move_into_place(work, result)
        return result
    except OSError as error:
        raise CustomerValueError(
            f"The demo shop cannot be written to {target}: {error}.",
            "Free some space or choose another folder, then run again.",
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _ShopBuilder:
    """Draws blocks of customers, keeps their parts on disk and adds up the totals."""

    def __init__(
        self,
        calendar: ShopCalendar,
        catalogue: Catalogue,
        customers: int,
        seed: int,
        truth: bool,
        planted_groups: bool,
        events: bool,
        work: Path,
    ) -> None:
        self.calendar = calendar
        self.catalogue = catalogue
        self.customers = customers
        self.seed = seed
        self.truth = truth
        self.planted_groups = planted_groups
        self.events = events
        self.work = work
        self.next_order = np.ones(calendar.months, dtype=np.int64)
        self.next_return = np.ones(calendar.months, dtype=np.int64)
        self.counts: Counter[str] = Counter()
        self.event_rows = np.zeros(calendar.months, dtype=np.int64)
        self.file_rows = np.zeros(len(file_names(calendar)), dtype=np.int64)
        self.faults = np.zeros(len(FAULTS), dtype=np.int64)
        self.month_totals = np.zeros((calendar.months, len(MONTH_COLUMNS)), dtype=np.int64)
        self.rule_totals = np.zeros((len(RULES), 3), dtype=np.int64)

    def add_block(self, first_customer: int) -> None:
        """Draw the block of customers that begins with ``first_customer``."""
        block = first_customer // BLOCK_CUSTOMERS
        rng = np.random.default_rng([self.seed, 1 + block])
        size = min(BLOCK_CUSTOMERS, self.customers - first_customer)
        people = draw_population(rng, first_customer, size)
        if self.planted_groups:
            habits = draw_planted_habits(rng, self.calendar, people.spend)
        else:
            habits = draw_habits(rng, self.calendar, first_customer, size)
        orders = draw_orders(rng, self.calendar, people, habits)
        registrations = draw_registrations(rng, self.calendar, people, orders)
        write_part(self.work, "customers", block, registrations)
        lines = self._draw_lines(rng, orders, with_fees=block == 0)

        roles = line_roles(lines, self.catalogue.kind[lines["product"]])
        rows = make_rows(rng, self.calendar, lines, roles.is_sale)
        self._count(orders, size, lines, rows)
        self.counts["sale_lines"] += int(roles.is_sale.sum())
        self.counts["cancellation_lines"] += int(roles.is_cancellation.sum())
        self.counts["discount_lines"] += int(roles.is_discount.sum())
        self.counts["orders"] += int(lines.loc[roles.is_sale, "order_no"].nunique())
        rows.loc[rows["customer"] >= 0, "customer"] += first_customer
        rows = rows.drop(columns=["month", "is_copy"]).sort_values("file", kind="stable")
        write_part(self.work, "lines", block, rows.astype(_PART_TYPES))
        if self.events:
            sales = lines[roles.is_sale]
            self._add_events(block, first_customer, habits, sales)
        if self.truth:
            write_part(self.work, "groups", block, group_frame(first_customer, habits))
            seconds = registrations["registered_second"].to_numpy()
            self._add_truth(block, lines, self._registered_month(seconds), first_customer)

    def _add_events(
        self, block: int, first_customer: int, habits: Habits, sales: pd.DataFrame
    ) -> None:
        rng = np.random.default_rng([self.seed, _EVENT_STREAM, block])
        events = draw_events(rng, self.calendar, self.catalogue, habits, sales)
        is_copied = events["event"] % EVENT_COPY_EVERY == 0
        for rows in (events, events[is_copied]):
            self.event_rows += np.bincount(rows["month"], minlength=self.calendar.months)
        if self.truth:
            known = behaviour_truth(self.calendar, events, first_customer)
            write_part(self.work, "behaviour", block, known)
        parts = events.astype(_EVENT_TYPES)
        write_part(
            self.work, "events", block, parts.assign(block=block, first_customer=first_customer)
        )

    def rows_by_file(self) -> dict[str, int]:
        """Rows of each order line file, in the order of their numbers; some may be 0."""
        return dict(zip(file_names(self.calendar), self.file_rows.tolist(), strict=True))

    def month_frame(self) -> pd.DataFrame:
        """Totals per month: order_month and MONTH_COLUMNS."""
        frame = pd.DataFrame(self.month_totals, columns=list(MONTH_COLUMNS))
        starts = [self.calendar.month_start(month) for month in range(self.calendar.months)]
        frame.insert(0, "order_month", np.asarray(starts, dtype="datetime64[s]"))
        return frame

    def summary(self, target: Path) -> DemoTruth:
        """The totals of all blocks."""
        gross, returned, discounts = (
            _money(self.month_totals[:, MONTH_COLUMNS.index(name)].sum()) for name in MONTH_MONEY
        )
        return DemoTruth(
            target=target,
            seed=self.seed,
            first_month=self.calendar.first_month,
            months=self.calendar.months,
            last_date=self.calendar.last_date,
            customers=self.customers,
            prospects=self.counts["prospects"],
            broken_customer_rows=broken_customer_rows(self.customers),
            products=int(self.catalogue.table["is_listed"].sum()),
            file_rows={name: rows for name, rows in self.rows_by_file().items() if rows},
            duplicate_rows=self.counts["duplicate_rows"],
            broken_rows={
                fault.name: int(count) for fault, count in zip(FAULTS, self.faults, strict=True)
            },
            lines=self.counts["lines"],
            sale_lines=self.counts["sale_lines"],
            cancellation_lines=self.counts["cancellation_lines"],
            discount_lines=self.counts["discount_lines"],
            orders=self.counts["orders"],
            cancellations_by_rule={
                rule: RuleTotal(int(parts), int(pieces), _money(money))
                for rule, (parts, pieces, money) in zip(RULES, self.rule_totals, strict=True)
            }
            if self.truth
            else {},
            gross_revenue=gross if self.truth else None,
            returned_revenue=returned if self.truth else None,
            discounts=discounts if self.truth else None,
            net_revenue=gross - returned - discounts if self.truth else None,
            event_rows={
                event_file(self.calendar.month_name(month)): int(rows)
                for month, rows in enumerate(self.event_rows)
            }
            if self.events
            else {},
        )

    def _draw_lines(
        self, rng: np.random.Generator, orders: pd.DataFrame, with_fees: bool
    ) -> pd.DataFrame:
        month = self.calendar.months_at(orders["second"].to_numpy())
        orders["order_no"] = number_orders(self.calendar, month, self.next_order)
        sales = draw_lines(rng, self.calendar, self.catalogue, orders)
        returns = draw_returns(rng, self.calendar, self.catalogue, sales, self.next_return)
        parts = [sales, returns]
        if with_fees and self.customers > 1:
            every_month = np.arange(self.calendar.months)
            numbers = number_orders(self.calendar, every_month, self.next_order)
            parts.append(fee_lines(rng, self.calendar, self.catalogue, numbers))
        lines = pd.concat(parts, ignore_index=True)
        return lines[lines["second"] < self.calendar.end_second].reset_index(drop=True)

    def _count(
        self, orders: pd.DataFrame, size: int, lines: pd.DataFrame, rows: pd.DataFrame
    ) -> None:
        buyers = orders.loc[orders["customer"] >= 0, "customer"].nunique()
        self.counts["prospects"] += size - int(buyers)
        self.counts["lines"] += len(lines)
        self.counts["duplicate_rows"] += int(rows["is_copy"].sum())
        self.file_rows += np.bincount(rows["file"], minlength=len(self.file_rows))
        fault = rows["fault"].to_numpy()
        self.faults += np.bincount(fault[fault != NO_FAULT], minlength=len(FAULTS))

    def _registered_month(self, seconds: IntArray) -> IntArray:
        return self.calendar.months_at(np.maximum(seconds, self.calendar.first_second))

    def _add_truth(
        self, block: int, lines: pd.DataFrame, registered_month: IntArray, first_customer: int
    ) -> None:
        known: BlockTruth = block_truth(
            self.calendar, self.catalogue, lines, registered_month, first_customer
        )
        write_part(self.work, "orders", block, known.orders)
        write_part(self.work, "cancellations", block, known.cancellations)
        write_part(self.work, "customer_months", block, known.customer_months)
        self.month_totals += known.months
        self.rule_totals += known.by_rule


def _move_into_place(work: Path, shop: DemoTruth) -> None:
    """Replace the shop that stood in the target before; its summary goes first, ours comes last."""
    shutil.rmtree(shop.truth_dir, ignore_errors=True)
    shop.landing_dir.mkdir(parents=True, exist_ok=True)
    for pattern in ("order_lines_*.csv", event_file("[0-9][0-9][0-9][0-9]-[0-9][0-9]")):
        for earlier in shop.landing_dir.glob(pattern):
            earlier.unlink()
    for file in sorted((work / "landing").iterdir()):
        file.replace(shop.landing_dir / file.name)
    (work / "truth").replace(shop.truth_dir)
    shop.write()


def _check_sizes(
    customers: int, months: int, seed: int, first_month: date, last_day: int | None
) -> None:
    limits = {
        "customers": (customers, 1, 100_000_000),
        "months": (months, 1, 240),
        "seed": (seed, 0, 2**63),
        "last_day": (31 if last_day is None else last_day, 1, 31),
        "the first month's year": (first_month.year, 1990, 2079),
    }
    for name, (value, lowest, highest) in limits.items():
        if not lowest <= value <= highest:
            raise CustomerValueError(
                f"The demo shop cannot be made with {name} = {value}.",
                f"Choose a value from {lowest} to {highest}.",
            )


def _money(ten_thousandths: int) -> Decimal:
    return Decimal(int(ten_thousandths)).scaleb(-MONEY_DIGITS)


def _say_nothing(_: str) -> None:
    """Progress that nobody asked for."""
