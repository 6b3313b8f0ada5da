"""The same facts twice, as comparable rows: from the reference and from the built tables.

Belongs here: which columns are compared, and the options that go with a variant. Does not belong
here: rules, data, or SQL of the project.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from orchestration.landing.contract import CONTRACT
from tests.compiled_models import SmallWarehouse
from tests.compiling import VARIANTS
from tests.reference_lines import Options
from tests.reference_model import Reference
from tests.reference_strategies import Shop

Rows = list[tuple[Any, ...]]

CANCELLATION_COLUMNS = (
    "cancelling_order_id, cancelling_line_number, cancelled_order_id, cancelled_line_number, "
    "quantity, revenue, match_rule"
)
LINE_COLUMNS = (
    "order_id, line_number, customer_id, product_id, ordered_at, order_date, line_kind, "
    "line_type, quantity, unit_price, gross_revenue, returned_revenue, discount_revenue, "
    "net_revenue"
)
ORDER_COLUMNS = (
    "order_id, customer_id, order_date, gross_revenue, returned_revenue, discount_revenue, "
    "net_revenue, is_fully_cancelled"
)
MONTH_COLUMNS = "customer_id, order_month, state, order_count, revenue"
LIFECYCLE_COLUMNS = (
    "order_month, new, active, reactivated, inactive, newly_lapsed, buyers, customers, prospects"
)
RATE_COLUMNS = (
    "order_month, buyers, repeat_buyers, coalesce(buyers_last_month, 0), "
    "coalesce(buyers_again, 0), coalesce(inactive_last_month, 0), "
    "coalesce(reactivated_buyers, 0)"
)
RFM_COLUMNS = "snapshot_date, customer_id, recency_days, frequency, monetary"
SCORE_COLUMNS = "snapshot_date, scheme, customer_id, r_score, f_score, m_score, rfm_code"

#: Every compared table with its columns.
TABLES = {
    "fct_cancellations": CANCELLATION_COLUMNS,
    "fct_order_lines": LINE_COLUMNS,
    "fct_orders": ORDER_COLUMNS,
    "fct_customer_months": MONTH_COLUMNS,
    "rpt_lifecycle_by_month": LIFECYCLE_COLUMNS,
    "rpt_purchase_rates_by_month": RATE_COLUMNS,
    "fct_rfm_snapshots": RFM_COLUMNS,
    "fct_rfm_scores": SCORE_COLUMNS,
}

#: Tables of several snapshots, of which the reference knows the one at the as-of date.
SNAPSHOT_TABLES = ("fct_rfm_snapshots", "fct_rfm_scores")
AT_THE_AS_OF_DATE = (
    "snapshot_date in (select snapshot_date from marts.rfm.dim_snapshots where is_as_of)"
)


def options_of(variant: str) -> Options:
    """The options of the reference that say what the variables of a variant say."""
    variables = dict(VARIANTS[variant])
    if "as_of_date" in variables:
        variables["as_of_date"] = date.fromisoformat(variables["as_of_date"])
    if "value_line_kinds" in variables:
        variables["value_line_kinds"] = tuple(variables["value_line_kinds"])
    return Options(**variables)


def built_tables(
    warehouse: SmallWarehouse, shop: Shop, tables: Mapping[str, str] = TABLES
) -> dict[str, Rows]:
    """Build the tables from a shop's rows and read the columns, each table sorted."""
    # Other tests share the warehouse and land datasets of their own.
    nothing: dict[str, Any] = dict.fromkeys(CONTRACT, ())
    warehouse.build(nothing | dict(shop.rows()), tuple(tables))
    return {
        table: in_order(
            warehouse.rows(
                table,
                columns,
                AT_THE_AS_OF_DATE if table in SNAPSHOT_TABLES and columns != "*" else "true",
            )
        )
        for table, columns in tables.items()
    }


def expected_tables(reference: Reference) -> dict[str, Rows]:
    """The rows that the compared columns of each table must have."""
    snapshot = reference.as_of_date
    expected: dict[str, Rows] = {
        "fct_cancellations": [
            (
                *match.cancellation.key,
                *(match.sale.key if match.sale else (None, None)),
                match.quantity,
                match.revenue,
                match.match_rule,
            )
            for match in reference.matches
        ],
        "fct_order_lines": [
            (
                line.order_id,
                line.line_number,
                line.customer_id,
                line.product_id,
                line.ordered_at,
                line.order_date,
                line.line_kind,
                line.role,
                line.quantity,
                line.unit_price,
                line.gross,
                reference.returned_of(line),
                line.discount,
                line.gross - reference.returned_of(line) - line.discount,
            )
            for line in reference.lines
        ],
        "fct_orders": [
            (
                order.order_id,
                order.customer_id,
                order.order_date,
                order.gross,
                order.returned,
                order.discount,
                order.gross - order.returned - order.discount,
                order.is_fully_cancelled,
            )
            for order in reference.orders
        ],
        "fct_customer_months": [
            (row.customer_id, row.order_month, row.state, row.order_count, row.revenue)
            for row in reference.months
        ],
        "rpt_lifecycle_by_month": [
            tuple(row[column] for column in LIFECYCLE_COLUMNS.split(", "))
            for row in reference.by_month
        ],
        "rpt_purchase_rates_by_month": [
            (
                row["order_month"],
                row["buyers"],
                row["repeat_purchase"][0],
                row["retention"][1],
                row["retention"][0],
                row["reactivation"][1],
                row["reactivation"][0],
            )
            for row in reference.by_month
        ],
        "fct_rfm_snapshots": [
            (snapshot, row.customer_id, row.recency_days, row.frequency, row.monetary)
            for row in reference.rfm
        ],
        "fct_rfm_scores": [
            (
                snapshot,
                scheme,
                row.customer_id,
                row.r_score,
                row.f_score,
                row.m_score,
                row.rfm_code(reference.options.rfm_quantile_bins),
            )
            for scheme, rows in reference.scores.items()
            for row in rows
        ],
    }
    return {table: in_order(rows) for table, rows in expected.items()}


def in_order(rows: Rows) -> Rows:
    """Rows sorted by all their columns; an empty value comes first."""
    return sorted(rows, key=lambda row: tuple((value is not None, value) for value in row))


def assert_same_tables(built: dict[str, Rows], expected: dict[str, Rows]) -> None:
    """Compare table by table; the message shows the rows that only one side has."""
    for table, rows in built.items():
        assert rows == expected[table], (
            f"{table}\nonly in the reference: "
            f"{[row for row in expected[table] if row not in rows]}\n"
            f"only in the table: {[row for row in rows if row not in expected[table]]}"
        )
