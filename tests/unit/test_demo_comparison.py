"""The comparisons of the benchmarks see a missing row, a changed count, amount or date."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
ROWS = [("a", "2023-01-01", 2, 10.0), ("b", "2023-02-01", 3, 0.5)]


@pytest.fixture
def comparing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("comparing")


def compare(comparing: ModuleType, folder: Path, theirs: list[tuple[Any, ...]]) -> Any:
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("create table t (name varchar, order_month date, n bigint, amount double)")
        con.executemany("insert into t values (?, ?, ?, ?)", ROWS)
    frame = pd.DataFrame(theirs, columns=["name", "order_month", "n", "amount"])
    frame["order_month"] = pd.to_datetime(frame["order_month"])
    frame.to_parquet(folder / "t.parquet")
    check = comparing.TableCheck(
        "t",
        "select * from marts.t",
        "select * from baseline('t')",
        ("name", "order_month"),
        ("n",),
        ("amount",),
    )
    return comparing.compare_outputs(folder / "marts.duckdb", folder, (check,))[0]


def test_equal_rows_in_another_order(comparing: ModuleType, tmp_path: Path) -> None:
    result = compare(comparing, tmp_path, [("b", "2023-02-01", 3, 0.5000001), ROWS[0]])
    assert (result.rows, result.unpaired, result.different) == (2, 0, 0)
    assert result.is_equal


@pytest.mark.parametrize(
    ("changed", "unpaired", "different"),
    [
        (("b", "2023-02-01", 4, 0.5), 0, 1),
        (("b", "2023-02-01", 3, 0.51), 0, 1),
        (("b", "2023-02-01", 3, None), 0, 1),
        (("c", "2023-02-01", 3, 0.5), 2, 0),
        (("b", "2023-03-01", 3, 0.5), 2, 0),
    ],
    ids=["count", "amount", "null", "key", "date"],
)
def test_a_changed_row_is_seen(
    comparing: ModuleType,
    tmp_path: Path,
    changed: tuple[Any, ...],
    unpaired: int,
    different: int,
) -> None:
    result = compare(comparing, tmp_path, [ROWS[0], changed])
    assert (result.unpaired, result.different) == (unpaired, different)
    assert not result.is_equal


def test_two_empty_tables_are_no_proof(comparing: ModuleType) -> None:
    assert not comparing.TableResult("t", 0, 0, 0).is_equal


def published(comparing: ModuleType, folder: Path, their_sql: str) -> dict[str, Any]:
    """Results by table: a pipeline's file, and one of a hand that has changed something."""
    tables = """
        create schema core;
        create table core.fct_orders as
        select 'o' || i as order_id, date '2023-01-01' + i::integer as order_date,
            i::decimal(18, 4) as net_revenue, i / 7 as order_share
        from range(3) as numbers(i);
        create view core.fct_totals as
        select sum(net_revenue) as net_revenue from core.fct_orders;
    """
    for name, changes in (("ours", ""), ("theirs", their_sql)):
        with duckdb.connect(str(folder / name)) as con:
            con.execute(tables)
            con.execute(changes or "select 1")
    results = comparing.compare_published(folder / "ours", folder / "theirs")
    return {result.name: result.is_equal for result in results}


def test_published_tables_and_views_are_equal(comparing: ModuleType, tmp_path: Path) -> None:
    found = published(
        comparing, tmp_path, "update core.fct_orders set order_share = order_share + 1e-9"
    )
    assert found == {"core.fct_orders": True, "core.fct_totals": True}


@pytest.mark.parametrize(
    ("their_sql", "is_total_equal"),
    [
        (
            "update core.fct_orders set net_revenue = net_revenue + 0.0001 where order_id = 'o1'",
            False,
        ),
        (
            "update core.fct_orders set order_share = order_share + 0.001 where order_id = 'o1'",
            True,
        ),
        ("update core.fct_orders set order_date = order_date + 1 where order_id = 'o1'", True),
        ("delete from core.fct_orders where order_id = 'o0'", True),
        ("insert into core.fct_orders from core.fct_orders where order_id = 'o0'", True),
        ("update core.fct_orders set net_revenue = 3 - net_revenue where order_id <> 'o0'", True),
        ("update core.fct_orders set order_share = null where order_id = 'o1'", True),
        ("alter table core.fct_orders drop order_share", True),
        ("alter table core.fct_orders alter order_share type real", True),
    ],
    ids=["money", "ratio", "date", "missing", "twice", "swapped", "null", "column", "type"],
)
def test_a_change_of_a_published_table_is_seen(
    comparing: ModuleType, tmp_path: Path, their_sql: str, is_total_equal: bool
) -> None:
    found = published(comparing, tmp_path, their_sql)
    assert found == {"core.fct_orders": False, "core.fct_totals": is_total_equal}


def test_a_table_of_one_side_alone_is_seen(comparing: ModuleType, tmp_path: Path) -> None:
    found = published(comparing, tmp_path, "create table core.fct_more as select 1 as n")
    assert not found["core.fct_more"]
