"""The definitions Dagster loads; nothing else belongs here."""

import dagster as dg

from orchestration.build import build_definitions
from orchestration.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """Everything Dagster knows of this project, as the environment sets it."""
    return build_definitions(Settings())
