"""Shops at the edges: next to nothing in them, or too much of one thing.

Belongs here: real small landing folders whose tables are known by heart. Every shop must pass all
data tests and be summarised. Does not belong here: files that are broken (tests/bad_data).
"""

import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from orchestration.publishing.report.catalogue import SECTIONS
from orchestration.publishing.report.contents import read_contents
from orchestration.publishing.report.page import Assets, render
from orchestration.settings import Settings
from orchestration.summary import print_summary, read_summary
from orchestration.warehouse import connect_marts
from tests.building import run_command
from tests.edge_shops import EdgeShop, line, write_files
from tests.reference_comparison import in_order

STATES = "order_month, new, active, reactivated, inactive, newly_lapsed, customers"
RATES = "order_month, repeat_purchase_rate, retention_rate, reactivation_rate, new_buyer_share"
RFM = "snapshot_date, customer_id, recency_days, frequency, monetary"
SALES = "order_month, orders, buyers, net_revenue, revenue_per_buyer"
MIGRATION = "from_segment, to_segment, customers, revenue_before, revenue_after"
WALK = "to_snapshot, movement, customers, revenue_before, revenue_after"
QUINTILE = "scheme = 'quintile'"

#: Segments of the three schemes: 11 named ones, 8 groups, 4 tiers.
SEGMENTS = 11 + 8 + 4
#: Scores of the three schemes and of one measure: five, two and five.
SCORES_OF_FIXED_BANDS, SCORES_OF_ALL = 3 * 5, 3 * (5 + 2 + 5)

#: Tables that hold something of customers or of time; a shop without orders has no row in them.
DATED_TABLES = (
    "fct_orders", "dim_months", "rpt_sales_by_month", "rpt_lifecycle_by_month",
    "rpt_purchase_rates_by_month", "fct_customer_months", "fct_purchase_months",
    "rpt_cohort_retention", "dim_snapshots", "fct_rfm_intervals", "fct_rfm_snapshots",
    "fct_rfm_scores", "dim_rfm_cuts", "rpt_segments", "rpt_segment_migration",
    "rpt_revenue_walk", "fct_segment_tenures",
)  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[EdgeShop]:
    shop = EdgeShop(tmp_path)
    yield shop
    shop.warehouse.con.close()


def day(text: str) -> date:
    return date.fromisoformat(text)


def month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


def money(*amounts: int) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def assert_sound(shop: EdgeShop, said: str = "") -> None:
    """All data tests pass, months and segments are complete; summary and report can be made."""
    assert shop.failed_checks() == {}
    months = [row[0] for row in shop.rows("dim_months", "order_month")]
    assert all(
        later == (earlier + timedelta(days=31)).replace(day=1)
        for earlier, later in pairwise(months)
    )
    for table in ("rpt_sales_by_month", "rpt_lifecycle_by_month", "rpt_purchase_rates_by_month"):
        assert [row[0] for row in shop.rows(table, "order_month")] == months
    snapshots = shop.rows("dim_snapshots", "snapshot_date")
    assert shop.rows("rpt_segments", "distinct snapshot_date") == snapshots
    assert len(shop.rows("rpt_segments", "*")) == SEGMENTS * len(snapshots)
    printed = io.StringIO()
    published = shop.publish()
    print_summary(Console(file=printed, width=120), read_summary(published))
    assert said in printed.getvalue()
    with connect_marts(published) as con:
        contents = read_contents(con, SECTIONS)
    assert len(contents.shown) == len(re.findall("<article", render(contents, Assets("", "", ""))))


def assert_nothing_dated(shop: EdgeShop) -> None:
    assert {table: shop.rows(table, "count(*)")[0][0] for table in DATED_TABLES} == dict.fromkeys(
        DATED_TABLES, 0
    )


