"""Assignment in SQL is that of the model's own code, for every customer, ties included."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.clustering import assign_to_centroids
from orchestration.analytics.features import FeatureScaling
from orchestration.learned_tables import write_learned_tables
from orchestration.warehouse import MARTS
from tests.compiled_models import SmallWarehouse, small_warehouses

_MODELS = (
    "dim_clusters",
    "dim_cluster_centroids",
    "fct_customer_clusters",
    "fct_customer_cluster_months",
)
_FEATURES = ("recency_days", "frequency", "monetary")
_OTHER = ("avg_order_value", "customer_age_days")
_VARIANTS = {
    "log1p": {"clustering": True},
    "none": {"clustering": True, "cluster_transform": "none"},
    "two": {"clustering": True, "cluster_features": list(_OTHER), "cluster_limit": 2},
}
_DAY = date(2024, 6, 30)


@pytest.fixture(scope="module")
def warehouses() -> dict[str, SmallWarehouse]:
    return small_warehouses(_VARIANTS, _MODELS)


@dataclass(frozen=True)
class _Assigned:
    """What the table, the view and the model's code say of each customer, in the same order."""

    in_sql: pd.DataFrame
    by_month: pd.DataFrame
    expected: pd.DataFrame


def _assign(
    warehouse: SmallWarehouse,
    customers: pd.DataFrame,
    scaling: FeatureScaling,
    centroids: Sequence[Sequence[float]],
) -> _Assigned:
    # Ids and numbers run against each other: the number decides a tie, not the id.
    ids = [f"C{len(centroids) - place}" for place in range(len(centroids))]
    clusters = pd.DataFrame(
        {
            "cluster_id": ids,
            "cluster_number": range(1, len(ids) + 1),
            "cluster_name": [f"name of {name}" for name in ids],
            **dict.fromkeys(("cluster_name_zh", "rule_en", "rule_zh"), ""),
            **dict.fromkeys(("rule_precision", "rule_coverage"), 1.0),
        }
    )
    rows = pd.DataFrame(
        [
            ("m", ids[number], feature, place + 1, scaling.mean[place], scaling.scale[place],
             float(centroid[place]), 0.0)
            for number, centroid in enumerate(centroids)
            for place, feature in enumerate(scaling.features)
        ],
        columns=["model_id", "cluster_id", "feature", "feature_number", "mean", "scale",
                 "center_scaled", "center"],
    )  # fmt: skip
    con = warehouse.con
    write_learned_tables(con, {"clusters": clusters, "cluster_centroids": rows})
    for schema in ("warehouse.intermediate", f"{MARTS}.rfm"):
        con.execute(f"create schema if not exists {schema}")
    con.register("given", customers.sample(frac=1.0, random_state=1).assign(snapshot_date=_DAY))
    for relation in (
        "warehouse.intermediate.int_cluster_features",
        f"{MARTS}.rfm.fct_rfm_snapshots",
    ):
        con.execute(
            f"""
            create or replace table {relation} as
            select
                cast(snapshot_date as date) as snapshot_date,
                customer_id,
                cast(recency_days as bigint) as recency_days,
                cast(customer_age_days as bigint) as customer_age_days,
                cast(frequency as bigint) as frequency,
                cast(monetary as decimal(18, 4)) as monetary,
                cast(avg_order_value as decimal(18, 4)) as avg_order_value
            from given
            """
        )
    con.unregister("given")
    warehouse.run(("fct_customer_clusters", "fct_customer_cluster_months"))
    found = [
        con.sql(f"from {warehouse.models[name].relation} order by customer_id").df()
        for name in ("fct_customer_clusters", "fct_customer_cluster_months")
    ]
    ordered = customers.sort_values("customer_id", ignore_index=True)
    expected = assign_to_centroids(scaling, np.array(centroids, dtype=float), ordered)
    expected["cluster_id"] = [ids[number - 1] for number in expected["cluster"]]
    return _Assigned(found[0], found[1], expected)


def _customers(count: int, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frequency = random.integers(0, 30, count)
    monetary = np.round(random.normal(200, 900, count), 4)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(count)],
            "recency_days": random.integers(0, 700, count),
            "customer_age_days": random.integers(0, 900, count),
            "frequency": frequency,
            "monetary": monetary,
            "avg_order_value": np.where(
                frequency > 0, np.round(monetary / (frequency + 1), 4), 0.0
            ),
        }
    )


def _assert_equal(assigned: _Assigned) -> None:
    for found in (assigned.in_sql, assigned.by_month):
        assert list(found["customer_id"]) == list(assigned.expected["customer_id"])
        assert list(found["cluster_id"]) == list(assigned.expected["cluster_id"])
        assert list(found["cluster_name"]) == [f"name of {name}" for name in found["cluster_id"]]
        np.testing.assert_allclose(found["distance"], assigned.expected["distance"], rtol=1e-12)


@pytest.mark.parametrize("variant", ["log1p", "none"])
def test_every_customer_is_where_the_model_puts_him(
    warehouses: dict[str, SmallWarehouse], variant: str
) -> None:
    customers = _customers(3_000)
    scaling = FeatureScaling.fit(customers, _FEATURES, "none" if variant == "none" else "log1p")
    # Ten clusters, as many as the compiled SQL has room for.
    centroids = scaling.apply(customers.sample(10, random_state=2)) + 0.01
    assigned = _assign(warehouses[variant], customers, scaling, centroids.tolist())
    _assert_equal(assigned)
    assert assigned.expected["cluster"].nunique() == 10


def test_other_features_and_fewer_clusters_than_there_is_room_for(
    warehouses: dict[str, SmallWarehouse],
) -> None:
    customers = _customers(500)
    scaling = FeatureScaling.fit(customers, _OTHER, "log1p")
    _assert_equal(_assign(warehouses["two"], customers, scaling, [[0.2, -1.0], [0.4, 1.0]]))
    alone = _assign(warehouses["two"], customers, scaling, [[0.2, -1.0]])
    _assert_equal(alone)
    assert set(alone.in_sql["cluster_id"]) == {"C1"}


@pytest.mark.parametrize("variant", ["log1p", "none"])
def test_a_tie_goes_to_the_lowest_number(
    warehouses: dict[str, SmallWarehouse], variant: str
) -> None:
    customers = _customers(40).assign(recency_days=0)
    scaling = FeatureScaling(
        _FEATURES, "none" if variant == "none" else "log1p", (0.0,) * 3, (1.0,) * 3
    )
    # Two centres at equal distance from every customer, and a far one before them.
    centroids = [[1e9, 0.0, 0.0], [0.5, 1.0, 2.0], [-0.5, 1.0, 2.0]]
    assigned = _assign(warehouses[variant], customers, scaling, centroids)
    _assert_equal(assigned)
    assert set(assigned.in_sql["cluster_id"]) == {"C2"}


def test_without_a_model_nobody_is_in_a_cluster(warehouses: dict[str, SmallWarehouse]) -> None:
    customers = _customers(5)
    scaling = FeatureScaling.fit(customers, _FEATURES, "log1p")
    _assign(warehouses["log1p"], customers, scaling, [[0.0, 0.0, 0.0]])
    warehouse = warehouses["log1p"]
    write_learned_tables(warehouse.con, {})
    warehouse.run(("fct_customer_clusters", "fct_customer_cluster_months"))
    assert warehouse.rows("fct_customer_clusters", "*") == []
    assert warehouse.rows("fct_customer_cluster_months", "*") == []
