"""The demo shop's files hold what its truth says, counted again by reading them with pandas."""

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from orchestration.demo import DemoTruth, generate_demo_shop, read_demo_truth
from orchestration.demo.mess import FAULTS
from orchestration.errors import CustomerValueError

CUSTOMERS, MONTHS = 1_500, 12


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return generate_demo_shop(tmp_path_factory.mktemp("shop"), customers=CUSTOMERS, months=MONTHS)


@pytest.fixture(scope="module")
def rows(shop: DemoTruth) -> pd.DataFrame:
    """Every row of every order line file as text."""
    files = sorted(shop.landing_dir.glob("order_lines_*.csv"))
    frames = [
        pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""]).assign(file=file.name)
        for file in files
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def lines(rows: pd.DataFrame) -> pd.DataFrame:
    """The good rows, typed, each once; money in whole pence."""
    good = rows[~is_broken(rows)].drop(columns="file").drop_duplicates()
    pence = {
        column: (good[column].fillna("0").astype(float) * 100).round().astype(int)
        for column in ("unit_price", "discount_amount")
    }
    return good.assign(
        **pence,
        quantity=good["quantity"].astype(int),
        ordered_at=pd.to_datetime(good["ordered_at"]),
        status=good["status"].fillna("completed"),
    )


def is_broken(rows: pd.DataFrame) -> pd.Series:
    quantity = pd.to_numeric(rows["quantity"], errors="coerce")
    price = pd.to_numeric(rows["unit_price"], errors="coerce")
    ordered_at = pd.to_datetime(rows["ordered_at"], format="%Y-%m-%d %H:%M:%S", errors="coerce")
    return (
        rows["order_id"].isna()
        | rows["product_id"].isna()
        | quantity.isna()
        | (quantity % 1 != 0)
        | (quantity.abs() > 1e9)
        | price.isna()
        | (price < 0)
        | ordered_at.isna()
        | ~ordered_at.dt.year.between(1990, 2099)
        | ~rows["status"].fillna("completed").isin(["completed", "cancellation", "refunded"])
    )


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        generate_demo_shop(tmp_path / name, customers=200, months=4, seed=5)
    generate_demo_shop(tmp_path / "other", customers=200, months=4, seed=6)
    first = fingerprint(tmp_path / "one")
    assert first == fingerprint(tmp_path / "two")
    assert first != fingerprint(tmp_path / "other")


def test_blocks_of_customers_write_the_same_bytes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.demo.shop.BLOCK_CUSTOMERS", 70)
    for name in ("one", "two"):
        truth = generate_demo_shop(tmp_path / name, customers=200, months=4)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    orders = pd.read_parquet(truth.truth_dir / "orders.parquet")
    assert orders["order_id"].is_unique
    assert orders["customer_id"].nunique() == 200 - truth.prospects
    months = pd.read_parquet(truth.truth_dir / "customer_months.parquet")
    assert not months.duplicated(["customer_id", "order_month"]).any()


def test_rows_per_file_and_broken_rows_stand_in_the_files(
    shop: DemoTruth, rows: pd.DataFrame
) -> None:
    assert rows.groupby("file").size().to_dict() == shop.file_rows
    assert len(rows) == shop.rows_written
    assert is_broken(rows).sum() == sum(shop.broken_rows.values())
    assert set(shop.broken_rows) == {fault.name for fault in FAULTS}
    assert min(shop.broken_rows.values()) >= 1
    for fault in FAULTS:
        found = rows[fault.column].isna() if not fault.value else rows[fault.column] == fault.value
        assert found.sum() == shop.broken_rows[fault.name], fault.name


def test_every_broken_row_has_a_reason_to_be_rejected(shop: DemoTruth) -> None:
    assert sum(shop.rejects.values()) == sum(shop.broken_rows.values())
    assert shop.rejects["unit_price", "number_out_of_range"] >= 1
    assert {reason for _, reason in shop.rejects} == {fault.reason for fault in FAULTS}


def test_duplicates_stand_in_the_same_and_in_other_files(
    shop: DemoTruth, rows: pd.DataFrame, lines: pd.DataFrame
) -> None:
    good = rows[~is_broken(rows)]
    assert good.drop(columns="file").duplicated().sum() == shop.duplicate_rows > 0
    assert 0 < good.duplicated().sum() < shop.duplicate_rows
    assert len(lines) == shop.lines
    assert not lines.duplicated(["order_id", "line_number"]).any()