def test_empty_months_in_between(shop: EdgeShop) -> None:
    shop.build(
        line("1", "2024-01-10"), line("2", "2024-04-20", price="20"),
        line("3", "2024-01-31", "C2", "30"),
    )  # fmt: skip
    assert_sound(shop, "March 2024")
    assert shop.rows("rpt_lifecycle_by_month", STATES) == [
        (month("2024-01"), 2, 0, 0, 0, 0, 2),
        (month("2024-02"), 0, 0, 0, 2, 2, 2),
        (month("2024-03"), 0, 0, 0, 2, 0, 2),
        (month("2024-04"), 0, 0, 1, 1, 0, 2),
    ]
    assert shop.rows("rpt_purchase_rates_by_month", RATES) == [
        (month("2024-01"), 0.0, None, None, 1.0),
        (month("2024-02"), None, 0.0, None, None),
        (month("2024-03"), None, None, 0.0, None),
        (month("2024-04"), 0.0, None, 0.5, 0.0),
    ]
    assert shop.rows("rpt_sales_by_month", SALES) == [
        (month("2024-01"), 2, 2, *money(40), 20.0),
        (month("2024-02"), 0, 0, *money(0), None),
        (month("2024-03"), 0, 0, *money(0), None),
        (month("2024-04"), 1, 1, *money(20), 20.0),
    ]
    assert shop.rows(
        "rpt_cohort_retention", "age_months, buyers, retention_rate, cumulative_revenue"
    ) == [(0, 2, 1.0, *money(40)), (1, 0, 0.0, *money(40)), (2, 0, 0.0, *money(40)),
          (3, 1, 0.5, *money(60))]  # fmt: skip
    assert shop.rows("fct_rfm_snapshots", RFM, "customer_id = 'C1'") == [
        (day("2024-01-31"), "C1", 21, 1, *money(10)),
        (day("2024-02-29"), "C1", 50, 1, *money(10)),
        (day("2024-03-31"), "C1", 81, 1, *money(10)),
        (day("2024-04-20"), "C1", 0, 2, *money(30)),
    ]
    assert shop.rows("rpt_revenue_walk", WALK, f"{QUINTILE} and customers > 0") == [
        (day("2024-02-29"), "lost", 2, *money(40, 0)),
        (day("2024-03-31"), "same_segment", 2, *money(0, 0)),
        (day("2024-04-20"), "moved_down", 1, *money(0, 0)),
        (day("2024-04-20"), "moved_up", 1, *money(0, 20)),
    ]


def test_one_customer_with_one_order(shop: EdgeShop) -> None:
    shop.build(line("1", "2024-03-05"))
    assert_sound(shop, "new_customers")
    assert shop.rows("rpt_lifecycle_by_month", f"{STATES}, is_partial_month") == [
        (month("2024-03"), 1, 0, 0, 0, 0, 1, True)
    ]
    assert shop.rows("rpt_purchase_rates_by_month", RATES) == [
        (month("2024-03"), 0.0, None, None, 1.0)
    ]
    assert shop.rows("rpt_cohort_retention", "age_months, cohort_size, buyers") == [(0, 1, 1)]
    assert shop.rows(
        "fct_rfm_snapshots", f"{RFM}, avg_order_value, recency_ratio, orders_per_30_days"
    ) == [(day("2024-03-05"), "C1", 0, 1, *money(10), 10.0, None, None)]
    # All cuts lie on the one value, and nobody exceeds it.
    assert shop.rows("fct_rfm_scores", "scheme, rfm_code, segment") == [
        ("fixed_bands", "521", "general"),
        ("mean_split", "100", "general_develop"),
        ("quintile", "511", "new_customers"),
    ]
    assert shop.rows("rpt_segments", "customers, customer_share, revenue_share", QUINTILE) == [
        *[(0, 0.0, 0.0)] * 10, (1, 1.0, 1.0)
    ]  # fmt: skip
    assert len(shop.rows("dim_rfm_cuts", "*")) == SCORES_OF_ALL
    for table in ("rpt_segment_migration", "rpt_revenue_walk"):
        assert shop.rows(table, "*") == []


