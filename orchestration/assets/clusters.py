"""The learned tables of clusters as assets, and the drift gate as their blocking check.

Belongs here: the step between the two dbt builds, its check and what Dagster shows of it. Does not
belong here: which model is used (``cluster_model.py``) and how it is fitted (``cluster_fit.py``).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.build_plan import prepare_partial_build
from orchestration.build_record import is_half_done
from orchestration.checks.learned import CLUSTER_DRIFT, DRIFT_CHECK, drift_result
from orchestration.checks.report import CheckReport
from orchestration.cluster_model import ModelOutcome, ModelRequest, choose_model
from orchestration.cluster_previews import previews_of
from orchestration.failures import failure, readable_failures
from orchestration.fingerprint import fingerprint
from orchestration.layers import LEARNED_SCHEMA, OWNER
from orchestration.learned_tables import LEARNED_TABLES
from orchestration.manifest import Manifest
from orchestration.progress import Reporter
from orchestration.settings import Settings
from orchestration.warehouse import connect_warehouse

#: Name of the step, under which its configuration stands.
STEP = "cluster_model"
MODEL_KEY = dg.AssetKey([LEARNED_SCHEMA, "cluster_model"])

_READ = (
    ("behaviour", "fct_behaviour_snapshots"),
    ("intermediate", "int_cluster_features"),
    ("lifecycle", "fct_purchase_months"),
    ("rfm", "dim_snapshots"),
    ("rfm", "fct_rfm_scores"),
    ("rfm", "fct_rfm_snapshots"),
)


class ClusterModelConfig(dg.Config):
    """What is asked of the step; by default it goes on with the published model."""

    refit: bool = False
    accept_drift: bool = False


def step_config(request: ModelRequest) -> dict[str, Any]:
    """Run configuration that asks the step for it."""
    config = {"refit": request.is_refit, "accept_drift": request.is_drift_accepted}
    return {"ops": {STEP: {"config": config}}}


def build_cluster_assets(
    settings: Settings, manifest: Manifest, reporter: Reporter
) -> dg.AssetsDefinition:
    """The learned tables, written in one step.

    Args:
        settings: the warehouse and how to cluster.
        manifest: says which checks the test report is of.
        reporter: told which model is in use.
    """

    @dg.multi_asset(
        name=STEP,
        specs=[
            dg.AssetSpec(
                [LEARNED_SCHEMA, name],
                deps=[dg.AssetKey(list(relation)) for relation in _READ],
                description=table.description,
                group_name=LEARNED_SCHEMA,
                kinds={"python", "duckdb"},
                owners=[OWNER],
                metadata={"dagster/table_name": f"{LEARNED_SCHEMA}.{name}"},
            )
            for name, table in LEARNED_TABLES.items()
        ],
        check_specs=[
            dg.AssetCheckSpec(
                DRIFT_CHECK,
                asset=MODEL_KEY,
                blocking=True,
                description=CLUSTER_DRIFT.expected,
            )
        ],
        pool="warehouse",
    )
    def cluster_model(
        context: dg.AssetExecutionContext, config: ClusterModelConfig
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Put the model of clusters in use into the learned tables; fit one where that is due."""
        request = ModelRequest(config.refit, config.accept_drift)
        with readable_failures():
            outcome, metadata = _write(settings, manifest, request, reporter)
        if outcome.is_held_back:
            yield _check_result(outcome, settings)
            raise failure(
                f"The clusters that were fitted again are not published: {outcome.verdict}",
                "The last publication stays, and the next run goes on with its clusters. Look at "
                "the events of the check; `customer-value run --accept-drift` publishes the new "
                "clusters.",
            )
        for name in LEARNED_TABLES:
            yield dg.MaterializeResult([LEARNED_SCHEMA, name], metadata=metadata[name])
        yield _check_result(outcome, settings)
        if outcome.decision != "off":
            reporter.done(str(outcome))

    return cluster_model


def _write(
    settings: Settings, manifest: Manifest, request: ModelRequest, reporter: Reporter
) -> tuple[ModelOutcome, dict[str, dict[str, Any]]]:
    """Choose and write the model; metadata by learned table."""
    with connect_warehouse(settings, "looking for the build") as con:
        is_continued = settings.marts_build_path.exists() and is_half_done(
            con, fingerprint(con, settings)
        )
    if not is_continued:
        prepare_partial_build(settings)
    with connect_warehouse(settings, "learning clusters", with_marts=True) as con:
        outcome = choose_model(con, settings, request, reporter)
        result = drift_result(outcome.is_held_back, _said(outcome))
        CheckReport(settings, manifest).record(con, result, fingerprint(con, settings))
        metadata: dict[str, dict[str, Any]] = {
            name: {"dagster/row_count": _count(con, name)} for name in LEARNED_TABLES
        }
        if outcome.model is not None:
            metadata[STEP] |= {
                "model_id": outcome.model.model_id,
                "fitted_at": outcome.model.snapshot_date.isoformat(),
                "clusters": outcome.model.k,
                "decision": outcome.reason,
            }
            for name, markdown in previews_of(con, outcome.model.model_id).items():
                metadata[name]["preview"] = dg.MetadataValue.md(markdown)
    return outcome, metadata


def _check_result(outcome: ModelOutcome, settings: Settings) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = {"limit": settings.cluster_drift_limit}
    if outcome.drift is not None:
        metadata["drift"] = outcome.drift
    if outcome.events:
        metadata["events"] = dg.MetadataValue.md("\n".join(f"- {text}" for text in outcome.events))
    return dg.AssetCheckResult(
        passed=not outcome.is_held_back,
        asset_key=MODEL_KEY,
        check_name=DRIFT_CHECK,
        description=_said(outcome),
        metadata=metadata,
    )


def _said(outcome: ModelOutcome) -> str:
    return outcome.verdict or f"No model to compare: {outcome.reason}."


def _count(con: Any, name: str) -> int:
    return int(con.execute(f"select count(*) from {LEARNED_SCHEMA}.{name}").fetchall()[0][0])
