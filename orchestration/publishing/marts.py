"""Publishing the marts: one DuckDB file, written aside and put in place at once.

Belongs here: copying the published schemas, their views and their descriptions into the file that
analysts open. Does not belong here: whether it may be published (``build_record.py``) and what the
run manifest says (``run_manifest.py``).
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.manifest import Node
from orchestration.progress import Reporter, SilentReporter
from orchestration.settings import Settings
from orchestration.warehouse import connect_warehouse, first_line

_SIDE = "side"

#: Schema and table.
Relation = tuple[str, str]


@dataclass(frozen=True)
class Publication:
    """What was published: the file, its size in bytes, rows per table (``schema.table``)."""

    path: Path
    size_bytes: int
    row_counts: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class _View:
    relation: Relation
    sql: str
    reads: frozenset[Relation]


def side_path(settings: Settings) -> Path:
    """The file that is being written; on the same disk as the one it replaces."""
    return settings.marts_path.with_name("marts.building.duckdb")


def remove_leftovers(settings: Settings) -> None:
    """Remove what a killed run left of a publication; call while holding the warehouse lock."""
    side = side_path(settings)
    for path in (side, side.with_name(side.name + ".wal")):
        path.unlink(missing_ok=True)


def publish_marts(
    settings: Settings,
    nodes: Iterable[Node],
    write_manifest: Callable[[duckdb.DuckDBPyConnection, str, Mapping[str, int]], None],
    reporter: Reporter | None = None,
) -> Publication:
    """Replace ``marts.duckdb`` by the present state of the published schemas.

    Readers of the earlier file keep it until they close it; a reader that opens the path sees
    either the old file or the new one, whole.

    Args:
        settings: the warehouse and the file to replace.
        nodes: published models, for the descriptions of tables and columns.
        write_manifest: writes schema ``meta`` into the attached side file; gets the connection, the
            name the side file is attached under, and the rows per table.
        reporter: told of every table.

    Raises:
        CustomerValueError: the file cannot be written, or a view cannot be carried over.
    """
    reporter = reporter or SilentReporter()
    started = time.monotonic()
    described = {node.relation: node for node in nodes}
    side = side_path(settings)
    with connect_warehouse(settings, "publishing the marts") as con:
        remove_leftovers(settings)
        try:
            row_counts = _write_side_file(con, side, described, write_manifest, reporter)
        except (duckdb.Error, OSError) as error:
            _detach(con)
            remove_leftovers(settings)
            raise CustomerValueError(
                f"The marts cannot be written to {side}: {first_line(error)}.",
                "The last publication is untouched. Free some space or choose another "
                "--data-dir, then run again.",
            ) from error
        _sync(side)
        side.replace(settings.marts_path)
        _sync(settings.marts_path.parent)
    return Publication(
        path=settings.marts_path,
        size_bytes=settings.marts_path.stat().st_size,
        row_counts=row_counts,
        seconds=time.monotonic() - started,
    )


def _write_side_file(
    con: duckdb.DuckDBPyConnection,
    side: Path,
    described: Mapping[Relation, Node],
    write_manifest: Callable[[duckdb.DuckDBPyConnection, str, Mapping[str, int]], None],
    reporter: Reporter,
) -> dict[str, int]:
    warehouse = str(con.execute("select current_database()").fetchall()[0][0])
    tables = _tables(con)
    views, copied = _sort_views(_views(con, warehouse), set(tables))
    con.execute(f"attach {_literal(str(side))} as {_SIDE}")
    for schema in sorted(
        {schema for schema, _ in [*tables, *copied, *(v.relation for v in views)]}
    ):
        con.execute(f"create schema {_SIDE}.{_quoted(schema)}")
    for schema, table in [*tables, *copied]:
        reporter.now(f"Publishing {schema}.{table}")
        name = f"{_quoted(schema)}.{_quoted(table)}"
        con.execute(f"create table {_SIDE}.{name} as select * from {_quoted(warehouse)}.{name}")
    # Names in a view's body are looked up in the database the view stands in.
    con.execute(f"use {_SIDE}")
    try:
        for view in views:
            schema, table = view.relation
            con.execute(f"create view {_quoted(schema)}.{_quoted(table)} as {view.sql}")
    finally:
        con.execute(f"use {_quoted(warehouse)}")
    relations = [*tables, *copied, *(view.relation for view in views)]
    row_counts = _row_counts(con, relations)
    view_names = {view.relation for view in views}
    for relation in relations:
        if relation in described:
            kind = "view" if relation in view_names else "table"
            _describe(con, relation, kind, described[relation])
    write_manifest(con, _SIDE, row_counts)
    con.execute(f"checkpoint {_SIDE}")
    con.execute(f"detach {_SIDE}")
    return row_counts


def _tables(con: duckdb.DuckDBPyConnection) -> list[Relation]:
    return [
        (schema, table)
        for schema, table in con.execute(
            """
            select schema_name, table_name
            from duckdb_tables()
            where database_name = current_database() and schema_name in (select unnest(?))
                and not starts_with(table_name, '__') and not ends_with(table_name, '__dbt_tmp')
                and not ends_with(table_name, '__dbt_backup')
            order by schema_name, table_name
            """,
            [list(PUBLISHED_SCHEMAS)],
        ).fetchall()
    ]


def _views(con: duckdb.DuckDBPyConnection, warehouse: str) -> list[_View]:
    return [
        _read_view(con, warehouse, (schema, name), sql)
        for schema, name, sql in con.execute(
            """
            select schema_name, view_name, sql
            from duckdb_views()
            where database_name = current_database() and not internal
                and schema_name in (select unnest(?))
                and not ends_with(view_name, '__dbt_tmp')
                and not ends_with(view_name, '__dbt_backup')
            order by schema_name, view_name
            """,
            [list(PUBLISHED_SCHEMAS)],
        ).fetchall()
    ]


def _read_view(
    con: duckdb.DuckDBPyConnection, warehouse: str, relation: Relation, sql: str
) -> _View:
    """The view's query without the name of the warehouse, and what it reads.

    The query is changed in DuckDB's own syntax tree, so that text is never mistaken for a name.
    """
    body = sql[sql.index(" AS ") + len(" AS ") :].strip().rstrip(";")
    serialized = con.execute("select json_serialize_sql(?)", [body]).fetchall()[0][0]
    tree = json.loads(serialized)
    reads: set[Relation] = set()
    for node in _walk(tree):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name"):
            reads.add((node["schema_name"], node["table_name"]))
            if node.get("catalog_name") == warehouse:
                node["catalog_name"] = ""
    rewritten = con.execute(
        "select json_deserialize_sql(cast(? as json))", [json.dumps(tree)]
    ).fetchall()[0][0]
    return _View(relation, str(rewritten), frozenset(reads))


def _walk(value: Any) -> Iterable[dict[str, Any]]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _sort_views(
    views: Sequence[_View], tables: set[Relation]
) -> tuple[list[_View], list[Relation]]:
    """Views in the order they can be created, and those that must become tables.

    A view that reads anything unpublished, itself or through another view, is copied as a table.
    """
    waiting = {view.relation: view for view in views}
    present = set(tables)
    ordered: list[_View] = []
    while True:
        ready = [view for view in waiting.values() if view.reads <= present]
        if not ready:
            break
        for view in ready:
            ordered.append(view)
            present.add(view.relation)
            del waiting[view.relation]
        if not waiting:
            break
    # What is left reads something unpublished; what only reads such a view could still be a
    # view, but copying it too keeps the rule simple.
    return ordered, sorted(waiting)


def _row_counts(con: duckdb.DuckDBPyConnection, relations: Sequence[Relation]) -> dict[str, int]:
    if not relations:
        return {}
    query = " union all ".join(
        f"select {index}, count(*) from {_SIDE}.{_quoted(schema)}.{_quoted(table)}"
        for index, (schema, table) in enumerate(relations)
    )
    counts = dict(con.execute(query).fetchall())
    return {f"{schema}.{table}": counts[index] for index, (schema, table) in enumerate(relations)}


def _describe(con: duckdb.DuckDBPyConnection, relation: Relation, kind: str, node: Node) -> None:
    """Carry the descriptions over as comments, where every DuckDB client can show them."""
    schema, table = relation
    name = f"{_SIDE}.{_quoted(schema)}.{_quoted(table)}"
    if node.description:
        con.execute(f"comment on {kind} {name} is {_literal(node.description)}")
    real = {
        column
        for (column,) in con.execute(
            """
            select column_name from duckdb_columns()
            where database_name = ? and schema_name = ? and table_name = ?
            """,
            [_SIDE, schema, table],
        ).fetchall()
    }
    for column, description in node.columns.items():
        if description and column in real:
            con.execute(f"comment on column {name}.{_quoted(column)} is {_literal(description)}")


def _detach(con: duckdb.DuckDBPyConnection) -> None:
    attached = con.execute("select database_name from duckdb_databases()").fetchall()
    if (_SIDE,) in attached:
        with contextlib.suppress(duckdb.Error):
            con.execute("rollback")
        con.execute(f"detach {_SIDE}")


def _sync(path: Path) -> None:
    """Have the disk keep the file, or the folder's entry, before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
