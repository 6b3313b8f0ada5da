"""The ledger: the raw tables, and the memory of which file fed which rows.

Belongs here: creating raw tables, reading and writing ledger rows. Does not belong here: deciding
what is to be loaded (plan), loading (load).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.landing.contract import CONTRACT
from orchestration.landing.expressions import quote_name
from orchestration.landing.rejects import CREATE_REJECTED_ROWS

#: Rows of these files stand in the raw tables.
HELD = ("loaded", "gone")

_CREATE_LEDGER = """
create table if not exists raw.loaded_files (
    file_id bigint primary key, path varchar not null, profile varchar not null,
    dataset varchar not null, size_bytes bigint, modified_at timestamp, sha256 varchar,
    rows_read bigint not null, rows_kept bigint not null, rows_rejected bigint not null,
    money_read decimal(38, 4), money_kept decimal(38, 4), money_rejected decimal(38, 4),
    status varchar not null, error varchar, loaded_at timestamp, reading_key varchar
)
"""
#: What removed rows stood for, so that a build knows what to compute anew: for order lines one row
#: per order and customer, for corrections one per key, for other datasets one per removal.
_CREATE_REMOVED_ROWS = """
create table if not exists raw.removed_rows (
    removal_number bigint not null, dataset varchar not null, record_key varchar,
    customer_id varchar, dated_from timestamp
)
"""
#: One row. File ids and removal numbers are never given twice, so that a build can say up to where
#: it has seen the input; the warehouse's own id tells its numbers from those of another.
_CREATE_MARKS = """
create table if not exists raw.marks (
    warehouse_id varchar not null, last_file_id bigint not null, last_removal bigint not null
)
"""
_COLUMNS = (
    "file_id, path, profile, dataset, size_bytes, modified_at, sha256, rows_read, rows_kept, "
    "rows_rejected, money_read, money_kept, money_rejected, status, error, loaded_at, reading_key"
)


@dataclass(frozen=True)
class LedgerRow:
    """What is known of one file and dataset.

    ``status``: loaded (rows stand in raw), gone (so do they, but the file is not there any
    more), failed (nothing was taken), duplicate_content (its content was loaded from another
    file). A file whose new content failed has two rows: the earlier content's and the failure's.
    Money is the sum of quantity x unit_price, for order lines only.
    """

    file_id: int
    path: str
    profile: str
    dataset: str
    size_bytes: int
    modified_at: datetime
    sha256: str | None
    rows_read: int = 0
    rows_kept: int = 0
    rows_rejected: int = 0
    money_read: Decimal | None = None
    money_kept: Decimal | None = None
    money_rejected: Decimal | None = None
    status: str = "loaded"
    error: str | None = None
    loaded_at: datetime | None = None
    reading_key: str | None = None


def ensure_raw_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create the schema ``raw`` with all its tables, where they do not exist yet."""
    con.execute("create schema if not exists raw")
    con.execute(_CREATE_LEDGER)
    con.execute(CREATE_REJECTED_ROWS)
    con.execute(_CREATE_REMOVED_ROWS)
    con.execute(_CREATE_MARKS)
    con.execute(
        """
        insert into raw.marks
        select cast(uuid() as varchar), coalesce(max(file_id), 0), 0 from raw.loaded_files
        having not exists (select 1 from raw.marks)
        """
    )
    con.execute("create table if not exists raw.landing_source (landing_root varchar not null)")
    for dataset in CONTRACT.values():
        columns = ", ".join(
            f"{quote_name(column.name)} {column.type}" for column in dataset.columns
        )
        con.execute(f"create table if not exists raw.{dataset.name} ({columns}, _file_id bigint)")


def read_ledger(con: duckdb.DuckDBPyConnection) -> list[LedgerRow]:
    """Return every ledger row; none when the warehouse is new."""
    if not _has_ledger(con):
        return []
    rows = con.execute(f"select {_COLUMNS} from raw.loaded_files order by file_id").fetchall()
    return [LedgerRow(*row) for row in rows]