def test_money_adds_up_to_the_truth(shop: DemoTruth, lines: pd.DataFrame) -> None:
    amount = lines["quantity"].abs() * lines["unit_price"]
    is_sale = (lines["quantity"] > 0) & (lines["unit_price"] > 0)
    is_discount = (lines["quantity"] < 0) & (lines["product_id"] == "D")
    is_back = (lines["quantity"] < 0) & (lines["unit_price"] > 0) & ~is_discount
    line_discount = lines["discount_amount"].where(is_sale, 0).clip(upper=amount)
    assert is_sale.sum() == shop.sale_lines
    assert is_discount.sum() == shop.discount_lines > 0
    assert is_back.sum() == shop.cancellation_lines > 0
    assert lines.loc[is_sale, "order_id"].nunique() == shop.orders
    assert Decimal(int(amount[is_sale].sum())) / 100 == shop.gross_revenue
    discounts = line_discount.sum() + amount[is_discount].sum()
    assert Decimal(int(discounts)) / 100 == shop.discounts
    assert (line_discount < lines["discount_amount"]).any()
    assert shop.gross_revenue is not None
    assert shop.returned_revenue is not None
    assert shop.discounts is not None
    assert shop.net_revenue == shop.gross_revenue - shop.returned_revenue - shop.discounts


def test_returns_are_on_orders_of_their_own(shop: DemoTruth, lines: pd.DataFrame) -> None:
    is_return = lines["order_id"].str.startswith("R")
    assert (is_return == (lines["status"] == "cancellation")).all()
    assert (lines.loc[is_return, "quantity"] < 0).all()
    parts = pd.read_parquet(shop.truth_dir / "cancellations.parquet")
    assert set(parts["match_rule"]) == set(shop.cancellations_by_rule)
    for rule, total in shop.cancellations_by_rule.items():
        of_rule = parts[parts["match_rule"] == rule]
        assert (len(of_rule), of_rule["quantity"].sum()) == (total.parts, total.pieces)
        assert of_rule["revenue"].sum() == total.revenue
    refunded = lines[lines["status"] == "refunded"]
    assert len(refunded) == shop.cancellations_by_rule["refunded_status"].parts


def test_matched_parts_name_the_same_customer_product_and_price_and_an_earlier_sale(
    shop: DemoTruth, lines: pd.DataFrame
) -> None:
    parts = pd.read_parquet(shop.truth_dir / "cancellations.parquet")
    parts = parts[parts["match_rule"] == "same_product_and_price"]
    keyed = lines.astype({"line_number": int}).set_index(["order_id", "line_number"])
    back = keyed.loc[
        zip(parts["cancelling_order_id"], parts["cancelling_line_number"], strict=True)
    ]
    sale = keyed.loc[zip(parts["cancelled_order_id"], parts["cancelled_line_number"], strict=True)]
    for column in ("customer_id", "product_id", "unit_price"):
        assert (back[column].to_numpy() == sale[column].to_numpy()).all()
    assert (back["ordered_at"].to_numpy() >= sale["ordered_at"].to_numpy()).all()
    taken = parts.groupby(["cancelled_order_id", "cancelled_line_number"])["quantity"].sum()
    assert (taken.to_numpy() <= keyed.loc[taken.index, "quantity"].to_numpy()).all()


def test_states_follow_from_the_orders_month_by_month(shop: DemoTruth) -> None:
    orders = pd.read_parquet(shop.truth_dir / "orders.parquet")
    counted = orders[orders["is_positive_at_month_end"] & orders["customer_id"].notna()]
    bought = {
        (customer, f"{day:%Y-%m}")
        for customer, day in zip(counted["customer_id"], counted["order_date"], strict=True)
    }
    rows = pd.read_parquet(shop.truth_dir / "customer_months.parquet")
    rows = rows[rows["customer_id"].isin(sorted(rows["customer_id"].unique())[:300])]
    for customer, months in rows.groupby("customer_id"):
        seen_before, last = False, False
        for month, state in zip(months["order_month"], months["state"], strict=True):
            buys = (customer, f"{month:%Y-%m}") in bought
            if buys:
                expected = "active" if last else "reactivated" if seen_before else "new"
            else:
                expected = "inactive" if seen_before else "prospect"
            assert state == expected, (customer, month)
            seen_before, last = seen_before or buys, buys


def test_monthly_totals_keep_their_identities(shop: DemoTruth) -> None:
    months = pd.read_parquet(shop.truth_dir / "months.parquet")
    assert len(months) == MONTHS
    assert (months["new"] + months["active"] + months["reactivated"] == months["buyers"]).all()
    assert (months["buyers"] + months["inactive"] == months["new"].cumsum()).all()
    assert months["orders"].sum() == shop.orders
    assert months["gross_revenue"].sum() == shop.gross_revenue


def test_customers_and_products_files(shop: DemoTruth, lines: pd.DataFrame) -> None:
    customers = pd.read_csv(shop.landing_dir / "customers.csv", dtype=str)
    assert customers["customer_id"].isna().sum() == shop.broken_customer_rows
    ids = customers["customer_id"].dropna()
    assert ids.is_unique
    assert len(ids) == CUSTOMERS
    buyers = set(lines["customer_id"].dropna())
    assert len(set(ids) - buyers) == shop.prospects
    assert buyers <= set(ids)
    products = pd.read_csv(shop.landing_dir / "products.csv", dtype=str)
    assert len(products) == shop.products
    assert products["product_name"].str.contains(",").any()
    assert products["product_name"].str.contains('"').any()


