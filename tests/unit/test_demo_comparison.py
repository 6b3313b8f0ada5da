"""The comparison of the benchmarks sees a missing row, a changed count, amount or date."""

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