def test_one_customer_who_buys_every_month(shop: EdgeShop) -> None:
    shop.build(*(line(str(number), f"2024-{number:02d}-15") for number in range(1, 4)))
    assert_sound(shop)
    assert [row[1:4] for row in shop.rows("rpt_lifecycle_by_month", STATES)] == [
        (1, 0, 0), (0, 1, 0), (0, 1, 0)
    ]  # fmt: skip
    assert [row[2] for row in shop.rows("rpt_purchase_rates_by_month", RATES)] == [None, 1.0, 1.0]
    assert shop.rows("rpt_segment_migration", MIGRATION, QUINTILE) == [
        ("new_customers", "new_customers", 1, *money(10, 20)),
        ("new_customers", "new_customers", 1, *money(20, 30)),
    ]


def test_a_gap_of_more_than_a_year(shop: EdgeShop) -> None:
    shop.build(line("1", "2023-01-15"), line("2", "2024-03-10", price="20"))
    assert_sound(shop, "February 2024")
    states = shop.rows("fct_customer_months", "order_month, state")
    assert [state for _, state in states] == ["new", *["inactive"] * 13, "reactivated"]
    # The order leaves the window of 365 days on 15 January 2024.
    assert shop.rows(
        "fct_rfm_intervals", "valid_from, valid_until, last_order_date, frequency, monetary"
    ) == [
        (day("2023-01-15"), day("2024-01-15"), day("2023-01-15"), 1, *money(10)),
        (day("2024-01-15"), day("2024-03-10"), day("2023-01-15"), 0, *money(0)),
        (day("2024-03-10"), day("2025-03-10"), day("2024-03-10"), 1, *money(20)),
        (day("2025-03-10"), day("9999-12-01"), day("2024-03-10"), 0, *money(0)),
    ]
    assert shop.rows(
        "fct_rfm_snapshots", f"{RFM}, avg_order_value", "snapshot_date >= date '2023-12-31'"
    ) == [
        (day("2023-12-31"), "C1", 350, 1, *money(10), 10.0),
        (day("2024-01-31"), "C1", 381, 0, *money(0), None),
        (day("2024-02-29"), "C1", 410, 0, *money(0), None),
        (day("2024-03-10"), "C1", 0, 1, *money(20), 20.0),
    ]
    assert shop.rows("rpt_purchase_rates_by_month", RATES)[-1][3] == 1.0


def test_all_orders_cancelled(shop: EdgeShop) -> None:
    """One within its month, one after its month has closed."""
    shop.build(
        line("1", "2024-01-10"), line("C1", "2024-01-20", quantity=-1),
        line("2", "2024-01-31", "C2"), line("C2", "2024-02-02", "C2", quantity=-1),
    )  # fmt: skip
    assert_sound(shop)
    assert shop.rows("rpt_lifecycle_by_month", STATES) == [
        (month("2024-01"), 1, 0, 0, 0, 0, 1),
        (month("2024-02"), 0, 0, 0, 1, 1, 1),
    ]
    assert shop.rows("fct_rfm_snapshots", RFM) == [(day("2024-01-31"), "C2", 0, 1, *money(10))]
    assert shop.rows("rpt_segments", "sum(customers), max(customer_share), max(mean_frequency)",
                     "snapshot_date = date '2024-02-02'") == [(0, None, None)]  # fmt: skip
    # Without a customer there is no quantile and no mean; bands are as they are.
    assert shop.rows("dim_rfm_cuts", "scheme", "snapshot_date = date '2024-02-02'") == (
        [("fixed_bands",)] * SCORES_OF_FIXED_BANDS
    )
    assert shop.rows("rpt_segment_migration", MIGRATION, QUINTILE) == [
        ("new_customers", "left", 1, *money(10, 0))
    ]
    assert shop.rows("rpt_revenue_walk", WALK, f"{QUINTILE} and movement = 'lost'") == [
        (day("2024-02-02"), "lost", 1, *money(10, -10))
    ]
    assert shop.rows("dim_customers", "customer_id, cancelled_order_count, net_revenue") == [
        ("C1", 1, *money(0)), ("C2", 1, *money(0))
    ]  # fmt: skip


