"""Files of ours besides the DuckDB files: logs, reports, audiences, dbt's and Dagster's own.

A file that holds an erased id is removed; the next run writes it anew. Of Dagster's storage the
runs that hold it are removed.

Belongs here: finding and removing. Does not belong here: DuckDB files (``databases.py``).
"""

import gzip
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.landing.expressions import quote_name, quote_text
from orchestration.landing.ledger import read_landing_root
from orchestration.settings import Settings
from orchestration.warehouse import lock_path

#: A text of this length or more does not stand among other bytes by chance.
TELLING_LENGTH = 8
_OWN_FOLDERS = frozenset({"audiences", "dbt", "logs", "report", "reports", "tmp"})
_CHUNK_BYTES = 8 * 1024 * 1024
_SQLITE = b"SQLite format 3\0"


def landing_folder(settings: Settings) -> Path:
    """The landing folder (or file) that this warehouse was filled from."""
    if settings.warehouse_path.exists():
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as con:
            root = read_landing_root(con)
        if root is not None:
            return root
    return settings.resolved_landing_dir


def removable_files(settings: Settings) -> list[Path]:
    """Files of ours that the next run writes anew: in folders of ours and beside the warehouse."""
    root = settings.resolved_data_dir
    return [
        path
        for path in own_files(settings)
        if path.parent == root or path.relative_to(root).parts[0] in _OWN_FOLDERS
    ]


def own_files(settings: Settings) -> list[Path]:
    """Every file of the data folder that this project has written.

    Left out are what it reads (the landing folder, and what is known of a demo shop), and the list
    of erased customers with its key and journal, which hold keyed hashes and a masked text.
    """
    root = settings.resolved_data_dir
    foreign = [landing_folder(settings), settings.resolved_landing_dir, root / "truth"]
    private = {
        settings.erasures_path,
        settings.erasure_key_path,
        settings.erasure_journal_path,
        lock_path(settings),
    }
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and path not in private
        and not any(path == folder or folder in path.parents for folder in foreign)
    ]


def dagster_files(settings: Settings) -> list[Path]:
    """Every file of Dagster's storage."""
    return [path for path in sorted(settings.dagster_home.rglob("*")) if path.is_file()]


def holds(path: Path, needles: Sequence[str]) -> bool:
    """Whether a file holds one of the texts.

    Text, compressed text and Parquet are read; of DuckDB files the bytes are. A short text counts
    only where it stands by itself, and not in the bytes of a DuckDB file.
    """
    with path.open("rb") as stream:
        start = stream.read(16)
    if path.suffix == ".parquet" or start.startswith(b"PAR1"):
        return _parquet_holds(path, needles)
    is_database = start[8:12] == b"DUCK"
    wanted = [one for one in needles if len(one) >= TELLING_LENGTH] if is_database else needles
    return bool(wanted) and _bytes_hold(path, wanted, start.startswith(b"\x1f\x8b"))


def remove_files_that_hold(files: Sequence[Path], needles: Sequence[str]) -> list[Path]:
    """Remove files, DuckDB files excepted, that hold one of the texts; return which."""
    removed = []
    for path in files:
        if path.suffix != ".duckdb" and holds(path, needles):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def purge_dagster(settings: Settings, needles: Sequence[str]) -> list[Path]:
    """Remove what holds one of the texts from Dagster's storage; return the files changed.

    Raises:
        CustomerValueError: the storage is in use for writing.
    """
    changed = []
    run_ids: set[str] = set()
    files = dagster_files(settings)
    databases = [path for path in files if _is_sqlite(path)]
    side_files = {Path(f"{path}{suffix}") for path in databases for suffix in ("-wal", "-shm")}
    for path in remove_files_that_hold(
        [path for path in files if path not in databases and path not in side_files], needles
    ):
        changed.append(path)
    try:
        for path in databases:
            run_ids |= _runs_that_hold(path, needles)
        for path in databases:
            if _delete_from(path, run_ids, needles):
                changed.append(path)
    except sqlite3.Error as error:
        raise CustomerValueError(
            f"Dagster's storage {settings.dagster_home} cannot be written ({error}).",
            "Stop the Dagster UI and its daemon, then run the erasure again: it goes on where it "
            "stopped.",
        ) from error
    return changed


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(16) == _SQLITE


