"""Erased customers: what is written anew is what a load makes of the same files."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.erasure import erase as steps
from orchestration.erasure.erase import erase, finish_interrupted
from orchestration.erasure.files import holds
from orchestration.erasure.proof import search_everything
from orchestration.errors import CustomerValueError
from orchestration.landing.contract import CONTRACT
from orchestration.landing.load import load_landing
from orchestration.landing.suppression import read_suppression
from orchestration.progress import SilentReporter
from orchestration.settings import Settings
from orchestration.warehouse import warehouse_lock

ID = "customer-K7Q2-0042"
OTHER = "customer-K7Q2-0043"
FILES = {
    "order_lines": f"""order_id,line_number,product_id,ordered_at,quantity,unit_price,customer_id
order-B-0002,1,P1,2024-03-01 10:00,2,9.90,{ID}
order-B-0002,2,P2,2024-03-01 10:00,1,5.00,
order-A-0001,1,P1,2024-02-01 10:00,1,9.90,{ID}
order-C-0003,1,P1,2024-02-01 10:00,1,9.90,{OTHER}
order-C-0003,2,P1,2024-02-01 10:00,none,9.90,{ID}
order-C-0003,3,P1,2024-02-01 10:00,1,9.90,{ID},too,many
order-D-0004,1,P1,2024-02-02 10:00,1,9.90,{OTHER}
""",
    "customers": f"""customer_id,registered_at,region,email_hash,phone_hash
{ID},2024-01-01,North,{"ab" * 32},{"cd" * 32}
{OTHER},2024-01-01,South,{"ef" * 32},
""",
    "events": f"""customer_id,event_type,product_id,occurred_at,session_id,event_id
{ID},view,P1,2024-02-01,visit-0001,event-0001
{ID},cart,P1,2024-02-01,visit-0001,
{OTHER},view,P1,2024-02-01,visit-0002,event-0002
""",
    "coupon_sends": f"""send_id,campaign_id,customer_id,sent_at,expires_at,discount_amount
send-0001,M1,{ID},2024-01-01,2024-02-01,5
send-0002,M1,{OTHER},2024-01-01,2024-02-01,5
""",
    "coupon_redemptions": """redemption_id,send_id,redeemed_at,paid_amount,order_id
redemption-0001,send-0001,2024-01-02,10,order-A-0001
redemption-0002,send-0002,2024-01-02,10,order-C-0003
redemption-0003,send-0002,2024-01-02,10,order-A-0001
""",
    "corrections": f"""correction_id,dataset,key,action,column,value,reason,author,corrected_at
