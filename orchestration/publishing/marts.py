"""Publishing the marts: the file that was built beside the last publication takes its place.

dbt builds the published schemas in a DuckDB file of their own. Publishing finishes that file
(manifest, descriptions, views that work under any name) and renames it, so that no row is copied.

Belongs here: finishing and replacing. Does not belong here: what the file is built from
(``build_plan.py``), whether it may be published (``build_record.py``) and what the run manifest
says (``run_manifest.py``).
"""

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
from orchestration.publishing.kept import keep_published
from orchestration.publishing.seal import assert_sealed, remove_seal
from orchestration.settings import Settings
from orchestration.warehouse import MARTS, connect_warehouse, first_line

#: Schema and table.
Relation = tuple[str, str]

_LEFTOVERS = ("__dbt_tmp", "__dbt_backup")


@dataclass(frozen=True)
class Publication:
    """What was published: the file, its size in bytes, rows per stored table (``schema.table``)."""

    path: Path
    size_bytes: int
    row_counts: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class _View:
    relation: Relation
    sql: str
    reads: frozenset[Relation]


def remove_unpublished(settings: Settings) -> None:
    """Remove the file that a build has left unpublished; call while holding the warehouse lock."""
    path = settings.marts_build_path
    for left_over in (path, path.with_name(path.name + ".wal")):
        left_over.unlink(missing_ok=True)
    remove_seal(settings)


def publish_marts(
    settings: Settings,
    nodes: Iterable[Node],
    write_manifest: Callable[[duckdb.DuckDBPyConnection, str, Mapping[str, int]], None],
    reporter: Reporter | None = None,
) -> Publication:
    """Replace ``marts.duckdb`` by the file that was built.

    Readers of the earlier file keep it until they close it; a reader that opens the path sees
    either the old file or the new one, whole.

    Args:
        settings: the warehouse and the file to replace.
        nodes: published models, for the descriptions of tables and columns.
        write_manifest: writes schema ``meta`` into the built file; gets the connection, the name
            the file is attached under, and the rows per table.
        reporter: told of every table.

    Raises:
        CustomerValueError: nothing was built, the file cannot be written, or a view reads
            something that is not published.
    """
    reporter = reporter or SilentReporter()
    started = time.monotonic()
    described = {node.relation: node for node in nodes}
    built = settings.marts_build_path
    if not built.exists():
        raise CustomerValueError(
            f"There is no build to publish: {built} does not exist.",
            "Run the job `refresh`, or `customer-value run`.",
        )
    try:
        with connect_warehouse(settings, "publishing the marts", with_marts=True) as con:
            assert_sealed(settings)
            row_counts = _finish(con, described, write_manifest, reporter)
            con.execute(f"detach {MARTS}")
        _sync(built)
        keep_published(settings)
        built.replace(settings.marts_path)
        remove_seal(settings)
        _sync(settings.marts_path.parent)
    except (duckdb.Error, OSError) as error:
        raise CustomerValueError(
            f"The marts cannot be written to {built}: {first_line(error)}.",
            "The last publication is untouched. Free some space or choose another "
            "--data-dir, then run again.",
        ) from error
    return Publication(
        path=settings.marts_path,
        size_bytes=settings.marts_path.stat().st_size,
        row_counts=row_counts,
        seconds=time.monotonic() - started,
    )


def _finish(
    con: duckdb.DuckDBPyConnection,
    described: Mapping[Relation, Node],
    write_manifest: Callable[[duckdb.DuckDBPyConnection, str, Mapping[str, int]], None],
    reporter: Reporter,
) -> dict[str, int]:
    reporter.now("Publishing: views and descriptions")
    con.execute(f"use {MARTS}")
    _drop_leftovers(con)
    tables = _relations(con, "table")
    views = _in_order(_views(con), set(tables))
    for view in views:
        schema, table = view.relation
        con.execute(f"create or replace view {_quoted(schema)}.{_quoted(table)} as {view.sql}")
    row_counts = _row_counts(con, tables)
    kinds = dict.fromkeys(tables, "table") | {view.relation: "view" for view in views}
    _describe(con, kinds, described)
    con.execute(f"use {_quoted(_warehouse(con))}")
    write_manifest(con, MARTS, row_counts)
    con.execute(f"checkpoint {MARTS}")
    return row_counts


def _warehouse(con: duckdb.DuckDBPyConnection) -> str:
    """Name the warehouse file is attached under: the one that is not the marts."""
    names = con.execute(
        "select database_name from duckdb_databases() where not internal and database_name <> ?",
        [MARTS],
    ).fetchall()
    return str(names[0][0])