def test_an_order_in_the_future_moves_the_as_of_date(shop: EdgeShop) -> None:
    shop.build(line("1", "2024-01-10"), line("2", "2051-01-01", "C2"))
    assert_sound(shop)
    assert len(shop.rows("dim_months", "*")) == 27 * 12 + 1
    # The 24 month ends that are looked back at, and the as-of date.
    snapshots = shop.rows("dim_snapshots", "snapshot_date")
    assert (len(snapshots), snapshots[0], snapshots[-1]) == (
        25, (day("2049-01-31"),), (day("2051-01-01"),)
    )  # fmt: skip
    assert shop.rows("fct_rfm_snapshots", RFM, "snapshot_date = date '2051-01-01'") == [
        (day("2051-01-01"), "C1", 9853, 0, *money(0)),
        (day("2051-01-01"), "C2", 0, 1, *money(10)),
    ]


def test_an_as_of_date_leaves_an_order_in_the_future_out(shop: EdgeShop) -> None:
    shop.build(line("1", "2024-01-10"), line("2", "2051-01-01", "C2"), as_of="2024-01-31")
    assert_sound(shop, "January 2024")
    assert shop.rows("rpt_lifecycle_by_month", f"{STATES}, is_partial_month") == [
        (month("2024-01"), 1, 0, 0, 0, 0, 1, False)
    ]
    assert shop.rows("fct_rfm_snapshots", RFM) == [(day("2024-01-31"), "C1", 21, 1, *money(10))]
    assert shop.rows("dim_customers", "customer_id") == [("C1",)]
    assert shop.rows("fct_orders", "order_id") == [("1",)]


def test_an_as_of_date_before_the_first_order(shop: EdgeShop) -> None:
    shop.build(
        line("1", "2024-03-10"), customers=["C1,2024-01-05", "C2,"], as_of="2024-03-09"
    )  # fmt: skip
    assert_sound(shop, "There is no order up to the as-of date")
    assert_nothing_dated(shop)
    assert shop.rows(
        "rpt_reconciliation",
        "metric, from_value, set_aside, to_value",
        "to_layer = 'core.fct_order_lines' and from_layer = 'staging'",
    ) == [("amount", *money(10, 10, 0)), ("order_lines", *money(1, 1, 0))]


def test_the_as_of_date_on_the_first_order(shop: EdgeShop) -> None:
    shop.build(line("1", "2024-03-10"), line("2", "2024-03-11", "C2"), as_of="2024-03-10")
    assert_sound(shop)
    assert shop.rows("fct_rfm_snapshots", RFM) == [(day("2024-03-10"), "C1", 0, 1, *money(10))]


def test_only_guests(shop: EdgeShop) -> None:
    shop.build(line("1", "2024-01-10", ""), line("2", "2024-02-10", ""))
    assert_sound(shop)
    assert shop.rows("rpt_sales_by_month", SALES) == [
        (month("2024-01"), 1, 0, *money(10), None),
        (month("2024-02"), 1, 0, *money(10), None),
    ]
    assert shop.rows("rpt_lifecycle_by_month", STATES) == [
        (month("2024-01"), 0, 0, 0, 0, 0, 0),
        (month("2024-02"), 0, 0, 0, 0, 0, 0),
    ]
    assert shop.rows("rpt_purchase_rates_by_month", RATES) == [
        (month("2024-01"), None, None, None, None),
        (month("2024-02"), None, None, None, None),
    ]
    for table in ("dim_customers", "fct_customer_months", "rpt_cohort_retention",
                  "fct_rfm_snapshots", "fct_rfm_scores", "rpt_segment_migration"):  # fmt: skip
        assert shop.rows(table, "*") == []
    assert shop.rows("rpt_segments", "distinct customers, customer_share, revenue_share") == [
        (0, None, None)
    ]
    # A pair of snapshots without customers has its six movements, all of them empty.
    assert shop.rows("rpt_revenue_walk", "sum(customers), sum(revenue_after), count(*)") == [
        (0, *money(0), 3 * 6)
    ]


