"""The check of what was learned, as the test report shows it.

Belongs here: the check and its result. Does not belong here: judging drift
(``analytics/identity.py``) and what follows from it (``cluster_model.py``).
"""

from dataclasses import replace

from orchestration.checks.results import CheckResult, judged
from orchestration.layers import LEARNED_SCHEMA

DRIFT_CHECK = "cluster_drift_is_within_limit"

#: The check before it has run.
CLUSTER_DRIFT = CheckResult(
    check_id=f"learned.{DRIFT_CHECK}",
    check_name=DRIFT_CHECK,
    kind="asset_check",
    table_name=f"{LEARNED_SCHEMA}.cluster_model",
    column_name=None,
    sql=None,
    expected="Clusters that are fitted again move no more customers than cluster_drift_limit "
    "allows. Otherwise nothing is published, the published clusters stay in use, and the next "
    "refresh goes on with them.",
)


def drift_result(is_held_back: bool, verdict: str) -> CheckResult:
    """What became of it.

    Args:
        is_held_back: whether the new clusters differ too much.
        verdict: what was found, in words.
    """
    status = judged(not is_held_back, CLUSTER_DRIFT.severity)
    return replace(CLUSTER_DRIFT, actual=verdict, status=status)
