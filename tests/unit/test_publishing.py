"""Publishing: what is copied, what is not, what a reader sees, and what a killed run leaves."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from orchestration.build_record import assert_publishable, end_build, start_build
from orchestration.dbt_runner import NodeResult
from orchestration.errors import CustomerValueError
from orchestration.fingerprint import Fingerprint
from orchestration.landing.load import ensure_raw_tables
from orchestration.manifest import Manifest, Node
from orchestration.publishing.kept import kept_publications
from orchestration.publishing.marts import Publication, publish_marts, remove_unpublished
from orchestration.publishing.run_manifest import read_run_manifest, write_run_manifest
from orchestration.publishing.seal import seal_build
from orchestration.settings import Settings
from orchestration.warehouse import connect_marts, connect_warehouse

MADE_FROM = Fingerprint(inputs="files", settings="settings", code="code")


def _node(schema: str, name: str, **columns: str) -> dict[str, object]:
    return {
        "unique_id": f"model.customer_value.{name}",
        "resource_type": "model",
        "name": name,
        "schema": schema,
        "fqn": ["customer_value", schema, name],
        "description": f"One row per '{name}'.",
        "config": {"materialized": "table"},
        "columns": {key: {"description": value} for key, value in columns.items()},
        "depends_on": {"nodes": []},
    }


@pytest.fixture
def nodes() -> list[Node]:
    manifest = Manifest(
        {
            "nodes": {
                "a": _node("core", "fct_orders", order_id="The order's id", absent="Not there"),
                "b": _node("lifecycle", "fct_customer_months", customer_id="Who"),
            },
            "sources": {},
        }
    )
    return manifest.of_type("model")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path)
    with connect_warehouse(settings, "testing") as con:
        ensure_raw_tables(con)
        con.execute(
            """
            create schema staging;
            create schema intermediate;
            create table raw.secrets as select 'private' as email;
            insert into raw.loaded_files by name
            select
                1 as file_id, 'a.csv' as path, 'canonical' as profile, 'order_lines' as dataset,
                10 as size_bytes, 'abc' as sha256, 'loaded' as status,
                2 as rows_read, 2 as rows_kept, 0 as rows_rejected,
                3.0 as money_read, 3.0 as money_kept, 0.0 as money_rejected;
            create table intermediate.int_reporting_period as
            select date '2024-05-31' as as_of_date;
            """
        )
    return settings


def _build(settings: Settings, order_count: int = 3) -> None:
    """What dbt leaves: tables and views of the published schemas in a file of their own."""
    with connect_warehouse(settings, "testing", with_marts=True) as con:
        con.execute(
            f"""
            create schema marts.core;
            create schema marts.lifecycle;
            create table marts.core.fct_orders as
            select i as order_id, 'marts.core.' || i as note from range({order_count}) as t (i);
            create table marts.core.fct_orders__dbt_tmp as select 1 as left_over;
            create view marts.core.z__dbt_backup as select 1 as left_over;
            -- z reads y, y reads a table: views in views, in an order that is not the names'.
            create view marts.lifecycle.y as select order_id, note from marts.core.fct_orders;
            create view marts.lifecycle.fct_customer_months as
            with named as (select * from "marts"."lifecycle"."y")
            select order_id as customer_id, 'from marts.core.x' as note from named;
            """
        )
    seal_build(settings)


def _write_manifest(
    con: duckdb.DuckDBPyConnection, database: str, row_counts: Mapping[str, int]
) -> None:
    settings = Settings(monetary_basis="gross")
    write_run_manifest(con, database, settings, MADE_FROM, "run-1", row_counts)


def _publish(settings: Settings, nodes: list[Node], order_count: int = 3) -> Publication:
    _build(settings, order_count)
    return publish_marts(settings, nodes, _write_manifest)


def test_only_published_schemas_are_in_the_file(settings: Settings, nodes: list[Node]) -> None:
    publication = _publish(settings, nodes)
    assert publication.row_counts == {"core.fct_orders": 3}
    con = duckdb.connect(str(settings.marts_path), read_only=True)
    tables = con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    assert sorted(tables) == [
        ("core", "fct_orders"), ("meta", "input_files"), ("meta", "run_manifest"),
    ]  # fmt: skip
    con.close()
    assert b"private" not in settings.marts_path.read_bytes()


def test_views_stay_views_and_work_under_any_name(
    settings: Settings, nodes: list[Node], tmp_path: Path
) -> None:
    _publish(settings, nodes)
    moved = tmp_path / "another name.duckdb"
    settings.marts_path.rename(moved)
    con = duckdb.connect()
    con.execute(f"attach '{moved}' as theirs (read_only)")
    rows = con.execute("select * from theirs.lifecycle.fct_customer_months order by 1").fetchall()
    views = con.execute(
        "select view_name from duckdb_views() where database_name = 'theirs' and not internal"
    ).fetchall()
    con.close()
    # The text that looks like a name is text still.
    assert rows == [(number, "from marts.core.x") for number in range(3)]
    assert sorted(views) == [("fct_customer_months",), ("y",)]


def test_descriptions_become_comments(settings: Settings, nodes: list[Node]) -> None:
    _publish(settings, nodes)
    con = duckdb.connect(str(settings.marts_path), read_only=True)
    tables = dict(con.execute("select table_name, comment from duckdb_tables()").fetchall())
    views = dict(con.execute("select view_name, comment from duckdb_views()").fetchall())
    columns = dict(
        con.execute(
            """
            select table_name || '.' || column_name, comment
            from duckdb_columns() where comment is not null
            """
        ).fetchall()
    )
    con.close()
    assert tables["fct_orders"] == "One row per 'fct_orders'."
    assert views["fct_customer_months"] == "One row per 'fct_customer_months'."
    assert columns == {
        "fct_orders.order_id": "The order's id",
        "fct_customer_months.customer_id": "Who",
    }


def test_a_changed_description_replaces_that_of_a_table_that_is_kept(
    settings: Settings, nodes: list[Node]
) -> None:
    _publish(settings, nodes)
    shutil.copyfile(settings.marts_path, settings.marts_build_path)
    seal_build(settings)
    changed = _node("core", "fct_orders", order_id="Another word", note="A new one")
    changed["description"] = "One row per order."
    manifest = Manifest({"nodes": {"a": changed}, "sources": {}})
    publish_marts(settings, manifest.of_type("model"), _write_manifest)
    with connect_marts(settings.marts_path) as con:
        assert con.execute(
            "select comment from duckdb_tables() where table_name = 'fct_orders'"
        ).fetchall() == [("One row per order.",)]
        assert con.execute(
            "select column_name, comment from duckdb_columns() where table_name = 'fct_orders'"
        ).fetchall() == [("order_id", "Another word"), ("note", "A new one")]


def test_the_manifest_says_what_the_file_was_made_from(
    settings: Settings, nodes: list[Node]
) -> None:
    _publish(settings, nodes)
    con = duckdb.connect(str(settings.marts_path), read_only=True)
    manifest = read_run_manifest(con)
    files = con.execute("select path, sha256, rows_kept from meta.input_files").fetchall()
    con.close()
    assert manifest is not None
    assert (manifest.run_id, str(manifest.as_of_date)) == ("run-1", "2024-05-31")
    assert manifest.settings["monetary_basis"] == "gross"
    assert manifest.fingerprint == MADE_FROM.digest
    assert manifest.row_counts["core.fct_orders"] == 3
    assert files == [("a.csv", "abc", 2)]


def test_a_reader_keeps_the_old_file_until_it_opens_the_new_one(
    settings: Settings, nodes: list[Node]
) -> None:
    _publish(settings, nodes)
    script = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True);"
        "count = lambda c: c.execute('select count(*) from core.fct_orders').fetchall()[0][0];"
        "print(count(con), flush=True); sys.stdin.readline(); print(count(con)); con.close();"
        "print(count(duckdb.connect(sys.argv[1], read_only=True)))"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", script, str(settings.marts_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "3\n"
    _publish(settings, nodes, order_count=2)
    rest, _ = reader.communicate("go\n")
    assert rest == "3\n2\n"


def test_what_a_killed_run_left_is_removed(settings: Settings) -> None:
    built = settings.marts_build_path
    built.write_bytes(b"half a database")
    built.with_name(f"{built.name}.wal").write_bytes(b"its log")
    remove_unpublished(settings)
    assert not list(settings.resolved_data_dir.glob("marts.building*"))


def test_the_publication_that_is_replaced_is_kept(settings: Settings, nodes: list[Node]) -> None:
    _publish(settings, nodes)
    first = settings.marts_path.stat().st_ino
    _publish(settings, nodes, order_count=2)
    kept = kept_publications(settings)
    # Both carry number 1, as no plan has given them another; what stands published is not listed.
    assert kept == []
    assert [path.stat().st_ino for path in settings.publications_dir.iterdir()] == [first]


def test_a_build_that_others_have_written_to_is_refused(
    settings: Settings, nodes: list[Node]
) -> None:
    _publish(settings, nodes)
    before = settings.marts_path.read_bytes()
    _build(settings)
    with connect_warehouse(settings, "testing", with_marts=True) as con:
        con.execute("insert into marts.core.fct_orders from marts.core.fct_orders")
    with pytest.raises(CustomerValueError, match="Another program"):
        publish_marts(settings, nodes, _write_manifest)
    remove_unpublished(settings)
    with connect_warehouse(settings, "testing", with_marts=True):
        pass
    with pytest.raises(CustomerValueError, match="Another program"):
        publish_marts(settings, nodes, _write_manifest)
    assert settings.marts_path.read_bytes() == before


def test_a_failed_publication_leaves_the_last_one(settings: Settings, nodes: list[Node]) -> None:
    _publish(settings, nodes)
    before = settings.marts_path.read_bytes()
    _build(settings)

    def fail(con: duckdb.DuckDBPyConnection, *_: object) -> None:
        raise duckdb.IOException("IO Error: No space left on device")

    with pytest.raises(CustomerValueError, match="No space left") as caught:
        publish_marts(settings, nodes, fail)
    assert "last publication is untouched" in caught.value.way_out
    assert settings.marts_path.read_bytes() == before


def test_without_a_build_nothing_is_published(settings: Settings, nodes: list[Node]) -> None:
    with pytest.raises(CustomerValueError, match="no build to publish"):
        publish_marts(settings, nodes, _write_manifest)
    assert not settings.marts_path.exists()


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        ("warehouse.staging.stg_orders", r"reads warehouse\.staging\.stg_orders"),
        ("marts.rfm.gone", r"reads rfm\.gone"),
    ],
)
def test_a_view_on_something_unpublished_is_refused(
    settings: Settings, nodes: list[Node], reads: str, message: str
) -> None:
    _build(settings)
    with connect_warehouse(settings, "testing", with_marts=True) as con:
        con.execute("create view warehouse.staging.stg_orders as select 1 as order_id")
        con.execute("create schema marts.rfm")
        con.execute("create table marts.rfm.gone as select 1 as order_id")
        con.execute(f"create view marts.core.from_elsewhere as select order_id from {reads}")
        con.execute("drop table marts.rfm.gone")
    seal_build(settings)
    with pytest.raises(CustomerValueError, match=message):
        publish_marts(settings, nodes, _write_manifest)
    assert not settings.marts_path.exists()


def _result(node: Node, status: str) -> NodeResult:
    return NodeResult(node.unique_id, node.name, "model", status, "", 0, 0.1, "")


def _other(made_from: Fingerprint) -> Fingerprint:
    return Fingerprint(inputs="more files", settings=made_from.settings, code=made_from.code)


def test_what_was_built_whole_and_passed_may_be_published(
    settings: Settings, nodes: list[Node]
) -> None:
    with connect_warehouse(settings, "testing") as con:
        start_build(con, MADE_FROM)
        end_build(con, MADE_FROM, [_result(node, "success") for node in nodes])
        assert_publishable(con, nodes, MADE_FROM)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("unfinished", "did not come to its end"),
        ("failed", r"failed in fct_orders"),
        ("skipped", r"failed in fct_orders"),
        ("missing", r"Not everything has been built yet: fct_orders"),
        ("outdated", r"have changed since fct_orders was built"),
        ("new input", r"have changed since fct_orders, fct_customer_months was built"),
    ],
)
def test_anything_else_may_not(
    settings: Settings, nodes: list[Node], case: str, message: str
) -> None:
    orders = next(node for node in nodes if node.name == "fct_orders")
    months = next(node for node in nodes if node.name != "fct_orders")
    with connect_warehouse(settings, "testing") as con:
        start_build(con, MADE_FROM)
        end_build(con, MADE_FROM, [_result(months, "success")])
        if case in ("failed", "skipped"):
            end_build(con, MADE_FROM, [_result(orders, "error" if case == "failed" else "skipped")])
        elif case == "outdated":
            end_build(con, _other(MADE_FROM), [_result(orders, "success")])
        elif case != "missing":
            end_build(con, MADE_FROM, [_result(orders, "success")])
        if case == "unfinished":
            start_build(con, MADE_FROM)
        now = _other(MADE_FROM) if case == "new input" else MADE_FROM
        with pytest.raises(CustomerValueError, match=message):
            assert_publishable(con, nodes, now)


def test_the_settings_in_the_manifest_are_those_that_move_numbers(
    settings: Settings, nodes: list[Node]
) -> None:
    _publish(settings, nodes)
    con = duckdb.connect(str(settings.marts_path), read_only=True)
    text = con.execute("select settings from meta.run_manifest").fetchall()[0][0]
    con.close()
    assert set(json.loads(text)) >= set(Settings().dbt_vars())
