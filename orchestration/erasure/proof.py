"""The proof of an erasure: everything is searched for the id and its hashes, and counted.

Belongs here: searching. Does not belong here: changing anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.erasure.databases import publications
from orchestration.erasure.files import TELLING_LENGTH, dagster_files, holds, own_files
from orchestration.landing.expressions import quote_name
from orchestration.settings import Settings

#: Ends of names of columns in which a short text is an id of a customer, or a remark about one.
_NAMING = ("customer_id", "key", "value", "sources", "source", "reason", "message", "author")
#: Ids of records are looked for as whole words: one may begin or end like another.
_WORDS = r"'[[:alnum:]_.-]+'"
_RECORDS = ("order_id", "send_id", "key", "value")


@dataclass(frozen=True)
class Search:
    """One thing that was searched: what, how much of it, and where something was found."""

    what: str
    searched: str
    found: tuple[str, ...]


def search_everything(
    settings: Settings, needles: Sequence[str], records: Sequence[str] = ()
) -> tuple[Search, ...]:
    """Search every table and every file of ours for some texts.

    Args:
        settings: the data folder and Dagster's home.
        needles: ids and hashes. One shorter than 8 characters, such as 17850, may stand in other
            columns by chance: it is looked for in columns that name customers, and in files where
            it stands by itself.
        records: ids of orders and coupons, which are looked for in the tables.
    """
    databases = [
        path for path in (settings.warehouse_path, *publications(settings)) if path.exists()
    ]
    searches = [_search_tables(path, needles, records) for path in databases]
    for what, files in (
        ("bytes of files in the data folder", own_files(settings)),
        ("bytes of Dagster's storage", dagster_files(settings)),
    ):
        size = sum(path.stat().st_size for path in files)
        found = tuple(str(path) for path in files if holds(path, needles))
        searches.append(Search(what, f"{len(files):,} files, {size / 1e6:,.1f} MB", found))
    return tuple(searches)


def files_that_hold(folder: Path, needles: Sequence[str]) -> tuple[Path, ...]:
    """Files of somebody's landing folder (or the file itself) that hold one of the texts."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    return tuple(path for path in files if path.is_file() and holds(path, needles))


def _telling(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if len(text) >= TELLING_LENGTH]


def _search_tables(path: Path, needles: Sequence[str], records: Sequence[str]) -> Search:
    found: list[str] = []
    count = 0
    with duckdb.connect(str(path), read_only=True) as con:
        columns = con.execute(
            """
            select columns.schema_name, columns.table_name, columns.column_name
            from duckdb_columns() as columns
            inner join duckdb_tables() as tables using (database_name, schema_name, table_name)
            where
                columns.database_name = current_database()
                and columns.data_type in ('VARCHAR', 'JSON')
            order by columns.schema_name, columns.table_name, columns.column_index
            """
        ).fetchall()
        for schema, table, column in columns:
            count += 1
            exact = [
                *(needles if column.endswith(_NAMING) else ()),
                *(records if column.endswith(_RECORDS) else ()),
            ]
            row = con.execute(
                f"""
                select count(*)
                from (
                    select distinct cast({quote_name(column)} as varchar) as text
                    from {quote_name(schema)}.{quote_name(table)}
                )
                where
                    text in (select unnest(cast($1 as varchar[])))
                    or list_has_any(regexp_extract_all(text, {_WORDS}), cast($3 as varchar[]))
                    or exists (
                        select 1 from unnest(cast($2 as varchar[])) as searched(part)
                        where contains(text, part)
                    )
                """,
                [exact, _telling(needles), _telling(records)],
            ).fetchone()
            if row and row[0]:
                found.append(f"{schema}.{table}.{column} ({row[0]} values)")
    return Search(f"text columns of {path.name}", f"{count:,} columns", tuple(found))
