"""Customers worked out by hand: what happens to each, month by month, and why.

Belongs here: the comparison of ``golden/*.csv`` with the reference and with the dbt models. The
cases and their explanations stand in those files (column ``why``). Does not belong here: random
data.

In ``golden/months.csv`` a row stands for every month from ``from_month`` to ``to_month``. The
snapshot is 15 June 2024, the last date in the lines.
"""

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.compiled_models import small_warehouse
from tests.reference_comparison import (
    CANCELLATION_COLUMNS,
    MONTH_COLUMNS,
    RFM_COLUMNS,
    Rows,
    built_tables,
    expected_tables,
    in_order,
)
from tests.reference_customers import months_between
from tests.reference_lines import RawCustomer, RawLine
from tests.reference_model import run_reference
from tests.reference_strategies import Shop

GOLDEN = Path(__file__).parent / "golden"
SNAPSHOT_DATE = date(2024, 6, 15)


def read_golden(name: str) -> list[dict[str, str]]:
    with (GOLDEN / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def golden_lines() -> list[RawLine]:
    return [
        RawLine(
            order_id=row["order_id"],
            line_number=int(row["line_number"]),
            product_id=row["product_id"],
            ordered_at=datetime.fromisoformat(row["ordered_at"]),
            quantity=int(row["quantity"]),
            unit_price=Decimal(row["unit_price"]),
            customer_id=row["customer_id"] or None,
            discount_amount=Decimal(row["discount_amount"]) if row["discount_amount"] else None,
            status=row["status"] or None,
        )
        for row in read_golden("order_lines")
    ]


def golden_customers() -> list[RawCustomer]:
    return [
        RawCustomer(row["customer_id"], datetime.fromisoformat(row["registered_at"]))
        for row in read_golden("customers")
    ]


def golden_cancellations() -> Rows:
    return [
        (
            row["cancelling_order_id"],
            int(row["cancelling_line_number"]),
            row["cancelled_order_id"] or None,
            int(row["cancelled_line_number"]) if row["cancelled_line_number"] else None,
            int(row["quantity"]),
            Decimal(row["revenue"]),
            row["match_rule"],
        )
        for row in read_golden("cancellations")
    ]


def golden_months() -> Rows:
    return [
        (
            row["customer_id"],
            month,
            row["state"],
            int(row["order_count"]),
            Decimal(row["revenue"]),
        )
        for row in read_golden("months")
        for month in months_between(first_day(row["from_month"]), first_day(row["to_month"]))
    ]


def golden_rfm() -> Rows:
    return [
        (
            SNAPSHOT_DATE,
            row["customer_id"],
            int(row["recency_days"]),
            int(row["frequency"]),
            Decimal(row["monetary"]),
        )
        for row in read_golden("rfm")
    ]


def golden_codes() -> Rows:
    return [(row["customer_id"], row["fixed_bands"]) for row in read_golden("rfm")]


def first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


@pytest.fixture(scope="module", params=["reference", "models"])
def found(request: pytest.FixtureRequest) -> dict[str, Rows]:
    """The tables of the golden customers, once by the reference and once by the dbt models."""
    if request.param == "reference":
        tables = expected_tables(run_reference(golden_lines(), raw_customers=golden_customers()))
    else:
        tables = built_tables(small_warehouse("net"), Shop(golden_lines(), golden_customers()))
    return tables


def test_golden_cancellations(found: dict[str, Rows]) -> None:
    assert found["fct_cancellations"] == in_order(golden_cancellations()), CANCELLATION_COLUMNS


def test_golden_months(found: dict[str, Rows]) -> None:
    assert found["fct_customer_months"] == in_order(golden_months()), MONTH_COLUMNS


def test_golden_recency_frequency_monetary(found: dict[str, Rows]) -> None:
    assert found["fct_rfm_snapshots"] == in_order(golden_rfm()), RFM_COLUMNS


def test_golden_fixed_bands(found: dict[str, Rows]) -> None:
    codes = [
        (customer_id, rfm_code)
        for _, scheme, customer_id, *_, rfm_code in found["fct_rfm_scores"]
        if scheme == "fixed_bands"
    ]
    assert in_order(codes) == in_order(golden_codes())


def test_golden_customers_without_a_purchase_are_in_no_customer_table(
    found: dict[str, Rows],
) -> None:
    never_bought = {"super_order", "too_many", "fee_only", "too_late", None}
    assert not never_bought & {row[0] for row in found["fct_customer_months"]}
    assert not never_bought & {row[1] for row in found["fct_rfm_snapshots"]}
