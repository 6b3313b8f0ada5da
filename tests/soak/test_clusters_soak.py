"""Clusters over several whole runs: held back, gone on with, accepted."""

from pathlib import Path

import pytest

from orchestration.cluster_model import ModelRequest
from orchestration.errors import CustomerValueError
from orchestration.progress import SilentReporter
from orchestration.refresh import refresh
from tests.building import Builder, Built, run_command
from tests.clustered_runs import clustered_shop, copy_with_more_orders
from tests.published_tables import differences

pytestmark = pytest.mark.soak

_MODEL_TABLES = (
    "dim_cluster_models",
    "dim_clusters",
    "dim_cluster_centroids",
    "rpt_cluster_events",
)


def _model(built: Built) -> list[list[tuple[object, ...]]]:
    return [built.marts(f"from clusters.{name} order by all") for name in _MODEL_TABLES]


def test_a_drift_is_held_back_gone_on_without_and_accepted(build: Builder, tmp_path: Path) -> None:
    first = clustered_shop(build)
    settings = copy_with_more_orders(first, tmp_path)
    shop = Built(settings, "")
    published = settings.marts_path.read_bytes()

    with pytest.raises(CustomerValueError) as caught:
        refresh(settings, SilentReporter(), clusters=ModelRequest(is_refit=True))
    assert "split off C2" in caught.value.problem
    assert settings.marts_path.read_bytes() == published

    # The next ordinary run publishes the new orders with the clusters that were.
    refresh(settings, SilentReporter())
    assert _model(shop) == _model(first)
    orders = "select count(*) from core.fct_orders"
    assert shop.marts(orders)[0][0] == first.marts(orders)[0][0] + 35
    once = settings.marts_path.read_bytes()
    assert not refresh(settings, SilentReporter()).is_changed
    assert settings.marts_path.read_bytes() == once

    # Built anew from the landing folder, upon the same publication, it is the same.
    kept = tmp_path / "kept.duckdb"
    kept.write_bytes(once)
    refresh(settings, SilentReporter(), is_full_refresh=True)
    assert differences(settings.marts_path, kept) == []

    run_command(["run", "--accept-drift"], settings)
    events = shop.marts("select event from clusters.rpt_cluster_events order by event_number")
    assert [event for (event,) in events][:3] == ["first_fit"] * 3
    assert ("split",) in events
    assert events[-1] == ("drift_accepted",)
    assert shop.marts("select count(*) from clusters.dim_clusters") == [(4,)]
    # Fitted once more, nothing moves.
    accepted = _model(shop)
    refresh(settings, SilentReporter(), clusters=ModelRequest(is_refit=True))
    assert _model(shop) == accepted
