"""Erasing a customer of a published shop: nothing of the person is left, and no figure moves.

Belongs here: whole publications, the command, kills. Does not belong here: single tables and kinds
of files (tests/unit/test_suppression.py).
"""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.erasure.erase import erase
from orchestration.erasure.proof import search_everything
from orchestration.errors import CustomerValueError
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.progress import SilentReporter
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import warehouse_lock
from tests.building import Builder, run_command
from tests.compiled_builds import CompiledBuild
from tests.killing import Reader
from tests.published_tables import differences, rows_digest
from tests.small_shops import copy_of, small_shop

#: Endings of columns that name a customer or an order; all others stay as they are.
_NAMES = ("customer_id", "order_id", "cancellation_id", "region", "record_key")


@pytest.fixture
def shop(build: Builder, tmp_path: Path) -> Settings:
    return copy_of(small_shop(build), tmp_path)


def _busiest(marts: Path) -> str:
    """The customer with most orders and returns, whom most tables name."""
    with duckdb.connect(str(marts), read_only=True) as con:
        row = con.execute(
            "select customer_id from core.dim_customers where cancelled_order_count > 0 "
            "and region is not null order by order_count desc, customer_id limit 1"
        ).fetchone()
    assert row is not None
    return str(row[0])


def _without_names(marts: Path, other: Path) -> list[str]:
    """Tables that differ between two publications in a column that names nobody."""
    found = []
    with duckdb.connect() as con:
        con.execute(f"attach '{marts}' as a (read_only)")
        con.execute(f"attach '{other}' as b (read_only)")
        tables = con.execute(
            "select schema_name, table_name, list(column_name order by column_index) "
            "from duckdb_columns() where database_name = 'a' "
            "and schema_name in (select unnest($1)) group by all order by all",
            [list(PUBLISHED_SCHEMAS)],
        ).fetchall()
        assert len(tables) > 30
        for schema, table, columns in tables:
            kept = [name for name in columns if not name.endswith(_NAMES)]
            shown = ", ".join(f'"{name}"' for name in kept) or "count(*)"
            here, there = (
                rows_digest(con, f"(select {shown} from {side}.{schema}.{table})") for side in "ab"
            )
            if here != there:
                found.append(f"{schema}.{table}")
    return found


def test_nothing_is_left_of_the_customer_and_no_figure_moves(
    shop: Settings, tmp_path: Path
) -> None:
    customer_id = _busiest(shop.marts_path)
    before = Path(shutil.copy2(shop.marts_path, tmp_path / "before.duckdb"))
    shop.publications_dir.mkdir()
    kept = Path(shutil.copy2(shop.marts_path, shop.publications_dir / "1.duckdb"))
    assert customer_id.encode() in shop.marts_path.read_bytes()

    with Reader(shop.marts_path, seconds=0.2) as reader:
        output = run_command(["erase", customer_id, "--reason", "letter"], shop).stdout

    assert output.count("nothing") == 5
    assert "canonical/customers.csv" in output
    assert reader.errors == []
    assert reader.reads > 0
    assert len(reader.seen) == 1, "a reader has seen figures move"
    for path in (shop.marts_path, shop.warehouse_path, kept):
        assert customer_id.encode() not in path.read_bytes(), path
    assert _without_names(before, shop.marts_path) == []
    assert differences(shop.marts_path, kept, without=()) == []
    with duckdb.connect(str(shop.marts_path), read_only=True) as con:
        erased = con.execute(
            "select region from core.dim_customers where customer_id = 'erased-000001'"
        ).fetchall()
    assert erased == [(None,)]

    # Built anew from the landing files, which still name the person, the tables are the same.
    whole = CompiledBuild(shop, "net")
    whole.land()
    tables = whole.tables("core", "lifecycle", "rfm", "sales")
    whole.build(list(tables))
    with duckdb.connect(str(shop.marts_path), read_only=True) as con:
        for table in tables.values():
            rows = con.execute(f"from {table} order by all").to_arrow_table()
            assert whole.in_order(table).equals(rows), table
    whole.close()


@pytest.mark.soak
def test_runs_after_an_erasure_publish_the_same_and_name_nobody(shop: Settings) -> None:
    customer_id = _busiest(shop.marts_path)
    erase(shop, [customer_id], "letter", SilentReporter())
    erased = Path(shutil.copy2(shop.marts_path, shop.resolved_data_dir.parent / "erased.duckdb"))

    # The landing files still name the person.
    run_command(["run", "--full-refresh"], shop)

    assert differences(shop.marts_path, erased, without=()) == []
    assert not any(search.found for search in search_everything(shop, [customer_id]))


@pytest.mark.soak
def test_an_erasure_that_is_killed_is_finished(shop: Settings) -> None:
    customer_id = _busiest(shop.marts_path)
    environment = shop.as_environment()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "erase", customer_id],
        env=environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    give_up = time.monotonic() + 60
    while not shop.erasure_journal_path.exists() and time.monotonic() < give_up:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL

    done = erase(shop, [customer_id], "letter", SilentReporter())

    assert done.pseudonyms == ("erased-000001",)
    assert done.is_proved
    assert not shop.erasure_journal_path.exists()
    assert list(shop.resolved_data_dir.rglob("*.erasing*")) == []


def test_the_command_says_who_is_unknown_and_who_is_at_work(shop: Settings) -> None:
    unknown = run_command(["erase", "nobody-at-all"], shop, check=False)
    assert unknown.returncode == 1
    assert "nobody-at-all" in unknown.stderr
    with warehouse_lock(shop, "another piece of work"):
        locked = run_command(["erase", _busiest(shop.marts_path)], shop, check=False)
    assert locked.returncode == 1
    assert "another piece of work" in locked.stderr
    assert not shop.erasures_path.exists()
    with pytest.raises(CustomerValueError, match="No customer is named"):
        erase(shop, [" "], "letter", SilentReporter())
