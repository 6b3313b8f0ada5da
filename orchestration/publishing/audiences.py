"""Audiences: the customers of every segment as files that a marketing tool can read.

Belongs here: writing ``audiences/<scheme>/<segment>.csv`` from the published marts, with a manifest
that says what each file holds. Does not belong here: which customer belongs to which segment
(dbt models) and what is done for a segment (``seeds/segment_strategies.csv``).
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.publishing.run_manifest import read_run_manifest
from orchestration.settings import Settings
from orchestration.warehouse import connect_marts, first_line

MANIFEST = "manifest.json"

#: Columns of every file, in order; one row per customer, sorted by customer.
COLUMNS = (
    "customer_id",
    "snapshot_date",
    "segment",
    "rfm_code",
    "recency_days",
    "frequency",
    "monetary",
    "last_order_date",
)

_MEMBERS = """
create or replace temp table members as
select
    scores.scheme,
    scores.customer_id,
    scores.snapshot_date,
    scores.segment,
    scores.rfm_code,
    snapshots.recency_days,
    snapshots.frequency,
    snapshots.monetary,
    snapshots.last_order_date
from rfm.fct_rfm_scores as scores
inner join rfm.fct_rfm_snapshots as snapshots
    on
        scores.snapshot_date = snapshots.snapshot_date
        and scores.customer_id = snapshots.customer_id
where
    scores.snapshot_date = {snapshot_date}
    and snapshots.snapshot_date = {snapshot_date}
"""


@dataclass(frozen=True)
class Audiences:
    """What was written: the folder, and customers by scheme and segment."""

    folder: Path
    customers: Mapping[tuple[str, str], int]


def write_audiences(settings: Settings) -> Audiences:
    """Write the audiences of the published marts, in place of the earlier ones.

    Every segment of every scheme has a file, one without customers holds the header alone. The
    folder is written aside and then takes the place of the earlier one, so that nobody reads half
    of it.

    Args:
        settings: says where the publication is and where the audiences go.

    Raises:
        CustomerValueError: nothing is published, or the folder cannot be written.
    """
    folder = settings.audiences_dir
    aside = folder.with_name(f"{folder.name}.new")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        with connect_marts(settings.marts_path) as con:
            customers = _write(con, aside)
        _replace(folder, aside)
    except (duckdb.Error, OSError) as error:
        raise CustomerValueError(
            f"The audiences cannot be written to {folder}: {first_line(error)}.",
            "The marts are published. Free some space or make the folder writable, then run "
            "`customer-value audiences`.",
        ) from error
    return Audiences(folder, customers)


def _write(con: duckdb.DuckDBPyConnection, aside: Path) -> dict[tuple[str, str], int]:
    manifest = read_run_manifest(con)
    row = con.execute("select snapshot_date from rfm.dim_snapshots where is_as_of").fetchone()
    snapshot_date = row[0] if row else None
    literal = f"date '{snapshot_date}'" if snapshot_date else "null"
    con.execute(_MEMBERS.format(snapshot_date=literal))
    segments = con.execute(
        "select scheme, segment, name_en, name_zh from rfm.dim_segment_strategies "
        "order by scheme, segment_order, segment"
    ).fetchall()
    customers: dict[tuple[str, str], int] = {}
    files = []
    for scheme, segment, name_en, name_zh in segments:
        path = aside / _file_name(scheme) / f"{_file_name(segment)}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        target = str(path).replace("'", "''")
        row = con.execute(
            f"copy (select {', '.join(COLUMNS)} from members "
            "where scheme = $1 and segment = $2 order by customer_id) "
            f"to '{target}' (format csv, header)",
            [scheme, segment],
        ).fetchone()
        customers[scheme, segment] = int(row[0]) if row else 0
        files.append(
            {
                "scheme": scheme,
                "segment": segment,
                "name_en": name_en,
                "name_zh": name_zh,
                "file": path.relative_to(aside).as_posix(),
                "customers": customers[scheme, segment],
                "sha256": _digest(path),
            }
        )
    aside.mkdir(parents=True, exist_ok=True)
    said = {
        "run_id": manifest.run_id if manifest else None,
        "publication_number": manifest.publication_number if manifest else None,
        "snapshot_date": snapshot_date.isoformat() if snapshot_date else None,
        "columns": COLUMNS,
        "files": files,
    }
    text = json.dumps(said, ensure_ascii=False, indent=2)
    (aside / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
    return customers


def _replace(folder: Path, aside: Path) -> None:
    """Put the folder that was written in the place of the earlier one."""
    before = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(before, ignore_errors=True)
    if folder.exists():
        folder.rename(before)
    aside.rename(folder)
    shutil.rmtree(before, ignore_errors=True)


def _file_name(name: str) -> str:
    """A name of the lookup tables, which people edit, as one that every disk takes."""
    return re.sub(r"[^\w-]+", "_", name)


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
