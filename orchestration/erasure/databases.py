"""DuckDB files without an erased customer: written anew, since freed blocks keep what stood there.

Belongs here: rewriting the warehouse and publications. Does not belong here: which ids are replaced
by what (``landing/suppression.py``), and searching (``proof.py``).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.landing.contract import CONTRACT
from orchestration.landing.expressions import quote_name, quote_text
from orchestration.landing.ledger import ensure_raw_tables
from orchestration.landing.rejects import settle_rejected_rows, withheld_line_sql
from orchestration.landing.suppression import (
    WITHHELD,
    Suppression,
    customer_sql,
    derived_sql,
    key_sql,
    mentions_sql,
    record_sql,
    replacements,
    suppressing,
)
from orchestration.settings import Settings
from orchestration.warehouse import duckdb_config

_WORKING = ".erasing"
_RECORD_KINDS = {
    "order_id": "order",
    "send_id": "send",
    "event_id": "event",
    "session_id": "session",
    "redemption_id": "redemption",
}
_KEY_COLUMNS = frozenset({"record_key", "key"})
#: Schemas of a publication whose texts are remarks, which may name somebody in passing.
_REMARKS = frozenset({"quality", "meta"})


def publications(settings: Settings) -> list[Path]:
    """Every publication of this data folder: the present one and those that are kept."""
    kept = sorted(settings.publications_dir.rglob("*.duckdb"))
    return [path for path in (settings.marts_path, *kept) if path.exists()]


def rewrite_warehouse(settings: Settings, suppression: Suppression) -> None:
    """Put a warehouse in place that holds the raw tables alone, erased customers replaced.

    The next run builds all models from them. The new warehouse has an id of its own, so that no
    build starts from tables that are not there.
    """
    path = settings.warehouse_path
    if not path.exists():
        return
    _settle(settings, path)
    with _fresh_file(path) as fresh, _connect(settings, fresh) as con:
        con.execute("set preserve_insertion_order = true")
        ensure_raw_tables(con)
        con.execute(f"attach {quote_text(str(path))} as old (read_only)")
        with suppressing(con, suppression):
            for table in _tables(con, "old", "raw"):
                _copy_raw_table(con, table)
        con.execute("update raw.marks set warehouse_id = cast(uuid() as varchar)")
        con.execute("detach old")
        con.execute("checkpoint")


def rewrite_publication(settings: Settings, path: Path, suppression: Suppression) -> None:
    """Put a publication in place in which erased customers are replaced; readers see old or new."""
    working = path.with_name(f"{path.name}{_WORKING}-work")
    _remove(working)
    try:
        with _connect(settings, working) as con:
            con.execute(f"attach {quote_text(str(path))} as old (read_only)")
            con.execute(f"copy from database old to {quote_name(_name(con))}")
            con.execute("detach old")
            with suppressing(con, suppression):
                for schema, table in _published_tables(con):
                    _replace_in_table(con, schema, table)
            con.execute("checkpoint")
        # Replaced values are still in the blocks of this file, so that it is copied once more.
        with _fresh_file(path) as fresh, _connect(settings, fresh) as con:
            con.execute(f"attach {quote_text(str(working))} as old (read_only)")
            con.execute(f"copy from database old to {quote_name(_name(con))}")
            con.execute("detach old")
            con.execute("checkpoint")
    finally:
        _remove(working)


def remove_unfinished(settings: Settings) -> None:
    """Remove files that an erasure which was killed has left half written."""
    for folder in (settings.resolved_data_dir, settings.publications_dir):
        for left_over in folder.glob(f"*{_WORKING}*"):
            left_over.unlink(missing_ok=True)


def _settle(settings: Settings, path: Path) -> None:
    """Finish what a killed load or run has left in the file, its write-ahead log included."""
    with _connect(settings, path) as con:
        ensure_raw_tables(con)
        for dataset in CONTRACT:
            settle_rejected_rows(con, dataset)
        con.execute("checkpoint")


def _copy_raw_table(con: duckdb.DuckDBPyConnection, table: str) -> None:
    source = f"old.raw.{quote_name(table)}"
    changed = _raw_replacements(table)
    columns = [name for name, _ in _columns(con, "old", "raw", table)]
    items = ", ".join(changed.get(name, quote_name(name)) for name in columns)
    names = ", ".join(quote_name(name) for name in columns)
    con.execute(f"delete from raw.{quote_name(table)}")
    con.execute(f"insert into raw.{quote_name(table)} ({names}) select {items} from {source}")


def _raw_replacements(table: str) -> dict[str, str]:
    """SQL of the columns of a raw table that change."""
    if table in CONTRACT:
        return replacements(table, quote_name)
    if table == "removed_rows":
        owner = customer_sql("customer_id")
        derived = derived_sql("order", "record_key", owner)
        return {
            "customer_id": f"coalesce({owner}, customer_id)",
            "record_key": f"coalesce({key_sql('record_key')}, {customer_sql('record_key')}, "
            f"{derived}, record_key)",
        }
    if table == "rejected_rows":
        # Lines that are no records have no columns to look into.
        is_line = "row_json->>'line' is not null"
        is_named = f"({mentions_sql('row_json')} or {mentions_sql('value')})"
        withheld = withheld_line_sql("(row_json->>'line')")
        quoted = "'''' || value || ''' '"
        return {
            "value": f"case when not {is_named} then value end",
            "message": f"case when {is_named} and value is not null "
            f"then replace(message, {quoted}, '') else message end",
            "row_json": f"case when {is_line} then {withheld} "
            f"when not {is_named} then row_json end",
        }
    if table == "loaded_files":
        return {"error": f"case when {mentions_sql('error')} then '{WITHHELD}' else error end"}
    return {}


def _replace_in_table(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    name = f"{quote_name(schema)}.{quote_name(table)}"
    columns = [
        column
        for column, data_type in _columns(con, _name(con), schema, table)
        if data_type == "VARCHAR"
    ]
    changed = {}
    for column in columns:
        replaced = _published_value(column, columns, schema)
        if replaced is not None:
            changed[column] = replaced
    for column, replaced in changed.items():
        quoted = quote_name(column)
        con.execute(
            f"update {name} set {quoted} = {replaced} where ({replaced}) is distinct from {quoted}"
        )


def _published_value(column: str, columns: list[str], schema: str) -> str | None:
    """SQL of what stands in a published column instead; None when it names nobody."""
    quoted = quote_name(column)
    if column == "customer_id" or column.endswith("_customer_id"):
        return f"coalesce({customer_sql(quoted)}, {quoted})"
    for suffix, kind in _RECORD_KINDS.items():
        if column == suffix or column.endswith(f"_{suffix}"):
            return f"coalesce({record_sql(kind, quoted)}, {quoted})"
    if column in _KEY_COLUMNS:
        return f"coalesce({key_sql(quoted)}, {customer_sql(quoted)}, {quoted})"
    if column == "cancellation_id":
        part = key_sql("part")
        return (
            f"list_aggregate(list_transform(string_split({quoted}, '>'), "
            f"lambda part: coalesce({part}, part)), 'string_agg', '>')"
        )
    if column == "region" and "customer_id" in columns:
        # Customers are replaced first or afterwards; both forms of the id say who it is.
        is_erased = (
            f"{customer_sql('customer_id')} is not null "
            "or list_contains(getvariable('erased_customer_names'), customer_id)"
        )
        return f"case when not coalesce({is_erased}, false) then region end"
    if schema in _REMARKS:
        return f"case when {mentions_sql(quoted)} then '{WITHHELD}' else {quoted} end"
    return None


@contextmanager
def _fresh_file(path: Path) -> Iterator[Path]:
    """A new file that takes the place of another one at once, when it is whole."""
    fresh = path.with_name(f"{path.name}{_WORKING}")
    _remove(fresh)
    yield fresh
    for target in (fresh, fresh.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    Path(f"{path}.wal").unlink(missing_ok=True)
    fresh.replace(path)


@contextmanager
def _connect(settings: Settings, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    settings.resolved_temp_dir.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(str(path), config=duckdb_config(settings))
    try:
        con.execute("set TimeZone = 'UTC'")
        con.execute("set enable_progress_bar = false")
        yield con
    finally:
        con.close()


def _remove(path: Path) -> None:
    for one in (path, Path(f"{path}.wal")):
        one.unlink(missing_ok=True)


def _name(con: duckdb.DuckDBPyConnection) -> str:
    return str(con.execute("select current_database()").fetchall()[0][0])


def _tables(con: duckdb.DuckDBPyConnection, database: str, schema: str) -> list[str]:
    rows = con.execute(
        "select table_name from duckdb_tables() where database_name = $1 and schema_name = $2 "
        "order by table_name",
        [database, schema],
    ).fetchall()
    return [name for (name,) in rows]


def _published_tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return [
        (schema, table)
        for schema, table in con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = $1 "
            "order by schema_name, table_name",
            [_name(con)],
        ).fetchall()
    ]


def _columns(
    con: duckdb.DuckDBPyConnection, database: str, schema: str, table: str
) -> list[tuple[str, str]]:
    rows = con.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = $1 and schema_name = $2 and table_name = $3 order by column_index",
        [database, schema, table],
    ).fetchall()
    return [(name, data_type) for name, data_type in rows]