def has_unsettled_rows(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether refused records still stand in a raw table, since a load was interrupted."""
    tables = " or ".join(
        f"exists (select 1 from raw.{name} where _file_id < 0)" for name in CONTRACT
    )
    row = con.execute(f"select {tables}").fetchone()
    return bool(row and row[0])


def read_landing_root(con: duckdb.DuckDBPyConnection) -> Path | None:
    """Return the landing folder that filled this warehouse; None when it is new."""
    if not _has_ledger(con):
        return None
    row = con.execute("select landing_root from raw.landing_source").fetchone()
    return Path(row[0]) if row else None


def write_landing_root(con: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Remember which landing folder fills this warehouse."""
    con.execute("delete from raw.landing_source")
    con.execute("insert into raw.landing_source values ($1)", [str(root)])


def next_file_id(con: duckdb.DuckDBPyConnection) -> int:
    """Return the first file id that was never given."""
    return read_marks(con).last_file_id + 1


@dataclass(frozen=True)
class Marks:
    """Up to where the input has been seen: the last file id and the last removal, by warehouse."""

    warehouse_id: str
    last_file_id: int
    last_removal: int


def read_marks(con: duckdb.DuckDBPyConnection) -> Marks:
    """Return the marks of a warehouse whose raw tables exist."""
    rows = con.execute("select warehouse_id, last_file_id, last_removal from raw.marks").fetchall()
    return Marks(*rows[0])


def add_ledger_rows(con: duckdb.DuckDBPyConnection, rows: Sequence[LedgerRow]) -> None:
    """Add rows to the ledger."""
    if rows:
        con.execute(
            "update raw.marks set last_file_id = greatest(last_file_id, $1)",
            [max(row.file_id for row in rows)],
        )
    width = len(_COLUMNS.split(","))
    for start in range(0, len(rows), 200):
        block = rows[start : start + 200]
        marks = ", ".join(["(" + ", ".join(["?"] * width) + ")"] * len(block))
        con.execute(
            f"insert into raw.loaded_files ({_COLUMNS}) values {marks}",
            [value for row in block for value in _values(row)],
        )


def drop_ledger_rows(con: duckdb.DuckDBPyConnection, file_ids: Iterable[int]) -> None:
    """Forget ledger rows and their rejects; their raw rows are not touched."""
    ids = list(file_ids)
    if ids:
        con.execute("delete from raw.loaded_files where file_id in (select unnest($1))", [ids])
        con.execute("delete from raw.rejected_rows where file_id in (select unnest($1))", [ids])


def drop_raw_rows(con: duckdb.DuckDBPyConnection, dataset: str, file_ids: Iterable[int]) -> None:
    """Delete the raw rows of files, and note what they stood for."""
    ids = list(file_ids)
    if ids:
        noted = _REMOVED_KEYS.get(dataset, "select null, null, null from raw.{dataset}")
        con.execute("update raw.marks set last_removal = last_removal + 1")
        con.execute(
            f"""
            insert into raw.removed_rows
            select (select last_removal from raw.marks), $1, removed.*
            from (
                {noted.format(dataset=dataset)} where _file_id in (select unnest($2)) group by all
            ) as removed
            """,
            [dataset, ids],
        )
        con.execute(f"delete from raw.{dataset} where _file_id in (select unnest($1))", [ids])


#: Key, customer and first date of removed rows, by dataset.
_REMOVED_KEYS = {
    "order_lines": "select order_id, customer_id, min(ordered_at) from raw.{dataset}",
    "corrections": 'select "key", null, null from raw.{dataset}',
}


def _values(row: LedgerRow) -> tuple[object, ...]:
    return tuple(getattr(row, name.strip()) for name in _COLUMNS.split(","))


def _has_ledger(con: duckdb.DuckDBPyConnection) -> bool:
    row = con.execute(
        "select count(*) from information_schema.tables where table_schema = 'raw' "
        "and table_name in ('loaded_files', 'landing_source')"
    ).fetchone()
    return bool(row and row[0] == 2)
