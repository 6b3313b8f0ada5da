"""The demo shop's truth against a second opinion: the benchmarks' pandas script on its files.

The hand-written SQL of the benchmarks is held against the pandas script in turn.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from orchestration.demo import DemoTruth, generate_demo_shop

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module("pandas_baseline")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the pandas script writes to, by basis."""
    return {basis: tmp_path_factory.mktemp(basis) for basis in ("net", "gross")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return generate_demo_shop(tmp_path_factory.mktemp("shop"), customers=600, months=9, seed=11)


@pytest.fixture(scope="module")
def net(shop: DemoTruth, script: ModuleType, folders: dict[str, Path]) -> dict[str, pd.DataFrame]:
    return script.run(shop.landing_dir, "canonical", "net", folders["net"])


@pytest.fixture(scope="module")
def gross(shop: DemoTruth, script: ModuleType, folders: dict[str, Path]) -> dict[str, pd.DataFrame]:
    return script.run(shop.landing_dir, "canonical", "gross", folders["gross"])


def truth_table(shop: DemoTruth, name: str) -> pd.DataFrame:
    table = pd.read_parquet(shop.truth_dir / f"{name}.parquet")
    for column in table.columns:
        if column in ("order_month", "order_date"):
            table[column] = pd.to_datetime(table[column]).astype("datetime64[us]")
    return table


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str]) -> None:
    """Equal rows under ``keys``; money to a ten-thousandth, in the columns of ``ours``."""
    theirs = theirs[ours.columns.to_list()]
    pd.testing.assert_frame_equal(
        ours.astype({name: float for name in ours.columns if "revenue" in name or "value" in name})
        .sort_values(keys)
        .reset_index(drop=True),
        theirs.sort_values(keys).reset_index(drop=True),
        check_dtype=False,
        rtol=0,
        atol=0.00005,
    )


def test_states_orders_and_revenue_per_customer_and_month(
    shop: DemoTruth, net: dict[str, pd.DataFrame]
) -> None:
    truth = truth_table(shop, "customer_months")
    truth = truth[truth["state"] != "prospect"]
    columns = ["customer_id", "order_month", "state", "order_count", "revenue"]
    assert_same(truth[columns], net["customer_months"], ["customer_id", "order_month"])


def test_states_on_the_gross_basis(shop: DemoTruth, gross: dict[str, pd.DataFrame]) -> None:
    truth = truth_table(shop, "customer_months")
    truth = truth[["customer_id", "order_month", "gross_state", "gross_order_count"]]
    truth = truth.rename(columns={"gross_state": "state", "gross_order_count": "order_count"})
    truth = truth[truth["state"] != "prospect"]
    assert_same(truth, gross["customer_months"], ["customer_id", "order_month"])


def test_cancelled_parts(shop: DemoTruth, net: dict[str, pd.DataFrame]) -> None:
    truth = truth_table(shop, "cancellations")
    keys = ["cancelling_order_id", "cancelling_line_number", "cancelled_order_id"]
    assert set(truth["match_rule"]) == {
        "same_product_and_price",
        "manual_credit",
        "refunded_status",
        "unmatched",
    }
    assert_same(truth, net["cancellations"], keys)


def test_orders(shop: DemoTruth, net: dict[str, pd.DataFrame]) -> None:
    truth = truth_table(shop, "orders")[["order_id", "order_date", "gross_revenue", "value"]]
    assert_same(truth, net["orders"], ["order_id"])


def test_months(shop: DemoTruth, net: dict[str, pd.DataFrame]) -> None:
    truth = truth_table(shop, "months")
    money = ["order_month", "orders", "units", "gross_revenue", "returned_revenue"]
    assert_same(truth[money], net["sales_by_month"], ["order_month"])
    states = ["order_month", "new", "active", "reactivated", "inactive", "buyers"]
    assert_same(truth[states], net["lifecycle_by_month"], ["order_month"])


def test_prospects(shop: DemoTruth, net: dict[str, pd.DataFrame]) -> None:
    truth = truth_table(shop, "customer_months")
    prospects = truth[truth["state"] == "prospect"].groupby("order_month").size()
    counted = net["lifecycle_by_month"].set_index("order_month")["prospects"]
    assert prospects.reindex(counted.index, fill_value=0).to_list() == counted.to_list()


@pytest.mark.parametrize("basis", ["net", "gross"])
def test_hand_written_sql_says_what_the_pandas_script_says(
    shop: DemoTruth,
    net: dict[str, pd.DataFrame],
    gross: dict[str, pd.DataFrame],
    folders: dict[str, Path],
    basis: str,
    tmp_path: Path,
) -> None:
    comparing = importlib.import_module("comparing")
    hand_written = importlib.import_module("hand_written")
    marts = hand_written.build(shop.landing_dir, "canonical", basis, tmp_path / "out")
    results = comparing.compare_outputs(marts, folders[basis])
    assert [result.name for result in results if not result.is_equal] == []
