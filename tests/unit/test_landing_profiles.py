"""The shipped profiles on small files, expressions, and timestamps in their many forms."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.landing.expressions import ExpressionError, source_columns
from orchestration.landing.profile import FileEntry
from orchestration.landing.profile_store import load_profile, profile_paths
from orchestration.landing.timestamps import utc_timestamp_sql
from tests.unit.landing_folder import LandingFolder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    folder = LandingFolder(tmp_path)
    yield folder
    folder.con.close()


def test_every_shipped_profile_loads_and_is_named_like_its_file() -> None:
    names = list(profile_paths())
    assert names == ["canonical", "cdnow", "crm_purchases", "heywhale_orders", "uci_online_retail"]
    assert [load_profile(name).name for name in names] == names


def test_a_profile_of_ones_own_comes_before_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "cdnow.yml").write_text(
        "name: cdnow\ndescription: mine\nfiles: [{dataset: agents, pattern: '*'}]\n",
        encoding="utf-8",
    )
    assert load_profile("cdnow", tmp_path).description == "mine"
    assert load_profile("canonical", tmp_path).name == "canonical"


def test_online_retail(folder: LandingFolder) -> None:
    folder.write(
        "a.csv",
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HEART ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        "C536379,D,Discount,-1,12/1/2010 9:41,27.5,,United Kingdom\n",
    )
    folder.write(
        "b.csv",
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
        "C489449,22087,BUNTING,-12,2009-12-01 10:33,2.95,16321,Australia\n",
    )
    folder.load(profile="uci_online_retail")
    assert folder.rows(
        "order_id, product_id, product_name, quantity, ordered_at, customer_id, status"
    ) == [
        ("536365", "85123A", "HEART", 6, datetime(2010, 12, 1, 8, 26), "17850", None),
        (
            "C489449",
            "22087",
            "BUNTING",
            -12,
            datetime(2009, 12, 1, 10, 33),
            "16321",
            "cancellation",
        ),
        ("C536379", "D", "Discount", -1, datetime(2010, 12, 1, 9, 41), None, "cancellation"),
    ]


def test_cdnow(folder: LandingFolder) -> None:
    folder.write(
        "CDNOW_master.txt",
        " 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n 00002 19970112  5   77.00\n"
        " 00003 19970102\n",
    )
    load = folder.load(profile="cdnow")
    assert (load.rows_kept, load.rows_rejected) == (3, 1)
    assert folder.rows("order_id, product_id, ordered_at, quantity, unit_price::varchar") == [
        ("00001-19970101", "CD", datetime(1997, 1, 1), 1, "11.7700"),
        ("00002-19970112", "CD", datetime(1997, 1, 12), 1, "12.0000"),
        ("00002-19970112", "CD", datetime(1997, 1, 12), 1, "77.0000"),
    ]
    assert folder.rejects() == [("CDNOW_master.txt", 4, None, None, "too_few_columns")]


def test_heywhale_orders(folder: LandingFolder) -> None:
    folder.write(
        "orders.csv",
        "id,orderID,userID,goodsID,orderAmount,payment,chanelID,platfromType,orderTime,payTime,"
        "chargeback\n"
        "1,sys-1,u1,g1,100.5,80.5,c1,APP,2019-01-01 00:30:00,2019-01-01 00:31:00,否\n"
        "2,sys-2,u1,g1,10,12,,Web,2019-06-01 08:00:00,2019-06-01 08:01:00,是\n"
        "3,sys-3,u2,g2,10,10,c2,Web,2019/6/1 8:00,2019/6/1 8:00,TRUE\n",
    )
    folder.load(profile="heywhale_orders")
    assert folder.rows(
        "order_id, quantity, unit_price::varchar, discount_amount::varchar, paid_amount::varchar, "
        "channel, platform, ordered_at, status"
    ) == [
        ("sys-1", 1, "100.5000", "20.0000", "80.5000", "c1", "APP",
         datetime(2018, 12, 31, 16, 30), None),
        ("sys-2", 1, "10.0000", "0.0000", "12.0000", None, "Web",
         datetime(2019, 6, 1), "refunded"),
        ("sys-3", 1, "10.0000", "0.0000", "10.0000", "c2", "Web",
         datetime(2019, 6, 1), "refunded"),
    ]  # fmt: skip


def test_crm_purchases(folder: LandingFolder) -> None:
    folder.write(
        "purchases.csv", "customer_id,purchase_date,product_id,amount\n7.0,2024-01-02,P1,19.99\n"
    )
    folder.load(profile="crm_purchases")
    assert folder.rows("order_id, customer_id, unit_price::varchar") == [
        ("7-2024-01-02", "7", "19.9900")
    ]


def test_canonical_takes_datasets_by_file_or_folder_name(folder: LandingFolder) -> None:
    folder.write("customers_2024.csv", "customer_id,region\nC1,North\n")
    folder.write("Products.csv", "product_id,list_price\n22423.0,3\n")
    folder.write("coupon_sends/2024-01.csv", "send_id\nS1\n")
    folder.write("order_lines.csv", "order_id,product_id,ordered_at,quantity,unit_price\n")
    folder.write(
        "events.csv", "customer_id,event_type,product_id,occurred_at\nC1,View,P1,2024-01-01\n"
    )
    load = folder.load()
    assert [file.path for file in load.failed] == ["coupon_sends/2024-01.csv"]
    assert folder.rows("customer_id, region", "customers") == [("C1", "North")]
    assert folder.rows("product_id", "products") == [("22423",)]
    assert folder.rows("length(event_id), event_type", "events") == [(32, "view")]


def test_an_event_without_id_gets_the_same_one_from_every_file(folder: LandingFolder) -> None:
    header = "customer_id,event_type,product_id,occurred_at"
    folder.write("events_1.csv", f"{header}\nC1,view,P1,2024-01-01\n")
    folder.write("events_2.csv", f"{header},category\nC1.0,VIEW, P1,2024-01-01 00:00:00,\n")
    folder.write("events_3.csv", f"{header}\nC1,view,P2,2024-01-01\n")
    folder.load()
    assert folder.rows("count(*), count(distinct event_id)", "events") == [(3, 3)]
    assert folder.rows("count(distinct event_id)", "events where customer_id = 'C1'") == [(2,)]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.csv", "a/b/x.CSV", True),
        ("orders*", "Orders_1.csv", True),
        ("orders*", "a/orders/x.csv", False),
        ("orders/*", "a/orders/x.csv", True),
        ("orders/*", "my_orders/x.csv", False),
    ],
)
def test_patterns_match_names_or_the_end_of_paths(pattern: str, path: str, matches: bool) -> None:
    entry = FileEntry.model_validate({"dataset": "agents", "pattern": pattern})
    assert entry.matches(path) is matches


def test_expressions_say_what_they_read() -> None:
    assert source_columns('"A b" || lower(c) -- with a comment') == ("A b", "c")
    assert source_columns("list_sum(list_transform([a, b], x -> x::int))") == ("a", "b")
    assert source_columns("'CD'") == ()
    assert source_columns("case when a ilike 'C%' then '1' else nullif(b, '') end") == ("a", "b")


@pytest.mark.parametrize("expression", ["a.b", "*", "now()", "row_number() over ()", "a, b", ""])
def test_expressions_that_are_more_than_a_value_are_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        source_columns(expression)


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("2024-03-31", "UTC", datetime(2024, 3, 31)),
        ("2024-03-31 18:05", "UTC", datetime(2024, 3, 31, 18, 5)),
        ("2024-03-31T18:05:06", "UTC", datetime(2024, 3, 31, 18, 5, 6)),
        ("2024-03-31 8:05:06.25", "UTC", datetime(2024, 3, 31, 8, 5, 6, 250_000)),
        ("2024-03-31T18:05:06Z", "Europe/Berlin", datetime(2024, 3, 31, 18, 5, 6)),
        ("2024-03-31T18:05Z", "Europe/Berlin", datetime(2024, 3, 31, 18, 5)),
        ("2024-03-31 18:05:06+02:00", "UTC", datetime(2024, 3, 31, 16, 5, 6)),
        ("2024-03-31 18:05:06+0530", "UTC", datetime(2024, 3, 31, 12, 35, 6)),
        ("2024-03-31 18:05:06.5 -03", "UTC", datetime(2024, 3, 31, 21, 5, 6, 500_000)),
        ("2024-03-31T18:05+02:00", "UTC", datetime(2024, 3, 31, 16, 5)),
        ("2024-07-01 12:00:00", "Europe/London", datetime(2024, 7, 1, 11)),
        ("2024-01-01 12:00:00", "Europe/London", datetime(2024, 1, 1, 12)),
        ("31.03.2024 18:05", "UTC", datetime(2024, 3, 31, 18, 5)),
        ("31.03.2024 18:05", "Europe/London", datetime(2024, 3, 31, 17, 5)),
        ("31.03.2024 18:05 +0200", "Europe/London", datetime(2024, 3, 31, 16, 5)),
        ("03/31/2024", "UTC", None),
        ("2024-13-01", "UTC", None),
        ("20240331", "UTC", None),
    ],
)
def test_timestamps_become_utc(text: str, timezone: str, expected: datetime | None) -> None:
    formats = ["%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M %z"]
    con = duckdb.connect(":memory:")
    for session in ("UTC", "America/New_York"):
        con.execute(f"set TimeZone = '{session}'")
        sql = utc_timestamp_sql("t", formats, timezone)
        assert con.execute(f"select {sql} from (select $1 as t)", [text]).fetchone() == (expected,)
    con.close()


def test_a_format_like_iso_comes_before_iso() -> None:
    sql = utc_timestamp_sql("'2024-05-03'", ["%Y-%d-%m"], "UTC")
    con = duckdb.connect(":memory:")
    assert con.execute(f"select {sql}").fetchone() == (datetime(2024, 3, 5),)
    con.close()
