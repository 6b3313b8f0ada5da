"""Reading published marts into the exhibits of the report.

Belongs here: running each exhibit's SQL and having its functions speak about the rows. Does not
belong here: HTML (``page.py``) and files (``write.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.publishing.report.exhibits import (
    Card,
    Exhibit,
    Figure,
    Rows,
    Section,
    Words,
    words,
)
from orchestration.publishing.run_manifest import RunManifest, read_run_manifest
from orchestration.warehouse import first_line

_NO_ROWS = Rows((), ())


@dataclass(frozen=True)
class Shown:
    """An exhibit with what the published file says of it.

    ``rows`` is empty where there is nothing to show; ``reading`` then says so.
    """

    exhibit: Exhibit
    rows: Rows
    reading: Words
    figure: Figure | None
    cards: Sequence[Card]


@dataclass(frozen=True)
class Contents:
    """Everything a page is made from; ``sections`` keep the order of the catalogue."""

    manifest: RunManifest | None
    sections: Sequence[tuple[Section, Sequence[Shown]]]
    input_files: int

    @property
    def shown(self) -> list[Shown]:
        """All exhibits in order."""
        return [shown for _, part in self.sections for shown in part]


def read_contents(con: duckdb.DuckDBPyConnection, sections: Sequence[Section]) -> Contents:
    """Read everything that the report shows.

    Args:
        con: a read-only connection to published marts.
        sections: what to show.

    Raises:
        CustomerValueError: an exhibit does not fit the published tables; it is named.
    """
    present = _relations(con)
    filled = [
        (section, [show(con, exhibit, present) for exhibit in section.exhibits])
        for section in sections
    ]
    return Contents(read_run_manifest(con), filled, _input_files(con, present))


def show(con: duckdb.DuckDBPyConnection, exhibit: Exhibit, present: set[str]) -> Shown:
    """An exhibit with its rows; with a sentence in place of them where there are none.

    Args:
        con: a read-only connection to published marts.
        exhibit: what to show.
        present: tables and views of the file, as ``schema.table``.

    Raises:
        CustomerValueError: the SQL does not fit the tables, or returns more rows than a page holds.
    """
    missing = [table for table in exhibit.tables if table not in present]
    if missing:
        tables = ", ".join(missing)
        absent = words(f"This publication does not hold {tables}.", f"本次发布中没有 {tables}。")
        return Shown(exhibit, _NO_ROWS, absent, None, ())
    rows = read_rows(con, exhibit)
    if not len(rows):
        return Shown(exhibit, rows, exhibit.empty, None, ())
    return Shown(
        exhibit,
        rows,
        exhibit.reading(rows),
        exhibit.figure(rows) if exhibit.figure else None,
        exhibit.cards(rows) if exhibit.cards else (),
    )


def read_rows(con: duckdb.DuckDBPyConnection, exhibit: Exhibit) -> Rows:
    """Run an exhibit's SQL.

    Raises:
        CustomerValueError: the SQL does not fit the tables, or returns more rows than a page holds.
    """
    try:
        cursor = con.execute(exhibit.sql)
        records = cursor.fetchmany(exhibit.max_rows + 1)
    except duckdb.Error as error:
        raise CustomerValueError(
            f"The report's chart {exhibit.id} does not fit the published tables: "
            f"{first_line(error)}.",
            "The marts are published and whole; the chart's SQL must follow the tables.",
        ) from error
    if len(records) > exhibit.max_rows:
        raise CustomerValueError(
            f"The report's chart {exhibit.id} returns more than {exhibit.max_rows:,} rows of "
            f"{', '.join(exhibit.tables)}.",
            "The marts are published and whole; the chart's SQL must aggregate further.",
        )
    columns = tuple(str(column[0]) for column in cursor.description or ())
    return Rows(columns, tuple(tuple(record) for record in records))


def _relations(con: duckdb.DuckDBPyConnection) -> set[str]:
    found: list[tuple[Any, ...]] = con.execute(
        """
        select schema_name, table_name from duckdb_tables() where not internal
        union all
        select schema_name, view_name from duckdb_views() where not internal
        """
    ).fetchall()
    return {f"{schema}.{name}".lower() for schema, name in found}


def _input_files(con: duckdb.DuckDBPyConnection, present: set[str]) -> int:
    if "meta.input_files" not in present:
        return 0
    query = "select count(distinct path) from meta.input_files where status in ('loaded', 'gone')"
    return int(con.execute(query).fetchall()[0][0])
