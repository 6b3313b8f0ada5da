"""The demo shop's publication meets the truth that its generator wrote, to the row and the penny.

The truth is worked out from the plan of the shop, not from its files and without any SQL of the
models.
"""

from collections import Counter
from typing import Any

import pytest

from orchestration.demo.mess import FAULTS
from orchestration.demo.summary import DemoTruth, read_demo_truth
from tests.building import Built


@pytest.fixture(scope="module")
def truth(demo: Built) -> DemoTruth:
    """The figures of the demo shop."""
    truth = read_demo_truth(demo.settings.resolved_data_dir)
    assert truth is not None
    return truth


def _assert_same(
    demo: Built, found: str, truth_table: str, columns: str, condition: str = "true"
) -> None:
    """The query gives the rows of the truth, each as often."""
    path = demo.truth_dir / f"{truth_table}.parquet"
    expected = f"select {columns} from read_parquet('{path}') where {condition}"
    for one, other in ((found, expected), (expected, found)):
        assert demo.marts(f"({one}) except all ({other}) limit 3") == []
    assert demo.marts(f"select count(*) > 0 from ({expected})") == [(True,)]


def test_every_row_of_the_files_is_accounted_for(demo: Built, truth: DemoTruth) -> None:
    written = sum(truth.file_rows.values())
    rejected = sum(truth.broken_rows.values())
    assert demo.warehouse(
        "select sum(rows_read), sum(rows_kept), sum(rows_rejected), count(*) "
        "from raw.loaded_files where dataset = 'order_lines'"
    ) == [(written, written - rejected, rejected, len([n for n in truth.file_rows.values() if n]))]
    assert demo.marts("select count(*) from core.fct_order_lines") == [(truth.lines,)]
    assert written - rejected - truth.lines == truth.duplicate_rows > 0
    read = dict(demo.warehouse("select parse_filename(path), rows_read from raw.loaded_files"))
    assert {name: read[name] for name in truth.file_rows} == truth.file_rows


def test_rows_are_rejected_by_column_and_reason(demo: Built, truth: DemoTruth) -> None:
    customer_fault = ("customers", "customer_id", None, "missing_value")
    expected: Counter[tuple[Any, ...]] = Counter({customer_fault: truth.broken_customer_rows})
    for fault in FAULTS:
        key = ("order_lines", fault.column, fault.value or None, fault.reason)
        expected[key] += truth.broken_rows[fault.name]
    found = demo.warehouse(
        "select dataset, column_name, value, reason, count(*) from raw.rejected_rows group by all"
    )
    assert {tuple(key): count for *key, count in found} == dict(expected)


def test_lines_by_type(demo: Built, truth: DemoTruth) -> None:
    counts = dict(demo.marts("select line_type, count(*) from core.fct_order_lines group by all"))
    assert counts["sale"] == truth.sale_lines
    assert counts["cancellation"] == truth.cancellation_lines
    assert counts["discount"] == truth.discount_lines


def test_cancellations_by_rule(demo: Built, truth: DemoTruth) -> None:
    found = demo.marts(
        "select match_rule, count(*), sum(quantity), sum(revenue) from core.fct_cancellations "
        "group by all"
    )
    assert {rule: tuple(totals) for rule, *totals in found} == {
        rule: (total.parts, total.pieces, total.revenue)
        for rule, total in truth.cancellations_by_rule.items()
    }
    assert len(found) == 4


def test_every_cancellation_undoes_the_line_it_should(demo: Built) -> None:
    columns = (
        "cancelling_order_id, cancelling_line_number, cancelled_order_id, cancelled_line_number, "
        "quantity, revenue, match_rule"
    )
    _assert_same(demo, f"select {columns} from core.fct_cancellations", "cancellations", columns)


def test_what_is_left_of_every_order(demo: Built) -> None:
    _assert_same(
        demo,
        "select order_id, customer_id, ordered_at, order_date, gross_revenue, discount_revenue, "
        "returned_revenue, value_gross_revenue, value_net_revenue, value_net_revenue > 0, "
        "is_fully_cancelled from core.fct_orders",
        "orders",
        "order_id, customer_id, ordered_at, order_date, gross_revenue, discounts, "
        "returned_revenue, gross_value, value, value > 0, is_fully_cancelled",
    )


def test_state_orders_and_revenue_of_every_customer_and_month(demo: Built) -> None:
    columns = "customer_id, order_month, state, order_count, revenue"
    _assert_same(
        demo,
        f"select {columns} from lifecycle.fct_customer_months",
        "customer_months",
        columns,
    )


def test_every_month(demo: Built) -> None:
    _assert_same(
        demo,
        "select order_month, orders, units, gross_revenue, returned_revenue, discount_revenue "
        "from sales.rpt_sales_by_month",
        "months",
        "cast(order_month as date), orders, units, gross_revenue, returned_revenue, discounts",
    )
    states = "buyers, new, active, reactivated, inactive"
    _assert_same(
        demo,
        f"select order_month, {states} from lifecycle.rpt_lifecycle_by_month",
        "months",
        f"cast(order_month as date), {states}",
    )


def test_totals(demo: Built, truth: DemoTruth) -> None:
    assert demo.marts(
        "select sum(gross_revenue), sum(returned_revenue), sum(discount_revenue), "
        "sum(net_revenue) from core.fct_order_lines"
    ) == [(truth.gross_revenue, truth.returned_revenue, truth.discounts, truth.net_revenue)]
    assert truth.net_revenue
    assert demo.marts("select count(*) from core.fct_orders") == [(truth.orders,)]
    assert demo.marts(
        "select count(*), count(*) filter (where order_count = 0) from core.dim_customers "
        "where is_registered"
    ) == [(truth.customers, truth.prospects)]


def test_the_same_truth_on_the_gross_basis(demo: Built) -> None:
    """Gross revenue by customer and month, and who bought at all, need no returns."""
    _assert_same(
        demo,
        """
        select customer_id, order_month, sum(value_gross_revenue), count(*)
        from (
            select *, cast(date_trunc('month', order_date) as date) as order_month
            from core.fct_orders
            where customer_id is not null and value_gross_revenue > 0
        )
        group by all
        """,
        "customer_months",
        "customer_id, order_month, gross_revenue, gross_order_count",
        "gross_order_count > 0",
    )
