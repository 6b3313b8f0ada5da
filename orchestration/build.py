"""The one place where settings, assets and jobs meet.

Belongs here: assembling. Does not belong here: anything that is assembled.
"""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from orchestration.assets.audiences import build_audience_assets
from orchestration.assets.checks import build_checks, report_failed_landing
from orchestration.assets.clusters import build_cluster_assets
from orchestration.assets.dbt import build_dbt_assets
from orchestration.assets.published import build_published_assets
from orchestration.assets.raw import build_raw_assets
from orchestration.assets.report import build_report_asset
from orchestration.automation import build_jobs, build_schedules, build_sensors
from orchestration.dbt_runner import DbtProject
from orchestration.manifest import Manifest
from orchestration.progress import Reporter, SilentReporter
from orchestration.settings import DBT_PROJECT_DIR, Settings


def build_definitions(
    settings: Settings,
    *,
    manifest_path: Path | None = None,
    project: DbtProject | None = None,
    reporter: Reporter | None = None,
    is_full_refresh: bool = False,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """Assemble everything Dagster knows of this project, for one warehouse.

    Args:
        settings: the warehouse, its inputs and its options.
        manifest_path: the parsed dbt project; None: what the last run or ``make dev`` parsed.
        project: the dbt project to run; None: the shipped one.
        reporter: told of every step while a run is under way.
        is_full_refresh: whether dbt builds incremental models anew.
        loggers: where runs may log to; None: Dagster's own.

    Raises:
        CustomerValueError: the manifest is missing or broken.
    """
    project = project or DbtProject(settings)
    manifest = Manifest.read(manifest_path or _latest_manifest(project))
    reporter = reporter or SilentReporter()
    jobs = build_jobs()
    return dg.Definitions(
        assets=[
            build_raw_assets(settings, report_failed_landing(settings, manifest), reporter),
            *build_dbt_assets(settings, manifest, project, reporter, is_full_refresh),
            build_cluster_assets(settings, manifest, reporter),
            build_published_assets(settings, manifest, reporter),
            build_audience_assets(settings, reporter),
            build_report_asset(settings, reporter),
        ],
        asset_checks=build_checks(settings, manifest, reporter),
        jobs=jobs,
        schedules=build_schedules(settings, jobs),
        sensors=build_sensors(settings),
        loggers=loggers,
        executor=dg.in_process_executor,
    )


def _latest_manifest(project: DbtProject) -> Path:
    """The manifest of this data folder, or the one ``dbt parse`` left in the project."""
    if project.manifest_path.exists():
        return project.manifest_path
    return DBT_PROJECT_DIR / "target" / "manifest.json"
