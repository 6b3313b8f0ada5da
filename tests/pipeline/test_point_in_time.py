"""A date in the past is told by the rows up to it, whatever came after.

Belongs here: a whole shop against the same shop without the rows after a random date, and every
snapshot against the slow reference at its date. Does not belong here: the as-of date alone
(test_properties_invariance.py), shops of real size (test_rfm_history.py).
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compiled_models import SmallWarehouse, dated_warehouse, small_warehouse
from tests.reference_comparison import Rows, assert_same_tables, in_order, options_of
from tests.reference_customers import last_day
from tests.reference_model import run_reference
from tests.reference_segments import expected_history
from tests.reference_strategies import FIRST_DAY, PIPELINE, Shop, crowds, shops

#: Variants that set no as-of date: both bases, and another time zone with a window of 30 days.
VARIANTS = ("net", "gross", "elsewhere")

#: Tables of snapshots, with the date by which a row is known.
SNAPSHOT_TABLES = {
    "fct_rfm_snapshots": "snapshot_date",
    "fct_rfm_scores": "snapshot_date",
    "dim_rfm_cuts": "snapshot_date",
    "rpt_segments": "snapshot_date",
    "rpt_segment_migration": "to_snapshot",
    "rpt_revenue_walk": "to_snapshot",
}
#: Tables of months; all their columns are compared.
MONTH_TABLES = (
    "fct_customer_months",
    "rpt_lifecycle_by_month",
    "rpt_purchase_rates_by_month",
    "rpt_cohort_retention",
    "rpt_sales_by_month",
)
TARGETS = (*SNAPSHOT_TABLES, *MONTH_TABLES, "fct_rfm_intervals")


@cache
def warehouse_of(variant: str) -> SmallWarehouse:
    return dated_warehouse(variant)


def build(warehouse: SmallWarehouse, shop: Shop, as_of_date: date | None) -> None:
    """Build the shop as of a date; None: its last one."""
    warehouse.con.execute("delete from main.as_of")
    if as_of_date is not None:
        warehouse.con.execute("insert into main.as_of values (?)", [as_of_date])
    warehouse.build(shop.rows(), TARGETS)


def last_date(warehouse: SmallWarehouse) -> date | None:
    rows = warehouse.rows("int_reporting_period", "as_of_date")
    return rows[0][0] if rows else None


def closed_history(warehouse: SmallWarehouse, day: date) -> dict[str, Rows]:
    """All that is said of the month ends and the closed months up to a date."""
    found = {}
    for table, column in SNAPSHOT_TABLES.items():
        closed = f"{column} <= date '{day}' and {column} = last_day({column})"
        found[table] = in_order(warehouse.rows(table, "*", closed))
    for table in MONTH_TABLES:
        found[table] = in_order(
            warehouse.rows(table, "*", f"last_day(order_month) <= date '{day}'")
        )
    found["fct_rfm_intervals"] = in_order(
        warehouse.rows(
            "fct_rfm_intervals",
            "customer_id, valid_from, first_order_date, last_order_date, frequency, monetary, "
            f"case when valid_until <= date '{day}' then valid_until end",
            f"valid_from <= date '{day}'",
        )
    )
    return found


def rows_until(shop: Shop, day: date, zone: str) -> Shop:
    """The shop without the rows that are dated after a business date."""

    def is_known(moment: datetime) -> bool:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() <= day

    return replace(
        shop,
        lines=[line for line in shop.lines if is_known(line.ordered_at)],
        customers=[
            customer
            for customer in shop.customers
            if customer.registered_at is None or is_known(customer.registered_at)
        ],
    )


def days_of(shop: Shop) -> st.SearchStrategy[date]:
    """Month ends, the days of the shop's rows with the days beside them, and any other."""
    first = FIRST_DAY.date()
    own = sorted({line.ordered_at.date() for line in shop.lines})
    return st.one_of(
        st.sampled_from([last_day(date(2024, month, 1)) for month in range(1, 7)]),
        st.builds(
            lambda day, step: day + timedelta(days=step),
            st.sampled_from(own),
            st.sampled_from((-1, 0, 0, 1)),
        ),
        st.integers(-2, 230).map(lambda days: first + timedelta(days=days)),
    )


def assert_past_needs_no_later_row(variant: str, shop: Shop, day: date) -> None:
    warehouse = warehouse_of(variant)
    build(warehouse, shop, None)
    known_until = last_date(warehouse)
    assert known_until is not None
    day_told = min(day, known_until)
    whole = closed_history(warehouse, day_told)
    columns = "customer_id, first_order_date, last_order_date, frequency, monetary"
    at_the_day = in_order(
        warehouse.rows(
            "fct_rfm_intervals", columns, f"valid_from <= '{day}' and '{day}' < valid_until"
        )
    )

    build(warehouse, rows_until(shop, day, options_of(variant).shop_timezone), day)
    assert_same_tables(closed_history(warehouse, day_told), whole)
    assert at_the_day == in_order(
        warehouse.rows("fct_rfm_snapshots", columns, f"snapshot_date = date '{day}'")
    )


def assert_history_equals_reference(variant: str, shop: Shop) -> None:
    warehouse = small_warehouse(variant)
    expected = expected_history(run_reference(shop.lines, options_of(variant), shop.customers))
    warehouse.build(shop.rows(), tuple(expected))
    assert_same_tables(
        {
            table: in_order(warehouse.rows(table, columns))
            for table, (columns, _) in expected.items()
        },
        {table: in_order(rows) for table, (_, rows) in expected.items()},
    )


@pytest.mark.parametrize(("variant", "examples"), [("net", 5), ("gross", 2), ("elsewhere", 3)])
def test_rows_after_a_date_change_nothing_up_to_it(variant: str, examples: int) -> None:
    @settings(PIPELINE, max_examples=examples)
    @given(data=st.data(), shop=shops())
    def compare(data: st.DataObject, shop: Shop) -> None:
        assert_past_needs_no_later_row(variant, shop, data.draw(days_of(shop)))

    compare()


@pytest.mark.parametrize(("variant", "examples"), [("net", 7), ("gross", 3), ("elsewhere", 4)])
def test_every_snapshot_equals_the_reference_at_its_date(variant: str, examples: int) -> None:
    @settings(PIPELINE, max_examples=examples)
    @given(shop=shops())
    def compare(shop: Shop) -> None:
        assert_history_equals_reference(variant, shop)

    compare()


@pytest.mark.parametrize(("variant", "examples"), [("net", 3), ("elsewhere", 3)])
def test_every_snapshot_of_many_customers_equals_the_reference(variant: str, examples: int) -> None:
    @settings(PIPELINE, max_examples=examples)
    @given(shop=crowds())
    def compare(shop: Shop) -> None:
        assert_history_equals_reference(variant, shop)

    compare()


@pytest.mark.soak
@pytest.mark.parametrize("variant", VARIANTS)
def test_rows_after_a_date_change_nothing_up_to_it_at_length(variant: str) -> None:
    test_rows_after_a_date_change_nothing_up_to_it(variant, 300)


@pytest.mark.soak
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_snapshot_equals_the_reference_at_length(variant: str) -> None:
    test_every_snapshot_equals_the_reference_at_its_date(variant, 300)
    test_every_snapshot_of_many_customers_equals_the_reference(variant, 60)
