"""Suites of expectations: the shipped ones load, and a wrong one is told with file and line."""

from pathlib import Path

import pytest

from orchestration.checks.suites import SHIPPED_SUITES_DIR, load_suites, read_suite
from orchestration.errors import CustomerValueError

TABLES = {"raw": ["order_lines"], "core": ["fct_orders"]}
SUITE = """\
schema: core
description: Orders.
tables:
  fct_orders:
    - name: few_lines
      expectation: expect_column_values_to_be_between
      arguments: {column: line_count, max_value: 10}
      where: net_revenue > 0
      severity: warning
      meaning: Orders are short.
"""


def _write(folder: Path, text: str, name: str = "mine.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_suite_says_what_it_means(tmp_path: Path) -> None:
    (one,) = read_suite(_write(tmp_path, SUITE), TABLES)
    assert one.check_id == "expectation.core.fct_orders.few_lines"
    assert one.columns == ("line_count", "net_revenue")
    assert one.expected == "Orders are short. (line_count is at most 10 where net_revenue > 0)"
    assert one.severity == "warning"
    assert one.source.endswith("mine.yml, line 5")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("schema: core", "schema: cores", "line 1, schema: there is no schema 'cores'"),
        ("  fct_orders:", "  orders:", "line 4, tables.orders: there is no table core.orders"),
        ("few_lines", "Few lines", "line 5, tables.fct_orders.0.name: String should match"),
        ("values_to_be_between", "values_between", "line 6, tables.fct_orders.0.expectation: "
         "there is no expectation 'expect_column_values_between'; did you mean "
         "expect_column_values_to_be_between?"),
        ("max_value: 10", "maximum: 10", "line 7, tables.fct_orders.0.arguments.maximum: there is "
         "no such key here"),
        ("max_value: 10", "max_value: ten", "line 7, tables.fct_orders.0.arguments.max_value: "),
        (", max_value: 10", "", "line 7, tables.fct_orders.0.arguments: give min_value"),
        ("max_value: 10", "min_value: 20, max_value: 10", "min_value is larger than max_value"),
        ("max_value: 10", "min_value: 2024-01-01, max_value: 10", "of different kinds"),
        ("net_revenue > 0", "(select 1) > 0", "line 8, tables.fct_orders.0.where: the condition "
         "cannot be used"),
        ("severity: warning", "severity: loud", "line 9, tables.fct_orders.0.severity: Input "
         "should be 'error' or 'warning'"),
        ("      meaning: Orders are short.\n", "", "line 5, tables.fct_orders.0: the key 'meaning' "
         "is missing"),
        ("description: Orders.", "description: [", "line 4: this is not valid YAML"),
        (SUITE, "- core", "a suite is a mapping with the keys"),
    ],
)  # fmt: skip
def test_a_wrong_suite_is_told_with_file_and_line(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in SUITE
    path = _write(tmp_path, SUITE.replace(before, after, 1))
    with pytest.raises(CustomerValueError) as raised:
        read_suite(path, TABLES)
    assert str(path) in raised.value.problem
    assert said in raised.value.problem
    assert raised.value.way_out


def test_own_suites_stand_beside_the_shipped_ones(tmp_path: Path) -> None:
    tables = {
        "raw": ["order_lines", "customers", "products", "campaigns", "coupon_sends", "events",
                "loaded_files"],
        "core": ["dim_customers", "dim_products", "fct_order_lines", "fct_orders",
                 "fct_cancellations"],
        "sales": ["rpt_sales_by_month", "rpt_channel_share", "rpt_order_value_bands",
                  "rpt_price_bands"],
        "lifecycle": ["dim_months", "rpt_lifecycle_by_month", "rpt_purchase_rates_by_month",
                      "rpt_cohort_retention"],
        "rfm": ["dim_snapshots", "dim_rfm_cuts", "rpt_segments", "rpt_revenue_walk"],
        "quality": ["rpt_reconciliation", "rpt_duplicate_lines", "rpt_restatements"],
    }  # fmt: skip
    shipped = load_suites(None, tables)
    assert {Path(one.source.split(", line")[0]).parent for one in shipped} == {SHIPPED_SUITES_DIR}
    _write(tmp_path, SUITE)
    assert len(load_suites(tmp_path, tables)) == len(shipped) + 1
    _write(tmp_path, SUITE, "again.yml")
    with pytest.raises(CustomerValueError, match="has an expectation 'few_lines' already"):
        load_suites(tmp_path, tables)
    with pytest.raises(CustomerValueError, match="does not exist"):
        load_suites(tmp_path / "nowhere", tables)