one,order_lines,order-A-0001/1,set,quantity,2,typing error,kim,2024-03-02
two,order_lines,order-D-0004,set,customer_id,{ID},wrong account,kim,2024-03-02
three,customers,{ID},set,region,West,moved,kim,2024-03-02
four,order_lines,order-C-0003,set,country,UK,asked by {ID}.,kim,2024-03-02
five,coupon_redemptions,redemption-0001,set,paid_amount,9,typing error,kim,2024-03-02
six,products,P9,set,product_name,Cup,typing error,kim,2024-03-02
""",
}
#: Everything by which the person could be found.
NEEDLES = (ID, "ab" * 32, "cd" * 32, "order-A-0001", "order-B-0002", "order-D-0004", "send-0001")
NEEDLES += ("visit-0001", "event-0001", "redemption-0001", "redemption-0003")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "canonical"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text)
    made = Settings(landing_dir=folder, data_dir=tmp_path / "data", home_dir=tmp_path / "home")
    made.resolved_data_dir.mkdir()
    _load(made)
    return made


def _load(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as con:
        load_landing(con, settings)


def _raw(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every raw table that says something of a person."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as con:
        tables = [*CONTRACT, "rejected_rows"]
        ids = {"file_id": "", "_file_id": ""}
        rows = {}
        for table in tables:
            columns = [row[0] for row in con.execute(f"describe raw.{table}").fetchall()]
            shown = ", ".join(f'"{name}"' for name in columns if name not in ids)
            rows[table] = con.execute(f"select {shown} from raw.{table} order by all").fetchall()
    return rows


def _erase(settings: Settings, *ids: str) -> Any:
    return erase(settings, ids or (ID,), "asked for", SilentReporter())


def test_what_is_written_anew_is_what_a_load_makes_of_the_files(settings: Settings) -> None:
    before = _raw(settings)
    text = json.dumps(before, default=str)
    assert all(needle in text for needle in NEEDLES)

    done = _erase(settings)

    assert done.pseudonyms == ("erased-000001",)
    assert done.is_proved
    assert [path.name for path in done.landing_files] == [
        f"{name}.csv" for name in sorted(set(FILES) - {"coupon_redemptions"})
    ]
    erased = _raw(settings)
    text = json.dumps(erased, default=str)
    assert [needle for needle in NEEDLES if needle in text] == []
    assert OTHER in text
    assert "order-C-0003" in text
    assert {name: len(rows) for name, rows in erased.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    # The orders keep the order of their ids, so that ties are broken as they were.
    orders = {row[0] for row in erased["order_lines"]}
    assert orders == {
        "erased-000001-000001", "erased-000001-000002", "order-C-0003", "erased-000001-000003",
    }  # fmt: skip

    settings.warehouse_path.unlink()
    _load(settings)
    assert _raw(settings) == erased


def test_no_file_holds_the_id_its_hashes_or_what_was_deleted(settings: Settings) -> None:
    assert ID.encode() in settings.warehouse_path.read_bytes()
    _erase(settings)
    for path in settings.resolved_data_dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert [needle for needle in NEEDLES if needle.encode() in content] == [], path

    listed = read_suppression(settings)
    assert listed is not None
    assert [one["reason"] for one in listed.details] == ["asked for"]
    for path in (settings.erasures_path, settings.erasure_key_path):
        assert path.stat().st_mode & 0o777 == 0o600
    settings.erasure_key_path.unlink()
    with pytest.raises(CustomerValueError, match="would come back"):
        _load(settings)


def test_a_new_order_of_an_erased_customer_is_kept_out_too(settings: Settings) -> None:
    _erase(settings)
    header = FILES["order_lines"].splitlines()[0]
    (settings.resolved_landing_dir / "order_lines_2.csv").write_text(
        f"{header}\norder-E-0005,1,P1,2024-04-01 10:00,2,9.90,{ID}\n"
        f"order-E-0006,1,P1,2024-04-01 10:00,x,9.90,{ID}\n"
    )
    _load(settings)
    with duckdb.connect(str(settings.warehouse_path)) as con:
        rows = con.execute(
            "select customer_id, order_id from raw.order_lines where ordered_at >= '2024-04-01'"
        ).fetchall()
    assert [row[0] for row in rows] == ["erased-000001"]
    assert rows[0][1].startswith("erased-000001-x")
    content = settings.warehouse_path.read_bytes()
    assert ID.encode() not in content
    assert b"order-E-0005" not in content


def _publish(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema core")
        con.execute("create table core.dim_customers (customer_id varchar primary key, n int)")
        con.execute("comment on table core.dim_customers is 'One row per customer.'")
        con.execute("insert into core.dim_customers values ($1, 1), ($2, 2)", [ID, OTHER])
        con.execute("create view core.all_of_them as select * from core.dim_customers")


@pytest.mark.parametrize(
    "step", ["rewrite_warehouse", "rewrite_publication", "purge_dagster", "search_everything"]
)
def test_an_erasure_that_ends_in_the_middle_is_finished_by_the_next_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    _publish(settings.marts_path)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, step, end)
        with pytest.raises(KeyboardInterrupt):
            _erase(settings)
    journal = settings.erasure_journal_path
    assert journal.stat().st_mode & 0o777 == 0o600
    assert not holds(journal, NEEDLES)
    assert ID.encode().hex() not in journal.read_text()

    with warehouse_lock(settings, "a test"):
        finish_interrupted(settings, SilentReporter())

    assert not journal.exists()
    assert not any(search.found for search in search_everything(settings, NEEDLES))


def test_an_id_in_every_kind_of_file_is_found_and_removed(settings: Settings) -> None:
    root, home = settings.resolved_data_dir, settings.dagster_home
    (root / "logs").mkdir()
    (root / "logs" / "run.log").write_text(f"failed for customer {ID}.\n")
    (root / "logs" / "other.log").write_text("all well\n")
    (root / "audiences" / "2024").mkdir(parents=True)
    (root / "audiences" / "2024" / "lost.csv.gz").write_bytes(gzip.compress(ID.encode()))
    (root / "reports").mkdir()
    with duckdb.connect() as con:
        target = root / "reports" / "customers.parquet"
        con.execute(f"copy (select '{ID}' as customer_id) to '{target}'")
    kept = root / "publications" / "7.duckdb"
    _publish(kept)
    home.mkdir(parents=True)
    with closing(sqlite3.connect(home / "runs.db")) as con:
        con.execute("create table event_logs (run_id text, event text)")
        con.execute("insert into event_logs values ('r1', ?), ('r1', 'x'), ('r2', 'y')", [ID])
        con.commit()
    needles = (ID,)
    found = [place for search in search_everything(settings, needles) for place in search.found]
    for name in ("run.log", "lost.csv.gz", "customers.parquet", "7.duckdb", "runs.db"):
        assert any(name in place for place in found), name
    assert any("core.dim_customers.customer_id" in place for place in found)
    assert any("raw.order_lines.customer_id" in place for place in found)

    assert _erase(settings).is_proved

    assert not any(search.found for search in search_everything(settings, needles))
    assert ID.encode() not in kept.read_bytes()
    assert (root / "logs" / "other.log").exists()
    assert not (root / "logs" / "run.log").exists()
    with duckdb.connect(str(kept), read_only=True) as con:
        rows = con.execute("select * from core.all_of_them order by n").fetchall()
        comment = con.execute("select comment from duckdb_tables()").fetchone()
    assert rows == [("erased-000001", 1), (OTHER, 2)]
    assert comment == ("One row per customer.",)
    with closing(sqlite3.connect(home / "runs.db")) as con:
        assert con.execute("select * from event_logs").fetchall() == [("r2", "y")]


def test_a_short_id_counts_where_it_stands_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    for text, is_found in (
        ("x,17850,9", True),
        ("customer 17850.", True),
        ("17850.0", True),
        ("117850", False),
        ("17850.25", False),
        ("3.17850", False),
    ):
        file.write_text(text)
        assert holds(file, ["17850"]) is is_found, text


def test_unknown_customers_and_reasons_that_name_them_change_nothing(settings: Settings) -> None:
    before = settings.warehouse_path.read_bytes()
    with pytest.raises(CustomerValueError, match="customer-K7Q2-9999") as caught:
        _erase(settings, ID, "customer-K7Q2-9999")
    assert "core.dim_customers" in caught.value.way_out
    with pytest.raises(CustomerValueError, match="names a customer"):
        erase(settings, [ID], f"letter of {ID}", SilentReporter())
    assert not settings.erasures_path.exists()
    assert not settings.erasure_journal_path.exists()
    assert settings.warehouse_path.read_bytes() == before


def test_erasing_again_keeps_the_pseudonym(settings: Settings) -> None:
    _erase(settings, OTHER)
    assert _erase(settings, ID, OTHER).pseudonyms == ("erased-000002", "erased-000001")
