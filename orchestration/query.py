"""Asking the published marts a question and printing the answer.

Belongs here: running one read-only statement and its three output formats. Does not belong here:
connecting (``warehouse.py``).
"""

import csv
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.errors import CustomerValueError
from orchestration.warehouse import connect_marts, first_line

_BATCH = 10_000


def run_query(
    path: Path, sql: str, output_format: str, limit: int, console: Console, out: TextIO
) -> None:
    """Run a statement on published marts and print what it returns.

    Args:
        path: the published file.
        sql: one statement.
        output_format: table, csv or json.
        limit: rows of a table that are shown; csv and json show all.
        console: where tables go.
        out: where csv and json go.

    Raises:
        CustomerValueError: nothing is published, or DuckDB does not accept the statement.
    """
    with connect_marts(path) as con:
        try:
            cursor = con.execute(sql)
            names = [column[0] for column in cursor.description or []]
            if output_format == "csv":
                _write_csv(cursor, names, out)
            elif output_format == "json":
                _write_json(cursor, names, out)
            else:
                _print_table(cursor, names, limit, console)
        except duckdb.Error as error:
            raise CustomerValueError(
                f"The query was not accepted: {first_line(error)}.",
                "The published tables are listed by `customer-value status`.",
            ) from error


def _write_csv(cursor: duckdb.DuckDBPyConnection, names: Sequence[str], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    while rows := cursor.fetchmany(_BATCH):
        writer.writerows(rows)


def _write_json(cursor: duckdb.DuckDBPyConnection, names: Sequence[str], out: TextIO) -> None:
    separator = "["
    while rows := cursor.fetchmany(_BATCH):
        for row in rows:
            record = dict(zip(names, row, strict=True))
            out.write(f"{separator}\n{json.dumps(record, default=_as_json, ensure_ascii=False)}")
            separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def _as_json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def _print_table(
    cursor: duckdb.DuckDBPyConnection, names: Sequence[str], limit: int, console: Console
) -> None:
    rows = cursor.fetchmany(limit + 1)
    table = Table()
    for index, name in enumerate(names):
        is_number = any(
            isinstance(row[index], int | float | Decimal) and not isinstance(row[index], bool)
            for row in rows
        )
        table.add_column(escape(name), justify="right" if is_number else "left")
    for row in rows[:limit]:
        table.add_row(*(escape(_as_text(value)) for value in row))
    console.print(table)
    if len(rows) > limit:
        console.print(f"The first {limit:,} rows; --limit shows more, --csv all.", highlight=False)


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)
