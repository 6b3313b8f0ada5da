"""Clusters by what customers do besides buying: from landed events to groups that are found again.

Everything runs on compiled models.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.clustering import ClusterOptions, assign_to_centroids, fit_clusters
from orchestration.analytics.separation import adjusted_rand
from orchestration.cluster_frames import read_customers, read_customers_at, read_stored_model
from orchestration.cluster_model import ModelRequest, choose_model
from orchestration.demo import DemoTruth, generate_demo_shop
from orchestration.errors import CustomerValueError
from orchestration.landing.load import load_landing
from orchestration.progress import SilentReporter
from orchestration.settings import Settings
from tests.clustered_shops import ClusteredShop
from tests.compiled_models import BEHAVIOUR

ORDERS = ("recency_days", "frequency", "monetary")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    return generate_demo_shop(
        tmp_path_factory.mktemp("planted"),
        customers=900,
        months=15,
        planted_groups=True,
        events=True,
    )


@pytest.fixture(scope="module")
def shop(truth: DemoTruth, tmp_path_factory: pytest.TempPathFactory) -> ClusteredShop:
    """The planted shop, landed, clustered by BEHAVIOUR and published."""
    shop = ClusteredShop(tmp_path_factory.mktemp("published"), "clustered_by_behaviour")
    landing = Settings(landing_dir=truth.landing_dir.parent, data_dir=shop.folder)
    load_landing(shop.con, landing)
    assert shop.build(cluster_features=BEHAVIOUR).decision == "fitted"
    return shop


def test_events_are_counted_as_the_truth_says(shop: ClusteredShop, truth: DemoTruth) -> None:
    columns = (
        "customer_id, event_count, view_count, cart_count, fav_count, active_days, "
        "cast(dwell_seconds as bigint), last_event_date"
    )
    known = shop.con.execute(
        f"select {columns} from '{truth.truth_dir / 'behaviour.parquet'}' order by 1"
    ).fetchall()
    assert len(known) > 800
    found = shop.con.execute(
        f"""
        select {columns} from marts.behaviour.fct_behaviour_intervals
        where valid_from <= $1 and valid_until > $1 order by 1
        """,
        [truth.last_date],
    ).fetchall()
    assert found == known


def test_sql_assigns_as_the_model_does_at_every_snapshot(shop: ClusteredShop) -> None:
    model = read_stored_model(shop.con, "log1p")
    assert model.scaling.features == BEHAVIOUR
    days = [day for (day,) in shop.rows("select snapshot_date from marts.rfm.dim_snapshots")]
    assert len(days) == 15
    for day in days:
        customers = read_customers_at(shop.con, day, BEHAVIOUR)
        expected = assign_to_centroids(model.scaling, model.centroids, customers)
        ids = [model.cluster_ids[number - 1] for number in expected["cluster"]]
        found = shop.rows(
            "select customer_id, cluster_id, distance from {c}.fct_customer_cluster_months "
            f"where snapshot_date = date '{day}' order by customer_id"
        )
        assert [row[:2] for row in found] == list(zip(expected["customer_id"], ids, strict=True))
        np.testing.assert_allclose([row[2] for row in found], expected["distance"], rtol=1e-12)
    now = read_customers(shop.con, BEHAVIOUR)
    pd.testing.assert_frame_equal(read_customers_at(shop.con, max(days), BEHAVIOUR), now)
    assert dict(shop.members()) == dict(zip(expected["customer_id"], ids, strict=True))


def _agreement(shop: ClusteredShop, truth: DemoTruth, labels: dict[str, str]) -> float:
    groups = pd.read_parquet(truth.truth_dir / "groups.parquet")
    groups = groups[groups["customer_id"].isin(list(labels))]
    found = pd.factorize(groups["customer_id"].map(labels))[0]
    return adjusted_rand(found, pd.factorize(groups["customer_group"])[0])


def test_planted_groups_are_found_again_better_than_by_orders(
    shop: ClusteredShop, truth: DemoTruth
) -> None:
    recovered = _agreement(shop, truth, shop.members())
    by_orders = fit_clusters(read_customers(shop.con, ORDERS), ClusterOptions(k=5)).labels
    alone = _agreement(
        shop, truth, dict(zip(by_orders["customer_id"], by_orders["cluster"], strict=True))
    )
    print(f"adjusted Rand: behaviour {recovered:.3f}, orders {alone:.3f}")
    assert shop.rows("select k, is_stable from {c}.dim_cluster_models") == [(5, True)]
    assert recovered > 0.85
    assert recovered > alone + 0.15


def test_clusters_are_named_and_told_in_words(shop: ClusteredShop) -> None:
    names = shop.rows(
        "select cluster_name, cluster_name_zh, rule_en, rule_zh, rule_precision "
        "from {c}.dim_clusters order by cluster_number"
    )
    assert any(", " in name for name, *_ in names)
    assert len({name for name, *_ in names}) == len({name for _, name, *_ in names}) == 5
    for english, chinese, rule_en, rule_zh, precision in names:
        assert "_" not in english + chinese + rule_en + rule_zh
        assert precision > 0.8


@contextmanager
def _changed(shop: ClusteredShop, change: str) -> Iterator[None]:
    """Within the block the landed events are others, and behaviour is built from them."""

    def build() -> None:
        for name in ("fct_behaviour_intervals", "int_cluster_features"):
            for statement in shop.warehouse.models[name].statements("full"):
                shop.con.execute(statement)

    shop.con.execute("create table main.all_events as from raw.events")
    try:
        shop.con.execute(change)
        build()
        yield
    finally:
        shop.con.execute("delete from raw.events")
        shop.con.execute("insert into raw.events from main.all_events")
        shop.con.execute("drop table main.all_events")
        build()


def test_what_was_learned_is_used_on_when_more_events_come(shop: ClusteredShop) -> None:
    before = shop.tables()
    with _changed(shop, "delete from raw.events where occurred_at > '2024-02-01'"):
        assert shop.build(cluster_features=BEHAVIOUR).decision == "kept"
        early = shop.tables()
        assert early["dim_cluster_centroids"] == before["dim_cluster_centroids"]
        assert early["fct_customer_clusters"] != before["fct_customer_clusters"]
    shop.build(cluster_features=BEHAVIOUR)
    assert shop.tables() == before


@pytest.mark.parametrize(
    ("change", "features", "said"),
    [
        ("delete from raw.events", BEHAVIOUR, "no events are loaded"),
        ("delete from raw.events", ("last_seen_days",), "no events are loaded"),
        ("update raw.events set customer_id = 'x' || customer_id", BEHAVIOUR, "is of a customer"),
        ("update raw.events set occurred_at = '2030-01-01'", ("view_count",), "up to the as-of"),
        (
            "delete from raw.events where event_type = 'fav'",
            (*ORDERS, "fav_count", "view_count"),
            "by fav_count: it is 0 for every customer, as no event of the last 365 days",
        ),
        ("select 1", ("click_count",), "by click_count"),
    ],
)
def test_features_that_nothing_is_known_of_are_refused(
    shop: ClusteredShop, change: str, features: tuple[str, ...], said: str
) -> None:
    asked = shop.settings(cluster_features=features)
    with _changed(shop, change), pytest.raises(CustomerValueError) as caught:
        choose_model(shop.con, asked, ModelRequest(), SilentReporter())
    assert said in caught.value.problem
    assert features[0] in caught.value.problem or "fav_count" in caught.value.problem
    assert "CUSTOMER_VALUE_CLUSTER_FEATURES" in caught.value.way_out
    assert "recency_days, frequency, monetary by default" in caught.value.way_out