def test_only_returns(shop: EdgeShop) -> None:
    shop.build(line("C1", "2024-01-10", quantity=-1), line("C2", "2024-02-10", quantity=-2))
    assert_sound(shop)
    assert shop.rows("rpt_sales_by_month", SALES) == [
        (month("2024-01"), 0, 0, *money(-10), None),
        (month("2024-02"), 0, 0, *money(-20), None),
    ]
    assert shop.rows("fct_cancellations", "cancelled_order_id, quantity, revenue") == [
        (None, 1, *money(10)), (None, 2, *money(20))
    ]  # fmt: skip
    assert shop.rows("dim_customers", "customer_id, order_count, net_revenue") == [
        ("C1", 0, *money(-30))
    ]
    assert shop.rows("fct_customer_months", "*") == shop.rows("fct_rfm_snapshots", "*") == []
    assert shop.rows("rpt_revenue_walk", WALK, f"{QUINTILE} and customers > 0") == [
        (day("2024-02-10"), "outside", 1, *money(-10, -20))
    ]


def test_zero_prices_only(shop: EdgeShop) -> None:
    shop.build(line("1", "2024-03-10", price="0"), line("2", "2024-04-10", price="0"))
    assert_sound(shop)
    assert shop.rows("fct_order_lines", "order_id, line_type, gross_revenue") == [
        ("1", "other", *money(0)), ("2", "other", *money(0))
    ]  # fmt: skip
    assert shop.rows("fct_orders", "*") == shop.rows("fct_rfm_snapshots", "*") == []
    assert shop.rows("rpt_sales_by_month", SALES) == [
        (month("2024-03"), 0, 0, *money(0), None),
        (month("2024-04"), 0, 0, *money(0), None),
    ]


def test_a_shop_of_one_day(shop: EdgeShop) -> None:
    shop.build(
        line("1", "2024-01-31"), line("2", "2024-01-31", price="20"), line("3", "2024-01-31", "C2")
    )
    assert_sound(shop, "January 2024")
    assert shop.rows("rpt_purchase_rates_by_month", f"{RATES}, is_partial_month") == [
        (month("2024-01"), 0.5, None, None, 1.0, False)
    ]
    assert shop.rows("fct_rfm_scores", "scheme, customer_id, rfm_code, segment") == [
        ("fixed_bands", "C1", "521", "general"),
        ("fixed_bands", "C2", "521", "general"),
        ("mean_split", "C1", "111", "important_value"),
        ("mean_split", "C2", "100", "general_develop"),
        ("quintile", "C1", "555", "champions"),
        ("quintile", "C2", "511", "new_customers"),
    ]


def test_only_registrations(shop: EdgeShop) -> None:
    """Without an order there is no date, so that nobody is known to have registered before it."""
    shop.build(customers=["C1,2024-01-05", "C2,"])
    assert_sound(shop, "There is no order up to the as-of date")
    assert_nothing_dated(shop)
    assert shop.rows("dim_customers", "customer_id, is_registered") == [("C2", True)]


def test_buyers_are_guests_and_customers_only_registered(shop: EdgeShop) -> None:
    shop.build(
        line("1", "2024-01-10", ""), line("2", "2024-03-31", ""),
        customers=["C1,2024-02-05", "C2,", "C3,2024-04-01"],
    )  # fmt: skip
    assert_sound(shop)
    assert shop.rows("fct_customer_months", "customer_id, order_month, state") == [
        ("C1", month("2024-02"), "prospect"),
        ("C1", month("2024-03"), "prospect"),
        ("C2", month("2024-01"), "prospect"),
        ("C2", month("2024-02"), "prospect"),
        ("C2", month("2024-03"), "prospect"),
    ]
    assert shop.rows("rpt_lifecycle_by_month", "prospects, customers") == [(1, 0), (2, 0), (2, 0)]
    assert shop.rows("dim_customers", "customer_id, order_count") == [("C1", 0), ("C2", 0)]


