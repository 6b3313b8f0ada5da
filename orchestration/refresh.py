"""One refresh, started by a person: is anything new, and if so the job, in this process.

Belongs here: the order of a run from the lock to the publication, and what must be cleaned up
before. Does not belong here: the steps themselves (assets) and what is printed (``cli.py``).

Dagster and dbt take seconds to import, so nothing here imports them before it is known that there
is something to do.
"""

import gc
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.backfill import BACKFILL_TAG, Months
from orchestration.cluster_model import ModelRequest
from orchestration.disk import explained_disk_errors
from orchestration.erasure.erase import finish_interrupted
from orchestration.fingerprint import fingerprint
from orchestration.progress import Reporter
from orchestration.publishing.marts import remove_unpublished
from orchestration.publishing.run_manifest import read_run_manifest
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.sources import ensure_demo_shop
from orchestration.warehouse import clear_temp, connect_marts, connect_warehouse, warehouse_lock


@dataclass(frozen=True)
class Outcome:
    """Whether anything had to be done."""

    is_changed: bool


def refresh(
    settings: Settings,
    reporter: Reporter,
    is_full_refresh: bool = False,
    project_dir: Path = DBT_PROJECT_DIR,
    clusters: ModelRequest | None = None,
    recomputed: Months | None = None,
) -> Outcome:
    """Load what is new, build, check and publish; or find that there is nothing to do.

    Args:
        settings: the warehouse and its inputs.
        reporter: told of every step.
        is_full_refresh: forget the warehouse and build everything from the landing folder.
        project_dir: the dbt project to build.
        clusters: whether clusters are fitted again, and taken whatever that moves; None: neither.
        recomputed: months to compute anew even if nothing is new.

    Raises:
        CustomerValueError: something a person can put right; the last publication stays.
    """
    clusters = clusters or ModelRequest()
    _assert_landing(settings)
    with explained_disk_errors(settings), warehouse_lock(settings, "refreshing"):
        finish_interrupted(settings, reporter)
        _clean_up(settings, is_full_refresh)
        _remember(settings)
        ensure_demo_shop(settings, reporter)
        reporter.now("Looking for anything new")
        is_asked_for = is_full_refresh or clusters.is_anything or recomputed is not None
        if not is_asked_for and is_up_to_date(settings):
            reporter.done("nothing new: no file, setting or model has changed; nothing loaded")
            _complete_report(settings, reporter)
            return Outcome(is_changed=False)
        tags = {BACKFILL_TAG: str(recomputed)} if recomputed else {}
        # What is imported and read for a start stays until the end: to look through it for garbage
        # time and again takes a second and finds nothing.
        gc.disable()
        try:
            _run_job(settings, reporter, is_full_refresh, project_dir, clusters, tags)
        finally:
            gc.enable()
            gc.unfreeze()
        return Outcome(is_changed=True)


def _complete_report(settings: Settings, reporter: Reporter) -> None:
    """Make the report where an earlier run has published the marts and could not make it."""
    from orchestration.publishing.report.write import is_current, write_report

    if not is_current(settings.marts_path, settings.report_path):
        report = write_report(settings.marts_path, settings.report_path)
        reporter.done(f"report of {report.charts} charts, {report.size_bytes / 1e6:,.1f} MB")


def _assert_landing(settings: Settings) -> None:
    """Find out that there is nothing to read before anything is written."""
    from orchestration.landing.files import find_landing_files

    if not settings.is_demo:
        find_landing_files(settings)


def is_up_to_date(settings: Settings) -> bool:
    """Whether a run would load nothing and publish what is published already.

    Raises:
        CustomerValueError: the landing folder or its profile is not there.
    """
    from orchestration.landing.load import plan_landing

    with connect_warehouse(settings, "looking for anything new") as con:
        plan = plan_landing(con, settings)
        if not (plan.is_up_to_date and settings.marts_path.exists()):
            return False
        now = fingerprint(con, settings)
    with connect_marts(settings.marts_path) as published:
        manifest = read_run_manifest(published)
    return manifest is not None and manifest.fingerprint == now.digest


def _clean_up(settings: Settings, is_full_refresh: bool) -> None:
    """Put away what a killed run may have left; the lock is held."""
    clear_temp(settings)
    remove_unpublished(settings)
    if is_full_refresh:
        for path in (settings.warehouse_path, Path(f"{settings.warehouse_path}.wal")):
            path.unlink(missing_ok=True)


def _remember(settings: Settings) -> None:
    """Note the data folder, so that ``status`` and ``query`` find it."""
    pointer = settings.current_pointer
    pointer.parent.mkdir(parents=True, exist_ok=True)
    aside = pointer.with_name(f"{pointer.name}.new")
    aside.write_text(f"{settings.resolved_data_dir}\n", encoding="utf-8")
    aside.replace(pointer)


def _run_job(
    settings: Settings,
    reporter: Reporter,
    is_full_refresh: bool,
    project_dir: Path,
    clusters: ModelRequest,
    tags: Mapping[str, str],
) -> None:
    reporter.now("Starting dbt and Dagster")
    from orchestration.assets.clusters import step_config
    from orchestration.automation import REFRESH
    from orchestration.build import build_definitions
    from orchestration.dagster_instance import command_line_instance, log_to_file, run_tags
    from orchestration.dbt_runner import DbtProject
    from orchestration.failures import error_of
    from orchestration.pruning import prune_after_run

    project = DbtProject(settings, project_dir, is_echoing=False)
    manifest_path = project.parse()
    log_path = settings.log_dir / "run.log"
    with log_to_file(log_path) as logger, command_line_instance(settings) as instance:
        definitions = build_definitions(
            settings,
            manifest_path=manifest_path,
            project=project,
            reporter=reporter,
            is_full_refresh=is_full_refresh,
            loggers={"file": logger},
        )
        job = definitions.resolve_job_def(REFRESH)
        reporter.done("dbt and Dagster are up")
        gc.freeze()
        gc.enable()
        result = job.execute_in_process(
            instance=instance,
            tags={**run_tags(settings), **tags},
            run_config={"loggers": {"file": {}}, **step_config(clusters)},
            raise_on_error=False,
        )
        prune_after_run(settings, instance, logging.getLogger("customer_value.run"))
    if not result.success:
        raise error_of(result, log_path)