def test_the_shop_looks_like_a_shop(shop: DemoTruth, lines: pd.DataFrame) -> None:
    assert 6 < shop.lines / CUSTOMERS < 14
    assert 0.02 < shop.cancellation_lines / shop.lines < 0.08
    assert 0.02 < lines["customer_id"].isna().mean() < 0.12
    by_month = lines.groupby(lines["ordered_at"].dt.month).size()
    assert by_month[11] > by_month[2] * 1.3
    assert {"POST", "C2", "DOT", "M", "D", "S", "BANK CHARGES"} <= set(lines["product_id"])
    assert lines["product_id"].str.startswith("gift_").any()
    orders_per_customer = lines[lines["quantity"] > 0].groupby("customer_id")["order_id"].nunique()
    assert 0.2 < (orders_per_customer == 1).mean() < 0.7
    assert orders_per_customer.max() > 8
    assert {"website", "app", "marketplace", "store"} == set(lines["channel"])
    assert lines["country"].nunique() > 4


def test_late_rows_stand_in_files_of_their_own(shop: DemoTruth) -> None:
    late = sorted(shop.landing_dir.glob("order_lines_late_*.csv"))
    assert len(late) == 3
    for file in late:
        month = file.stem.rsplit("_", 1)[1]
        moments = pd.read_csv(file, dtype=str)["ordered_at"]
        assert moments.str.startswith(month).mean() > 0.9


def test_the_data_ends_inside_its_last_month(shop: DemoTruth, lines: pd.DataFrame) -> None:
    assert shop.last_date == date(2023, 12, 20)
    assert lines["ordered_at"].dt.date.max() == shop.last_date
    assert lines["ordered_at"].dt.date.min() >= shop.first_month


def test_the_last_day_can_be_the_months_end(tmp_path: Path) -> None:
    truth = generate_demo_shop(tmp_path, customers=300, months=2, last_day=None)
    assert truth.last_date == date(2023, 2, 28)


def test_the_smallest_shop(tmp_path: Path) -> None:
    truth = generate_demo_shop(tmp_path, customers=1, months=1)
    assert truth.orders >= 1
    assert truth.prospects == 0
    rows = pd.read_csv(truth.landing_dir / "order_lines_2023-01.csv", dtype=str)
    assert len(rows) == truth.rows_written >= 1
    states = pd.read_parquet(truth.truth_dir / "customer_months.parquet")
    assert len(states) == 1


def test_the_truth_can_be_left_out(tmp_path: Path, shop: DemoTruth) -> None:
    truth = generate_demo_shop(tmp_path, customers=CUSTOMERS, months=MONTHS, truth=False)
    assert [path.name for path in truth.truth_dir.iterdir()] == ["summary.json"]
    assert truth.net_revenue is None
    assert truth.cancellations_by_rule == {}
    assert truth.file_rows == shop.file_rows
    assert fingerprint(truth.landing_dir) == fingerprint(shop.landing_dir)


def test_the_summary_is_read_back_as_it_was_written(shop: DemoTruth, tmp_path: Path) -> None:
    assert read_demo_truth(shop.target) == shop
    assert read_demo_truth(tmp_path) is None


def test_a_damaged_summary_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "summary.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CustomerValueError, match="customer-value demo"):
        read_demo_truth(tmp_path)


def test_a_new_shop_replaces_the_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    generate_demo_shop(tmp_path, customers=50, months=5)
    own_file = tmp_path / "landing" / "canonical" / "events.csv"
    own_file.write_text("x\n", encoding="utf-8")
    truth = generate_demo_shop(tmp_path, customers=50, months=2)
    names = {path.name for path in truth.landing_dir.iterdir()}
    assert names == {*truth.file_rows, "customers.csv", "products.csv", "events.csv"}
    assert {path.name for path in tmp_path.iterdir()} == {"landing", "truth"}


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    generate_demo_shop(tmp_path, customers=20, months=1, progress=told.append)
    assert told[0] == "drew 20 of 20 customers"
    assert "wrote order_lines_2023-01.csv" in told


@pytest.mark.parametrize(
    ("name", "value"), [("customers", 0), ("months", 0), ("seed", -1), ("last_day", 0)]
)
def test_sizes_out_of_range_are_named(tmp_path: Path, name: str, value: int) -> None:
    sizes: dict[str, Any] = {name: value}
    with pytest.raises(CustomerValueError, match=f"{name} = {value}"):
        generate_demo_shop(tmp_path, **sizes)


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(CustomerValueError, match="cannot be written"):
        generate_demo_shop(blocked, customers=1, months=1)