def _drop_leftovers(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what dbt leaves of a model whose building was interrupted."""
    for kind in ("view", "table"):
        for schema, name in _relations(con, kind, is_leftover=True):
            con.execute(f"drop {kind} {_quoted(schema)}.{_quoted(name)}")


def _relations(
    con: duckdb.DuckDBPyConnection, kind: str, is_leftover: bool = False
) -> list[Relation]:
    condition = " or ".join(f"ends_with({kind}_name, '{suffix}')" for suffix in _LEFTOVERS)
    return [
        (schema, name)
        for schema, name in con.execute(
            f"""
            select schema_name, {kind}_name
            from duckdb_{kind}s()
            where database_name = ? and not internal and schema_name in (select unnest(?))
                and ({condition}) = ?
            order by schema_name, {kind}_name
            """,
            [MARTS, list(PUBLISHED_SCHEMAS), is_leftover],
        ).fetchall()
    ]


def _views(con: duckdb.DuckDBPyConnection) -> list[_View]:
    wanted = set(_relations(con, "view"))
    return [
        _read_view(con, (schema, name), sql)
        for schema, name, sql in con.execute(
            "select schema_name, view_name, sql from duckdb_views() where database_name = ?",
            [MARTS],
        ).fetchall()
        if (schema, name) in wanted
    ]


def _read_view(con: duckdb.DuckDBPyConnection, relation: Relation, sql: str) -> _View:
    """The view's query without the name of its database, and what it reads.

    The query is changed in DuckDB's own syntax tree, so that text is never mistaken for a name.

    Raises:
        CustomerValueError: it reads another database, which analysts do not have.
    """
    body = sql[sql.index(" AS ") + len(" AS ") :].strip().rstrip(";")
    serialized = con.execute("select json_serialize_sql(?)", [body]).fetchall()[0][0]
    tree = json.loads(serialized)
    reads: set[Relation] = set()
    for node in _walk(tree):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name"):
            reads.add((node["schema_name"], node["table_name"]))
            if node.get("catalog_name") not in (MARTS, ""):
                raise CustomerValueError(
                    f"The view {'.'.join(relation)} reads {node['catalog_name']}."
                    f"{node['schema_name']}.{node['table_name']}, which is not published.",
                    "Materialise it as a table, or let it read published models only.",
                )
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


def _in_order(views: Sequence[_View], tables: set[Relation]) -> list[_View]:
    """Views, each after those that it reads."""
    waiting = {view.relation: view for view in views}
    present = set(tables)
    ordered: list[_View] = []
    while waiting:
        ready = [view for view in waiting.values() if view.reads <= present]
        for view in ready:
            ordered.append(view)
            present.add(view.relation)
            del waiting[view.relation]
        if not ready:
            view = min(waiting.values(), key=lambda one: one.relation)
            missing = ", ".join(".".join(relation) for relation in sorted(view.reads - present))
            raise CustomerValueError(
                f"The view {'.'.join(view.relation)} reads {missing}, which is not published.",
                "Build the whole project: run the job `refresh`, or `customer-value run`.",
            )
    return ordered


def _row_counts(con: duckdb.DuckDBPyConnection, tables: Sequence[Relation]) -> dict[str, int]:
    if not tables:
        return {}
    query = " union all ".join(
        f"select {index}, count(*) from {MARTS}.{_quoted(schema)}.{_quoted(table)}"
        for index, (schema, table) in enumerate(tables)
    )
    counts = dict(con.execute(query).fetchall())
    return {f"{schema}.{table}": counts[index] for index, (schema, table) in enumerate(tables)}


def _describe(
    con: duckdb.DuckDBPyConnection,
    kinds: Mapping[Relation, str],
    described: Mapping[Relation, Node],
) -> None:
    """Carry the descriptions over as comments, where every DuckDB client can show them.

    A table that an incremental build goes on with has its comments already.
    """
    relations = {
        (schema, name): comment or ""
        for schema, name, comment in con.execute(
            """
            select schema_name, table_name, comment from duckdb_tables() where database_name = $1
            union all
            select schema_name, view_name, comment from duckdb_views() where database_name = $1
            """,
            [MARTS],
        ).fetchall()
    }
    columns: dict[Relation, dict[str, str]] = {}
    for schema, name, column, comment in con.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns() "
        "where database_name = $1",
        [MARTS],
    ).fetchall():
        columns.setdefault((schema, name), {})[column] = comment or ""
    con.execute("begin")
    try:
        for relation, kind in kinds.items():
            if relation not in described:
                continue
            node = described[relation]
            name = f"{MARTS}.{_quoted(relation[0])}.{_quoted(relation[1])}"
            if node.description and node.description != relations[relation]:
                con.execute(f"comment on {kind} {name} is {_literal(node.description)}")
            for column, description in node.columns.items():
                if description and columns[relation].get(column, description) != description:
                    con.execute(
                        f"comment on column {name}.{_quoted(column)} is {_literal(description)}"
                    )
        con.execute("commit")
    except duckdb.Error:
        con.execute("rollback")
        raise


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
