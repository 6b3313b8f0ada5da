"""Comparing publications table by table, row by row.

Belongs here: what differs between two published files. Does not belong here: which two files ought
to be equal.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.layers import PUBLISHED_SCHEMAS

#: Published schemas and tables that differ between a build upon a publication and one that starts
#: anew: what was restated is told from one publication to the next, and tests of an incremental
#: build read what it has touched.
NOT_INCREMENTAL: tuple[str, ...] = ("quality.rpt_restatements", "quality.rpt_check_results")


#: Rows that are about the files and not about what they hold.
_OF_FILES = {"quality.rpt_drift": "metric = 'rejected_share'"}


def differences(
    marts: Path,
    other: Path,
    without: Sequence[str] = NOT_INCREMENTAL,
    are_files_equal: bool = True,
) -> list[str]:
    """What two publications differ in: one line per table with the rows only one of them has.

    A row that stands twice in one and once in the other is a difference. Schema ``meta``, which
    says when and from what a publication was made, is not compared; nor are, where the same rows
    came in other files, the few rows that are about files.
    """
    with duckdb.connect() as con:
        for name, path in (("a", marts), ("b", other)):
            con.execute(f"attach '{path}' as {name} (read_only)")
        in_a, in_b = _columns(con, "a"), _columns(con, "b")
        found = [f"{name} is in one of them only" for name in sorted(in_a.keys() ^ in_b.keys())]
        for name in sorted(in_a.keys() & in_b.keys()):
            if name in without or name.split(".")[0] in without:
                continue
            if in_a[name] != in_b[name]:
                found.append(f"{name} has other columns: {in_a[name]} and {in_b[name]}")
                continue
            left_out = "false" if are_files_equal else _OF_FILES.get(name, "false")
            found += _different_rows(con, name, left_out)
        return found


def _columns(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[tuple[str, str]]]:
    tables: dict[str, list[tuple[str, str]]] = {}
    for name, column, data_type in con.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type
        from duckdb_columns()
        where database_name = ? and schema_name in (select unnest(?))
        order by schema_name, table_name, column_index
        """,
        [database, list(PUBLISHED_SCHEMAS)],
    ).fetchall():
        tables.setdefault(name, []).append((column, data_type))
    return tables


def _different_rows(con: duckdb.DuckDBPyConnection, name: str, left_out: str) -> list[str]:
    if rows_digest(con, f"(from a.{name} where not ({left_out}))") == rows_digest(
        con, f"(from b.{name} where not ({left_out}))"
    ):
        return []
    found = []
    for here, there in (("a", "b"), ("b", "a")):
        rows = con.execute(
            f"select * from (from {here}.{name} where not ({left_out}) "
            f"except all from {there}.{name} where not ({left_out})) limit 3"
        ).fetchall()
        found.append(f"{name}: only in {here}: {rows}")
    return found


def rows_digest(con: duckdb.DuckDBPyConnection, relation: str) -> tuple[int, int]:
    """What tells the rows of a relation from others whatever their order, also how often each is.

    Much quicker than comparing the rows, of which nearly all tables have the same.
    """
    (digest,) = con.execute(
        f"select count(*), coalesce(sum(cast(hash(rows) as hugeint)), 0) from {relation} as rows"
    ).fetchall()
    return digest[0], int(digest[1])
