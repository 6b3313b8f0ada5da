"""Jobs: what can be started as a whole.

Belongs here: jobs, and the schedules and sensors that start them. Does not belong here: assets.
"""

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.clusters import step_config
from orchestration.cluster_model import ModelRequest

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

REFRESH = "refresh"
REFIT_CLUSTERS = "refit_clusters"


def build_jobs() -> "list[UnresolvedAssetJobDefinition]":
    """The jobs: ``refresh`` is load, models, checks and publication, ``refit_clusters`` the same
    with clusters that are fitted again."""
    return [
        dg.define_asset_job(
            REFRESH,
            selection=dg.AssetSelection.all(),
            description="Load what is new, build and check all models, publish the marts.",
            executor_def=dg.in_process_executor,
        ),
        dg.define_asset_job(
            REFIT_CLUSTERS,
            selection=dg.AssetSelection.all(),
            description="Refresh, and fit the clusters again: they keep their ids, and nothing is "
            "published when they differ too much from the published ones.",
            config=step_config(ModelRequest(is_refit=True)),
            executor_def=dg.in_process_executor,
        ),
    ]
