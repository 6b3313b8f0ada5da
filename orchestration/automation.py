"""Jobs: what can be started as a whole.

Belongs here: jobs, and the schedules and sensors that start them. Does not belong here: assets.
"""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

REFRESH = "refresh"


def build_jobs() -> "list[UnresolvedAssetJobDefinition]":
    """The jobs; ``refresh`` is load, models, checks and publication."""
    return [
        dg.define_asset_job(
            REFRESH,
            selection=dg.AssetSelection.all(),
            description="Load what is new, build and check all models, publish the marts.",
            executor_def=dg.in_process_executor,
        )
    ]
