"""The run manifest: what a publication was made from, published beside the tables (schema meta).

Belongs here: writing it into the side file and reading it from published marts. Does not belong
here: the digests themselves (``fingerprint.py``).
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import duckdb

from orchestration.fingerprint import Fingerprint
from orchestration.landing.ledger import Marks, read_marks
from orchestration.settings import PROJECT_ROOT, Settings

_DISTRIBUTION = "customer-value"
_MARKS_COLUMNS = ("warehouse_id", "last_file_id", "last_removal")
_MANIFEST_COLUMNS = (
    "run_id", "published_at", "as_of_date", "settings", "fingerprint", "input_digest",
    "settings_digest", "code_digest", "code_version", "row_counts", *_MARKS_COLUMNS,
    "publication_number",
)  # fmt: skip


@dataclass(frozen=True)
class RunManifest:
    """What a publication was made from.

    ``row_counts`` is by ``schema.table``; ``marks`` says up to where it has seen the input.
    """

    run_id: str
    published_at: datetime
    as_of_date: date | None
    settings: Mapping[str, Any]
    fingerprint: str
    input_digest: str
    settings_digest: str
    code_digest: str
    code_version: str
    row_counts: Mapping[str, int]
    marks: Marks
    publication_number: int


def write_run_manifest(
    con: duckdb.DuckDBPyConnection,
    database: str,
    settings: Settings,
    fingerprint: Fingerprint,
    run_id: str,
    row_counts: Mapping[str, int],
) -> None:
    """Write ``meta.run_manifest`` (one row) and ``meta.input_files`` into an attached database.

    Args:
        con: connection to the warehouse.
        database: name the published file is attached under.
        settings: the settings of the run.
        fingerprint: what the tables were built from.
        run_id: the run that publishes.
        row_counts: rows per published table.
    """
    marks = read_marks(con)
    con.execute(f"create schema if not exists {database}.meta")
    con.execute(
        f"""
        create or replace table {database}.meta.run_manifest (
            run_id varchar,
            published_at timestamp,
            as_of_date date,
            settings json,
            fingerprint varchar,
            input_digest varchar,
            settings_digest varchar,
            code_digest varchar,
            code_version varchar,
            row_counts json,
            warehouse_id varchar,
            last_file_id bigint,
            last_removal bigint,
            publication_number bigint
        )
        """
    )
    con.execute(
        f"insert into {database}.meta.run_manifest values (" + ", ".join(["?"] * 14) + ")",
        [
            run_id,
            datetime.now(UTC).replace(tzinfo=None, microsecond=0),
            _as_of_date(con, settings),
            json.dumps(
                {
                    **settings.dbt_vars(),
                    **settings.model_settings(),
                    "profile": settings.profile,
                    "is_demo": settings.is_demo,
                }
            ),
            fingerprint.digest,
            fingerprint.inputs,
            fingerprint.settings,
            fingerprint.code,
            code_version(),
            json.dumps(dict(row_counts)),
            marks.warehouse_id,
            marks.last_file_id,
            marks.last_removal,
            _publication_number(con),
        ],
    )
    con.execute(
        f"""
        create or replace table {database}.meta.input_files as
        select
            path, profile, dataset, size_bytes, sha256, status, error,
            rows_read, rows_kept, rows_rejected, money_read, money_kept, money_rejected
        from raw.loaded_files
        order by path, dataset
        """
    )
    for table, comment in (
        ("run_manifest", "One row per publication (one): what the tables were made from."),
        ("input_files", "One row per landing file and dataset: digest, rows and money."),
    ):
        con.execute(f"comment on table {database}.meta.{table} is '{comment}'")


def read_run_manifest(con: duckdb.DuckDBPyConnection) -> RunManifest | None:
    """The manifest of published marts; None when the file has none or an older form of it."""
    try:
        rows = con.execute(
            f"select {', '.join(_MANIFEST_COLUMNS)} from meta.run_manifest"
        ).fetchall()
    except duckdb.Error:
        return None
    if len(rows) != 1:
        return None
    told: dict[str, Any] = dict(zip(_MANIFEST_COLUMNS, rows[0], strict=True))
    marks = Marks(*(told.pop(name) for name in _MARKS_COLUMNS))
    for name in ("settings", "row_counts"):
        told[name] = json.loads(told[name])
    return RunManifest(marks=marks, **told)


def code_version() -> str:
    """Version of the package, with the commit where the project is a git checkout."""
    try:
        released = version(_DISTRIBUTION)
    except PackageNotFoundError:
        released = "unknown"
    commit = _git_describe(PROJECT_ROOT)
    return f"{released} ({commit})" if commit else released


def _git_describe(folder: Path) -> str:
    if not (folder / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--tags"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _publication_number(con: duckdb.DuckDBPyConnection) -> int:
    """How many publications this one makes, as the plan of its build has noted."""
    try:
        rows = con.execute("select publication_number from changes.publication").fetchall()
    except duckdb.Error:
        rows = []
    return int(rows[0][0]) if rows else 1


def _as_of_date(con: duckdb.DuckDBPyConnection, settings: Settings) -> date | None:
    """The date everything was measured to, as the models worked it out."""
    try:
        rows = con.execute("select as_of_date from intermediate.int_reporting_period").fetchall()
    except duckdb.Error:
        rows = []
    return rows[0][0] if rows else settings.as_of_date