def _runs_that_hold(path: Path, needles: Sequence[str]) -> set[str]:
    """Ids of runs with a row, in any table, that holds one of the texts."""
    found: set[str] = set()
    with closing(sqlite3.connect(path, timeout=10)) as con:
        _teach(con, needles)
        for table, columns in _sqlite_tables(con):
            if "run_id" in columns:
                condition = _any_column_holds(columns)
                rows = con.execute(
                    f"select distinct run_id from {quote_name(table)} where {condition}"
                )
                found |= {run_id for (run_id,) in rows if run_id}
    return found


def _delete_from(path: Path, run_ids: set[str], needles: Sequence[str]) -> bool:
    """Delete rows of these runs, and rows that hold one of the texts; whether there were any."""
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as con:
        _teach(con, needles)
        deleted = 0
        for table, columns in _sqlite_tables(con):
            condition = _any_column_holds(columns)
            if "run_id" in columns and run_ids:
                listed = ", ".join(quote_text(run_id) for run_id in sorted(run_ids))
                condition = f"({condition}) or run_id in ({listed})"
            deleted += con.execute(f"delete from {quote_name(table)} where {condition}").rowcount
        con.execute("pragma wal_checkpoint(truncate)")
        if deleted or _bytes_hold(path, needles, is_compressed=False):
            con.execute("vacuum")
            con.execute("pragma wal_checkpoint(truncate)")
        return deleted > 0


def _teach(con: sqlite3.Connection, needles: Sequence[str]) -> None:
    pattern = re.compile(_pattern(needles))
    con.create_function(
        "holds_erased",
        1,
        lambda value: (
            value is not None
            and pattern.search(value if isinstance(value, bytes) else str(value).encode())
            is not None
        ),
    )


def _sqlite_tables(con: sqlite3.Connection) -> list[tuple[str, list[str]]]:
    names = con.execute("select name from sqlite_master where type = 'table'").fetchall()
    return [
        (name, [row[1] for row in con.execute(f"pragma table_info({quote_name(name)})")])
        for (name,) in names
        if not name.startswith("sqlite_")
    ]


def _any_column_holds(columns: Sequence[str]) -> str:
    return " or ".join(f"holds_erased({quote_name(column)})" for column in columns)


def _pattern(needles: Sequence[str]) -> bytes:
    """Bytes to search for; a short text must stand by itself, and not within a number."""
    alternatives = []
    for needle in needles:
        plain = re.escape(needle.encode())
        if len(needle) < TELLING_LENGTH:
            # Not within a word or a number; 17850.0 is how some programs write the id 17850.
            plain = rb"(?<![\w])(?<!\d\.)" + plain + rb"(?!\w|\.(?!0\b)\d)"
        alternatives.append(plain)
    return b"|".join(alternatives)


def _bytes_hold(path: Path, needles: Sequence[str], is_compressed: bool) -> bool:
    pattern = re.compile(_pattern(needles))
    overlap = max(len(needle.encode()) for needle in needles) + 2
    return any(pattern.search(chunk) for chunk in _chunks(path, overlap, is_compressed))


def _chunks(path: Path, overlap: int, is_compressed: bool) -> Iterator[bytes]:
    """The bytes of a file in large pieces, each with the end of the one before."""
    with gzip.open(path, "rb") if is_compressed else path.open("rb") as stream:
        tail = b""
        while chunk := stream.read(_CHUNK_BYTES):
            yield tail + chunk
            tail = (tail + chunk)[-overlap:]


def _parquet_holds(path: Path, needles: Sequence[str]) -> bool:
    with duckdb.connect() as con:
        source = f"read_parquet({quote_text(str(path))}, binary_as_string = true)"
        columns = [
            row[0]
            for row in con.execute(f"describe select * from {source}").fetchall()
            if row[1] == "VARCHAR"
        ]
        if not columns:
            return False
        condition = " or ".join(f"{quote_name(name)} in (select unnest($1))" for name in columns)
        row = con.execute(
            f"select count(*) from {source} where {condition}", [list(needles)]
        ).fetchone()
    return bool(row and row[0])
