"""The contract and the raw tables made from it."""

import duckdb
import pytest

from orchestration.landing.contract import CONTRACT, Kind
from orchestration.landing.ledger import ensure_raw_tables

#: Required and optional columns of each dataset, as architecture.md section 4 lists them.
LISTED = {
    "order_lines": (
        "order_id product_id ordered_at quantity unit_price",
        "line_number customer_id product_name country channel platform discount_amount "
        "paid_amount paid_at status currency",
    ),
    "customers": ("customer_id", "registered_at region email_hash phone_hash"),
    "products": ("product_id", "product_name category list_price"),
    "events": (
        "customer_id event_type product_id occurred_at",
        "event_id session_id category dwell_seconds",
    ),
    "campaigns": ("campaign_id campaign_name starts_at ends_at", "campaign_type"),
    "coupon_sends": (
        "send_id campaign_id customer_id sent_at expires_at discount_amount",
        "agent_id product_id",
    ),
    "coupon_redemptions": (
        "redemption_id send_id redeemed_at paid_amount",
        "order_id discount_amount",
    ),
    "agents": ("agent_id agent_name", "shop"),
    "corrections": (
        "correction_id dataset key action reason author corrected_at",
        "column value",
    ),
}


@pytest.mark.parametrize("name", LISTED)
def test_a_dataset_has_exactly_the_columns_that_are_listed(name: str) -> None:
    required, optional = (set(names.split()) for names in LISTED[name])
    columns = CONTRACT[name].columns
    assert {column.name for column in columns if column.required} == required
    assert {column.name for column in columns if not column.required} == optional


def test_there_are_nine_datasets_and_order_lines_is_the_first() -> None:
    assert list(CONTRACT) == list(LISTED)


@pytest.mark.parametrize("dataset", CONTRACT.values(), ids=list(CONTRACT))
def test_a_dataset_begins_with_a_text_id_that_is_part_of_its_key(dataset: object) -> None:
    # Refused records are told by the first column until their batch is settled.
    from orchestration.landing.contract import Dataset

    assert isinstance(dataset, Dataset)
    assert dataset.columns[0].kind is Kind.ID
    assert dataset.columns[0].name == dataset.key[0]
    assert set(dataset.key) <= set(dataset.column_names)
    assert all(column.description for column in dataset.columns)


def test_every_raw_table_exists_with_its_types_and_making_them_twice_is_no_harm() -> None:
    con = duckdb.connect(":memory:")
    ensure_raw_tables(con)
    ensure_raw_tables(con)
    for dataset in CONTRACT.values():
        found = con.execute(f"describe raw.{dataset.name}").fetchall()
        expected = [(column.name, column.type) for column in dataset.columns]
        assert [row[:2] for row in found] == [*expected, ("_file_id", "BIGINT")]
        assert all(row[2] == "YES" for row in found)
    con.close()


def test_an_unknown_column_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        CONTRACT["agents"].column("name")
