"""Whatever lands in whatever order: incremental builds give the tables of one full build.

Belongs here: the property, and that it is the incremental path that is tried. Does not belong here:
runs through the command (tests/soak/test_incremental_runs.py).
"""

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from orchestration.backfill import Months
from tests.incremental_warehouse import StepByStep, Touched
from tests.landed_histories import FileChange, Landing, landed_histories
from tests.reference_comparison import assert_same_tables
from tests.reference_lines import RawLine
from tests.reference_strategies import PIPELINE

INCREMENTAL_VARIANTS = ("net", "gross", "net_as_of", "elsewhere", "article")
#: Those tried in every test run; the others follow in tests/soak.
QUICK_VARIANTS = ("net",)


def assert_incremental_is_full(
    variant: str, landings: list[Landing], is_each_step_compared: bool = False
) -> list[Touched]:
    """Build after each landing and compare with a full build; what was touched by each."""
    warehouse = StepByStep(variant)
    touched = []
    for number, landing in enumerate(landings, start=1):
        one = warehouse.build(landing)
        touched += [one] if one else []
        if is_each_step_compared or number == len(landings):
            assert_same_tables(warehouse.published(), warehouse.built_anew())
    return touched


def assert_histories_are_followed(
    variant: str, chosen: settings, is_each_step_compared: bool = False
) -> None:
    """Try histories; some of their builds must have kept a part and computed a part."""
    seen: list[Touched] = []

    @chosen
    @given(landings=landed_histories())
    def follow(landings: list[Landing]) -> None:
        seen.extend(assert_incremental_is_full(variant, landings, is_each_step_compared))

    follow()
    assert any(one.is_a_part for one in seen)


@pytest.mark.parametrize("variant", QUICK_VARIANTS)
def test_incremental_builds_give_the_tables_of_a_full_build(variant: str) -> None:
    assert_histories_are_followed(variant, settings(PIPELINE, max_examples=3))


def _sale(order_id: str, day: date, customer_id: str = "ada") -> dict[str, Any]:
    ordered_at = datetime(day.year, day.month, day.day, 12)
    return asdict(RawLine(order_id, 1, "P1", ordered_at, 2, Decimal("2.5"), customer_id))


def _orders(path: str, *rows: dict[str, Any]) -> FileChange:
    return FileChange(path, "order_lines", rows)


def _registrations(**days: date | None) -> FileChange:
    rows = tuple(
        {
            "customer_id": customer,
            "registered_at": day and datetime(day.year, day.month, day.day, 3),
            "region": None,
        }
        for customer, day in days.items()
    )
    return FileChange("customers.csv", "customers", rows)


JANUARY, FEBRUARY, MARCH = date(2024, 1, 5), date(2024, 2, 5), date(2024, 3, 5)


def test_as_of_date_that_moves_back_leaves_later_registrations_out() -> None:
    registered = _registrations(bo=FEBRUARY, cy=MARCH, eve=None)
    both = (_orders("a", _sale("1", JANUARY)), _orders("b", _sale("2", MARCH)), registered)
    assert_incremental_is_full("net", [both, (_orders("b"),)], is_each_step_compared=True)


def test_as_of_date_that_moves_on_lets_registrations_in() -> None:
    registered = _registrations(bo=FEBRUARY, cy=MARCH, eve=None)
    first = (_orders("a", _sale("1", JANUARY)), registered)
    assert_incremental_is_full(
        "net", [first, (_orders("b", _sale("2", MARCH)),)], is_each_step_compared=True
    )


def test_first_line_before_a_fixed_as_of_date_comes_late() -> None:
    registered = _registrations(bo=date(2023, 12, 1), cy=FEBRUARY, eve=None)
    landings = [
        (_orders("a", _sale("1", MARCH)), registered),
        (_orders("b", _sale("2", FEBRUARY)),),
        (_orders("b"),),
    ]
    assert_incremental_is_full("net_as_of", landings, is_each_step_compared=True)


def test_months_are_computed_anew_from_the_rows() -> None:
    """Figures and lines of a publication that do not follow from the files are put right."""
    warehouse = StepByStep("net")
    orders = [_sale("1", JANUARY), _sale("2", FEBRUARY, "bo"), _sale("3", MARCH, "cy")]
    warehouse.build((_orders("a", *orders),))
    expected = warehouse.published()
    later = "where order_month > date '2024-01-31'"
    for statement in (
        f"update marts.sales.rpt_sales_by_month set net_revenue = 0 {later}",
        f"update marts.lifecycle.rpt_lifecycle_by_month set new = 7 {later}",
        "delete from marts.core.fct_order_lines where order_id = '2'",
        "delete from marts.rfm.fct_rfm_intervals where customer_id = 'bo'",
        "update marts.core.fct_orders set order_id = 'invented' where order_id = '2'",
        "insert into marts.core.fct_order_lines by name "
        "select * replace ('invented' as order_id, date '2024-02-09' as order_date) "
        "from marts.core.fct_order_lines where order_id = '1'",
    ):
        warehouse.warehouse.con.execute(statement)
    touched = warehouse.build((), Months.parse("2024-02", "2024-02"))
    assert touched is not None
    assert touched.is_a_part
    assert_same_tables(warehouse.published(), expected)
    assert_same_tables(warehouse.published(), warehouse.built_anew())


def test_all_lines_vanish_and_return() -> None:
    lines = _orders("a", _sale("1", JANUARY), _sale("2", MARCH, "bo"))
    registered = _registrations(ada=JANUARY, cy=FEBRUARY, eve=None)
    landings = [(lines, registered), (_orders("a"),), (), (lines,)]
    assert_incremental_is_full("net", landings, is_each_step_compared=True)
