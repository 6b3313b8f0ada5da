"""Clusters through whole runs: dbt in two steps, the gate as a Dagster check, what is published.

What becomes of clusters from run to run is tried in ``test_clusters.py``, on compiled models, and
through whole runs in ``tests/soak``.
"""

import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest

from orchestration.analytics.clustering import assign_to_centroids
from orchestration.assets.clusters import MODEL_KEY
from orchestration.checks.learned import DRIFT_CHECK
from orchestration.cluster_frames import read_stored_model
from orchestration.dagster_instance import command_line_instance
from orchestration.learned_tables import LEARNED_SCHEMA, LEARNED_TABLES
from orchestration.refresh import is_up_to_date
from orchestration.settings import Settings
from tests.building import Builder, Built, run_command
from tests.clustered_runs import clustered_shop, copy_with_more_orders


@pytest.fixture(scope="module")
def first(build: Builder) -> Built:
    return clustered_shop(build)


def test_the_run_publishes_clusters(first: Built) -> None:
    assert first.marts(
        """
        select cluster_id, left(customer_id, 1), count(*)
        from clusters.fct_customer_clusters
        group by all order by all
        """
    ) == [("C1", "F", 40), ("C2", "S", 70), ("C3", "G", 60)]
    # The view needs nothing but the published file.
    months = first.marts("select count(*) from clusters.fct_customer_cluster_months")
    assert months == first.marts("select count(*) from rfm.fct_rfm_snapshots")
    for name, table in LEARNED_TABLES.items():
        learned = first.warehouse(f"from warehouse.{LEARNED_SCHEMA}.{name} order by all")
        assert first.marts(f"from clusters.{table.published} order by all") == learned


def test_every_step_of_the_build_was_required_and_has_passed(first: Built) -> None:
    recorded = dict(first.warehouse("select unique_id, status from warehouse.audit.node_results"))
    for node in first.manifest.required_for_publication:
        assert recorded[node.unique_id] in ("success", "pass", "warn"), node.name
    assert first.warehouse("select count(*) from warehouse.audit.build_half_done") == [(0,)]


def test_clusters_cross_the_segments_of_every_scheme(first: Built) -> None:
    crossed = first.marts(
        "select scheme, sum(customers) from clusters.rpt_cluster_segments group by scheme"
    )
    assert {customers for _, customers in crossed} == {170}
    assert len(crossed) == 3


def test_nothing_new_is_found_with_clusters_too(first: Built) -> None:
    assert is_up_to_date(first.settings)


@pytest.mark.parametrize("change", [{"cluster_seed": 5}, {"cluster_k": 4}, {"clustering": False}])
def test_a_cluster_setting_is_something_new(first: Built, change: dict[str, object]) -> None:
    assert not is_up_to_date(Settings(**{**first.settings.model_dump(), **change}))


def test_the_limit_of_drift_moves_no_number(first: Built) -> None:
    assert is_up_to_date(Settings(**{**first.settings.model_dump(), "cluster_drift_limit": 0.5}))


def test_sql_puts_every_customer_where_the_model_does(first: Built) -> None:
    assert_assigned_as_by_the_model(first)


def assert_assigned_as_by_the_model(built: Built) -> None:
    """Compare the published assignment with the model's own code, for every customer."""
    with duckdb.connect(str(built.warehouse_path), read_only=True) as con:
        features = "recency_days, frequency, cast(monetary as double) as monetary"
        customers = con.sql(
            f"select customer_id, {features} from intermediate.int_cluster_features order by 1"
        ).df()
        model = read_stored_model(con, "log1p")
    expected = assign_to_centroids(model.scaling, model.centroids, customers)
    found = pd.DataFrame(
        built.marts(
            "select customer_id, cluster_id, distance from clusters.fct_customer_clusters "
            "order by customer_id"
        ),
        columns=["customer_id", "cluster_id", "distance"],
    )
    assert list(found["customer_id"]) == list(expected["customer_id"])
    assert list(found["cluster_id"]) == [
        model.cluster_ids[number - 1] for number in expected["cluster"]
    ]
    assert found["distance"].to_numpy() == pytest.approx(expected["distance"].to_numpy())


@pytest.mark.soak
def test_drift_is_held_back_and_told(first: Built, tmp_path: Path) -> None:
    settings = copy_with_more_orders(first, tmp_path)
    published = settings.marts_path.read_bytes()
    done = run_command(["run", "--refit-clusters"], settings, check=False)
    assert done.returncode == 1
    assert "split off C2" in done.stderr
    assert "--accept-drift" in done.stderr
    assert settings.marts_path.read_bytes() == published
    with command_line_instance(settings) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(MODEL_KEY, DRIFT_CHECK), limit=1
        )
    evaluation = records[0].event.asset_check_evaluation if records[0].event else None
    assert evaluation is not None
    assert not evaluation.passed
    assert evaluation.blocking
    assert "split off C2" in str(evaluation.metadata["events"].value)
    # Half of the build is done, and half of a build is not published by hand either.
    held = Built(settings, "")
    assert held.warehouse("select count(*) from warehouse.audit.build_half_done") == [(1,)]
    # The learned tables are those of the published model again.
    assert held.warehouse("select count(*) from warehouse.ml.clusters") == [(3,)]


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        (
            "assert_cluster_months_end_in_customer_clusters",
            "update clusters.fct_customer_clusters set cluster_id = 'C9' where rowid = 0",
        ),
        (
            "assert_cluster_segments_add_up",
            "update clusters.rpt_cluster_segments set revenue = revenue + 1 where rowid = 0",
        ),
        (
            "primary_key_rpt_cluster_segments_scheme__segment__cluster_id",
            "insert into clusters.rpt_cluster_segments "
            "select * from marts.clusters.rpt_cluster_segments limit 1",
        ),
    ],
)
def test_checks_beside_other_schemas_are_seen_to_fail(
    first: Built, tmp_path: Path, check: str, damage: str
) -> None:
    (compiled,) = (first.settings.dbt_target_dir / "compiled").rglob(f"{check}.sql")
    sql = compiled.read_text(encoding="utf-8")
    marts = tmp_path / "marts.duckdb"
    shutil.copyfile(first.marts_path, marts)
    with duckdb.connect() as con:
        con.execute(f"attach '{first.warehouse_path}' as warehouse (read_only)")
        con.execute(f"attach '{marts}' as marts")
        assert con.execute(sql).fetchall() == []
        con.execute(damage.replace(" clusters.", " marts.clusters."))
        assert con.execute(sql).fetchall()
