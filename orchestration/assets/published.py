"""The published marts as an asset.

Belongs here: the step that publishes, its conditions and its metadata. Does not belong here: how
the file is written (``publishing/marts.py``).
"""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg
import duckdb

from orchestration.build_record import Required, assert_publishable
from orchestration.checks.report import CheckReport
from orchestration.failures import readable_failures
from orchestration.fingerprint import Fingerprint, fingerprint
from orchestration.layers import OWNER
from orchestration.manifest import Manifest
from orchestration.progress import Reporter
from orchestration.publishing.marts import Publication, publish_marts
from orchestration.publishing.run_manifest import read_run_manifest, write_run_manifest
from orchestration.publishing.seal import assert_sealed, seal_build
from orchestration.settings import Settings
from orchestration.warehouse import connect_marts, connect_warehouse, warehouse_lock

MARTS_KEY = dg.AssetKey(["published", "marts"])


def build_published_assets(
    settings: Settings, manifest: Manifest, reporter: Reporter
) -> dg.AssetsDefinition:
    """The asset that publishes the marts.

    Args:
        settings: the warehouse and the file to publish.
        manifest: says what is published and what must have passed.
        reporter: told when it is done.
    """

    @dg.asset(
        key=MARTS_KEY,
        deps=[dg.AssetKey(list(node.relation)) for node in manifest.published],
        group_name="published",
        kinds={"duckdb"},
        owners=[OWNER],
        pool="warehouse",
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=settings.freshness_hours)
        ),
    )
    def marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """One file with all published tables, replaced at once when every check has passed."""
        with readable_failures(settings.lock_retries):
            publication = publish(settings, manifest, context.run.run_id, reporter)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(publication.path)),
                "size_bytes": publication.size_bytes,
                "tables": len(publication.row_counts),
                "rows": sum(publication.row_counts.values()),
                "row_counts": dg.MetadataValue.json(dict(publication.row_counts)),
                "seconds": round(publication.seconds, 3),
            }
        )

    return marts


def publish(settings: Settings, manifest: Manifest, run_id: str, reporter: Reporter) -> Publication:
    """Publish the warehouse's marts if, and only if, all of it was built and passed.

    Raises:
        CustomerValueError: the last build failed, did not end, or is older than the inputs.
    """
    with warehouse_lock(settings, "publishing the marts", wait_seconds=60):
        report = CheckReport(settings, manifest)
        required: list[Required] = [*manifest.required_for_publication, *report.required]
        with connect_warehouse(settings, "checking the build record") as con:
            made_from: Fingerprint = fingerprint(con, settings)
            assert_publishable(con, required, made_from)
        published = None if settings.marts_build_path.exists() else _published(settings, made_from)
        if published is not None:
            reporter.done("nothing to publish: this build is published already")
            return published

        def write_manifest(
            con: duckdb.DuckDBPyConnection, database: str, row_counts: Mapping[str, int]
        ) -> None:
            write_run_manifest(con, database, settings, made_from, run_id, row_counts)

        reporter.now("Publishing the marts")
        if settings.marts_build_path.exists():
            assert_sealed(settings)
            with connect_warehouse(settings, "reporting the checks", with_marts=True) as con:
                met = report.publish(con, made_from)
            seal_build(settings)
            if report.expectations:
                reporter.done(met)
        publication = publish_marts(settings, manifest.published, write_manifest, reporter)
    reporter.done(
        f"published {len(publication.row_counts)} tables, {publication.size_bytes / 1e6:,.1f} MB"
    )
    return publication


def _published(settings: Settings, made_from: Fingerprint) -> Publication | None:
    """The publication, if it is of this very build."""
    if not settings.marts_path.exists():
        return None
    with connect_marts(settings.marts_path) as con:
        manifest = read_run_manifest(con)
    if manifest is None or manifest.fingerprint != made_from.digest:
        return None
    size_bytes = settings.marts_path.stat().st_size
    return Publication(settings.marts_path, size_bytes, manifest.row_counts, seconds=0.0)
