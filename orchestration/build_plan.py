"""What a build starts from: nothing, or the last publication, whose changed part is computed.

Belongs here: deciding between the two, and laying out the file that is built in. Does not belong
here: what has changed (``changes.py``) and what the models make of it
(``dbt_project/macros/incremental.sql``).
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import duckdb

from orchestration.backfill import Months
from orchestration.changes import BASE, write_changes, write_no_changes
from orchestration.fingerprint import Fingerprint
from orchestration.landing.ledger import read_marks
from orchestration.publishing.marts import remove_unpublished
from orchestration.publishing.run_manifest import RunManifest, read_run_manifest
from orchestration.publishing.seal import seal_build
from orchestration.restatement import write_first_publication, write_last_publication
from orchestration.settings import Settings
from orchestration.warehouse import connect_marts, connect_warehouse

Mode = Literal["full", "incremental"]


@dataclass(frozen=True)
class BuildPlan:
    """How the next build is made, and why (a few words for people)."""

    mode: Mode
    reason: str

    def __str__(self) -> str:
        return f"{self.mode} build ({self.reason})"


def plan_build(
    settings: Settings,
    made_from: Fingerprint,
    is_full_refresh: bool,
    recomputed: Months | None = None,
) -> BuildPlan:
    """Decide how to build, write schema ``changes`` and lay out the file that is built in.

    Args:
        settings: the warehouse, with the landing files loaded.
        made_from: what the build will follow from.
        is_full_refresh: whether everything is to be computed anew in any case.
        recomputed: months that are to be computed anew in any case.
    """
    with connect_warehouse(settings, "planning the build") as con:
        base = _read_base(settings)
        write_no_changes(con)
        if base is None:
            write_first_publication(con)
            reason: str | None = "nothing is published yet"
        else:
            with _attached_base(con, settings):
                write_last_publication(con, BASE, base, settings, made_from)
                reason = "asked for" if is_full_refresh else why_full(con, base, made_from)
                if reason is None:
                    reason = write_changes(con, base, settings.incremental_max_share, recomputed)
        mode: Mode = "full" if reason is not None else "incremental"
        con.execute("create or replace table changes.last_build (mode varchar)")
        con.execute("insert into changes.last_build values ($1)", [mode])
    remove_unpublished(settings)
    if reason is not None:
        return BuildPlan("full", reason)
    shutil.copyfile(settings.marts_path, settings.marts_build_path)
    seal_build(settings)
    also = f", and {recomputed}" if recomputed else ""
    return BuildPlan("incremental", f"only what has changed since the last publication{also}")


def prepare_partial_build(settings: Settings) -> bool:
    """Make ready to build some models alone, wholly, into the file of the last build.

    Returns:
        whether the tables they read may hold only a part, left by an incremental build, so that
        what lies upstream must be built with them.
    """
    with connect_warehouse(settings, "planning the build") as con:
        write_no_changes(con)
        con.execute("create table if not exists changes.last_build (mode varchar)")
        row = con.execute("select mode from changes.last_build").fetchone()
    if not settings.marts_build_path.exists() and settings.marts_path.exists():
        shutil.copyfile(settings.marts_path, settings.marts_build_path)
        seal_build(settings)
    return row is not None and row[0] == "incremental"


def _read_base(settings: Settings) -> RunManifest | None:
    if not settings.marts_path.exists():
        return None
    try:
        with connect_marts(settings.marts_path) as con:
            return read_run_manifest(con)
    except duckdb.Error:
        return None


def why_full(
    con: duckdb.DuckDBPyConnection, base: RunManifest, made_from: Fingerprint
) -> str | None:
    """Why the last publication cannot be built upon; None when it can."""
    if base.marks.warehouse_id != read_marks(con).warehouse_id:
        return "the warehouse is another one than the publication's, or customers have been erased"
    if base.code_digest != made_from.code:
        return "models, lookup tables or code have changed"
    if base.settings_digest != made_from.settings:
        return "settings have changed"
    if "core.dim_customers" not in base.row_counts:
        return "the publication is of an older form"
    return None


@contextmanager
def _attached_base(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[None]:
    path = str(settings.marts_path).replace("'", "''")
    con.execute(f"attach '{path}' as {BASE} (read_only)")
    try:
        yield
    finally:
        con.execute(f"detach {BASE}")