def test_ten_thousand_orders_of_one_customer(shop: EdgeShop) -> None:
    shop.build(
        *(line(str(n), f"2024-{1 + n % 3:02d}-{1 + n % 28:02d}") for n in range(10_000)),
        line("other", "2024-03-31", "C2"),
    )
    assert_sound(shop, "March 2024")
    assert shop.rows("rpt_lifecycle_by_month", STATES) == [
        (month("2024-01"), 1, 0, 0, 0, 0, 1),
        (month("2024-02"), 0, 1, 0, 0, 0, 1),
        (month("2024-03"), 1, 1, 0, 0, 0, 2),
    ]
    assert shop.rows("fct_customer_months", "order_month, order_count, revenue",
                     "customer_id = 'C1'") == [
        (month("2024-01"), 3334, *money(33_340)),
        (month("2024-02"), 3333, *money(33_330)),
        (month("2024-03"), 3333, *money(33_330)),
    ]  # fmt: skip
    assert shop.rows("fct_rfm_snapshots", RFM, "snapshot_date = date '2024-03-31'") == [
        (day("2024-03-31"), "C1", 3, 10_000, *money(100_000)),
        (day("2024-03-31"), "C2", 0, 1, *money(10)),
    ]
    assert shop.rows("rpt_segment_migration", MIGRATION, f"{QUINTILE} and from_segment = 'entered'"
                     ) == [("entered", "new_customers", 1, *money(0, 10))]  # fmt: skip
    assert shop.rows("fct_rfm_scores", "rfm_code", "scheme = 'fixed_bands' and customer_id = 'C1' "
                     "and snapshot_date = date '2024-03-31'") == [("555",)]  # fmt: skip


@pytest.mark.soak
def test_one_landing_later(shop: EdgeShop, tmp_path: Path) -> None:
    """The first order after a gap of a year, and the return of the only order of a customer.

    The second run starts from the first publication; its tables are those of all files at once.
    """
    others = [line(f"X{n}", f"2023-02-{1 + n % 28:02d}", f"X{n}", str(n + 1)) for n in range(400)]
    first = [line("1", "2023-01-15"), line("2", "2023-01-31", "C2"), *others]
    second = [line("3", "2024-03-10", price="20"), line("4", "2024-03-10", "C2", quantity=-1)]
    settings = Settings(
        data_dir=tmp_path / "run", home_dir=tmp_path / "home", landing_dir=tmp_path / "files",
        profile="canonical",
    )  # fmt: skip
    write_files(tmp_path / "files", {"order_lines_1.csv": first})
    assert "full build" in run_command(["run"], settings).stderr
    write_files(tmp_path / "files", {"order_lines_2.csv": second})
    done = run_command(["run"], settings)
    assert "incremental" in done.stderr
    assert "as of" in done.stdout

    shop.build(*first, *second)
    assert_sound(shop)
    assert len(shop.rows("dim_months", "*")) == 15
    with duckdb.connect(str(settings.marts_path), read_only=True) as con:
        differing = {
            table: (found, expected)
            for table in (*DATED_TABLES, "dim_customers", "fct_order_lines", "fct_cancellations")
            for expected in [in_order(shop.rows(table, "*"))]
            for found in [published_rows(con, shop, table)]
            if found != expected
        }
    assert differing == {}


def published_rows(con: duckdb.DuckDBPyConnection, shop: EdgeShop, table: str) -> list[Any]:
    columns = [row[0] for row in shop.warehouse.con.execute(
        f"describe {shop.warehouse.models[table].relation}").fetchall()]  # fmt: skip
    schema = shop.warehouse.models[table].schema
    return in_order(con.execute(f"select {', '.join(columns)} from {schema}.{table}").fetchall())


def test_rejected_rows_only(tmp_path: Path) -> None:
    """The run says what is wrong with them, publishes nothing and does not fall over."""
    settings = Settings(
        data_dir=tmp_path / "run", home_dir=tmp_path / "home", landing_dir=tmp_path / "files",
        profile="canonical",
    )  # fmt: skip
    write_files(
        tmp_path / "files", {"order_lines.csv": [line("1", "no day"), line("2", "2024-13-01")]}
    )
    done = run_command(["run"], settings, check=False)
    assert done.returncode == 1
    assert "Each of its 2 records is rejected" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not settings.marts_path.exists()
