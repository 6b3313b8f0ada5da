"""The raw assets: one per dataset of the input contract, plus the ledger and the rejected rows.

Belongs here: calling the landing load and showing what it did. Does not belong here: reading files.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.failures import failure, readable_failures
from orchestration.landing.contract import CONTRACT
from orchestration.layers import OWNER, RAW_SCHEMA
from orchestration.ledger_copy import write_ledger_copy
from orchestration.progress import Reporter
from orchestration.settings import Settings
from orchestration.sources import ensure_demo_shop
from orchestration.warehouse import connect_warehouse, warehouse_lock

if TYPE_CHECKING:
    from orchestration.landing.load import FileReport, LoadReport

LEDGER = "loaded_files"
REJECTED = "rejected_rows"

#: Run tag: files that were changed less than so many seconds ago are left for a later run.
SETTLE_TAG = "customer_value/settle_seconds"

_OWN_TABLES = {
    LEDGER: "One row per file and dataset that was read: its digest, its rows and its money, kept "
    "and rejected.",
    REJECTED: "One row per rejected row of a file: the column, the value, the reason, what to do "
    "and the columns of the row that the profile maps.",
}


def raw_key(table: str) -> dg.AssetKey:
    """Asset key of a raw table."""
    return dg.AssetKey([RAW_SCHEMA, table])


def build_raw_assets(
    settings: Settings, report_checks: Callable[[], None], reporter: Reporter
) -> dg.AssetsDefinition:
    """The raw assets of one landing source, loaded in one step.

    Args:
        settings: where the files are and which profile reads them.
        report_checks: called when files could not be read, after which no check runs.
        reporter: told of every step.
    """
    descriptions = {
        **{name: dataset.description for name, dataset in CONTRACT.items()},
        **_OWN_TABLES,
    }
    specs = [
        dg.AssetSpec(
            raw_key(table),
            description=description,
            group_name=RAW_SCHEMA,
            kinds={"duckdb", "file"},
            owners=[OWNER],
            skippable=True,
            metadata={"dagster/table_name": f"{RAW_SCHEMA}.{table}"},
        )
        for table, description in descriptions.items()
    ]

    @dg.multi_asset(name=RAW_SCHEMA, specs=specs, can_subset=True, pool="warehouse")
    def raw(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """Load the landing files into typed rows; good files load even when others fail."""
        chosen = {key.path[-1] for key in context.selected_asset_keys}
        datasets = sorted(chosen & set(CONTRACT))
        with readable_failures(settings.lock_retries):
            report = load(
                settings,
                None if chosen >= set(CONTRACT) else datasets,
                reporter,
                settle_seconds=float(context.run.tags.get(SETTLE_TAG, 0)),
            )
        for table in descriptions:
            if table in chosen:
                yield dg.MaterializeResult(
                    asset_key=raw_key(table), metadata=_metadata(report, table)
                )
        if report.failed:
            report_checks()
            raise failure(*describe_failed_files(report))

    return raw


def load(
    settings: Settings,
    datasets: list[str] | None,
    reporter: Reporter,
    settle_seconds: float = 0.0,
) -> "LoadReport":
    """Bring the warehouse's raw tables up to date with the landing folder.

    Args:
        datasets: datasets to load; None: all.
        settle_seconds: files that were changed less than so long ago are left for a later load.

    Raises:
        CustomerValueError: there is nothing to read or nothing to read it with.
    """
    from orchestration.erasure.erase import finish_interrupted
    from orchestration.landing.load import load_landing

    with warehouse_lock(settings, "loading landing files", wait_seconds=60):
        finish_interrupted(settings, reporter)
    ensure_demo_shop(settings, reporter)
    reporter.now("Reading the landing files")
    with connect_warehouse(settings, "loading landing files") as con:
        report = load_landing(con, settings, datasets, reporter.now, settle_seconds)
        write_ledger_copy(con, settings.ledger_copy_path)
    reporter.done(describe_load(report))
    for path in report.gone:
        reporter.warn(f"{path} is gone from the landing folder; its rows are kept.")
    for path in report.waiting:
        reporter.warn(f"{path} is still being written; a later run loads it.")
    return report


def describe_load(report: "LoadReport") -> str:
    """One line: files by what became of them, rows kept and rejected."""
    unread = []
    if report.unchanged_count:
        unread.append(f"{report.unchanged_count:,} unchanged")
    if report.failed:
        unread.append(f"{len(report.failed):,} failed")
    if report.waiting:
        unread.append(f"{len(report.waiting):,} still being written")
    if not report.loaded_count:
        return ", ".join(["no new file", *unread])
    loaded = f"{report.loaded_count:,} {_files(report.loaded_count)} loaded"
    rows = f"{report.rows_kept:,} rows kept, {report.rows_rejected:,} rejected"
    return f"{', '.join([loaded, *unread])} ({rows})"


def describe_failed_files(report: "LoadReport") -> tuple[str, str]:
    """What is wrong with the files that could not be read, and the way out."""
    failed = report.failed
    first = failed[0]
    more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
    return (
        f"{len(failed)} landing {_files(len(failed))} could not be loaded: "
        f"{first.path}: {first.error}{more}",
        "The other files are loaded; nothing is published until these are put right or removed.",
    )


def _files(count: int) -> str:
    return "file" if count == 1 else "files"


def _metadata(report: "LoadReport", table: str) -> dict[str, Any]:
    if table == LEDGER:
        return {
            "files_loaded": report.loaded_count,
            "files_unchanged": report.unchanged_count,
            "files_failed": len(report.failed),
            "files_gone": len(report.gone),
            "files_still_written": len(report.waiting),
        }
    if table == REJECTED:
        return {"rows_rejected": report.rows_rejected}
    files: list[FileReport] = [file for file in report.files if file.dataset == table]
    money = [file.money_kept for file in files if file.money_kept is not None]
    rejected = [file.money_rejected for file in files if file.money_rejected is not None]
    return {
        "rows_kept": sum(file.rows_kept or 0 for file in files),
        "rows_rejected": sum(file.rows_rejected or 0 for file in files),
        "files": len(files),
        **({"money_kept": float(sum(money))} if money else {}),
        **({"money_rejected": float(sum(rejected))} if rejected else {}),
    }
