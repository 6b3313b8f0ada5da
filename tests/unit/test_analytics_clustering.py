"""Clusters of customers: the same for the same customers, and a clear answer at the edges."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.clustering import (
    NOISE,
    Algorithm,
    ClusterModel,
    ClusterOptions,
    assign,
    assign_to_centroids,
    fit_clusters,
)
from orchestration.analytics.features import FeatureScaling
from orchestration.analytics.separation import adjusted_rand
from orchestration.errors import CustomerValueError
from tests.customer_features import customers, online_retail, planted

SIZES = (40, 120, 200, 240)


def agreement(model: ClusterModel, frame: pd.DataFrame) -> float:
    found = model.labels.merge(frame, on="customer_id")
    return adjusted_rand(found["cluster"].to_numpy(), found["group"].to_numpy())


@pytest.mark.parametrize("algorithm", ["kmeans", "mini_batch_kmeans", "dbscan", "hdbscan"])
def test_planted_groups_are_found_and_numbered_by_monetary(algorithm: Algorithm) -> None:
    frame = planted(SIZES)
    model = fit_clusters(frame, ClusterOptions(algorithm=algorithm, k=4))
    assert model.k == 4
    assert agreement(model, frame) > 0.95
    joined = model.labels[model.labels["cluster"] != NOISE].merge(frame, on="customer_id")
    means = joined.groupby("cluster")["monetary"].mean()
    assert means.index.tolist() == [1, 2, 3, 4]
    assert means.is_monotonic_decreasing
    assert (joined["cluster"] == joined["group"] + 1).mean() > 0.97


@pytest.mark.parametrize("algorithm", ["kmeans", "mini_batch_kmeans", "dbscan", "hdbscan"])
def test_the_order_of_rows_changes_nothing(algorithm: Algorithm) -> None:
    frame = planted(SIZES)
    options = ClusterOptions(algorithm=algorithm, k=4)
    model = fit_clusters(frame, options)
    again = fit_clusters(frame.sample(frac=1.0, random_state=9), options)
    pd.testing.assert_frame_equal(model.labels, again.labels)
    assert model.centroids.tobytes() == again.centroids.tobytes()
    assert model.inertia == again.inertia


def test_assignment_is_that_of_scikit_learn_and_of_the_fit() -> None:
    from sklearn.cluster import KMeans

    frame = planted(SIZES)
    model = fit_clusters(frame, ClusterOptions(k=4))
    assigned = assign(model, frame)
    assert assigned["customer_id"].tolist() == frame["customer_id"].tolist()
    points = model.scaling.apply(frame)
    theirs = KMeans(4, init=model.centroids, n_init=1, max_iter=1).fit(points)
    theirs.cluster_centers_ = model.centroids
    assert (theirs.predict(points) + 1).tolist() == assigned["cluster"].tolist()
    nearest = np.linalg.norm(points[:, None, :] - model.centroids, axis=2).min(axis=1)
    assert assigned["distance"].to_numpy() == pytest.approx(nearest)
    fitted = assigned.set_index("customer_id")["cluster"].loc[model.labels["customer_id"]]
    assert fitted.tolist() == model.labels["cluster"].tolist()
    assert model.inertia == pytest.approx((nearest**2).sum())


def test_a_tie_goes_to_the_lowest_number() -> None:
    scaling = FeatureScaling(("monetary",), "none", (0.0,), (1.0,))
    centroids = np.array([[4.0], [0.0], [2.0], [2.0]])
    frame = customers((0, 0, 3), (0, 0, 1), (0, 0, 2))
    assigned = assign_to_centroids(scaling, centroids, frame)
    assert assigned["cluster"].tolist() == [1, 2, 3]
    assert assigned["distance"].tolist() == [1.0, 1.0, 0.0]


def test_above_the_limit_a_sample_is_fitted_and_everybody_assigned() -> None:
    frame = planted((200, 600, 1_000, 1_200))
    model = fit_clusters(frame, ClusterOptions(k=4, fit_limit=500))
    assert len(model.labels) == 500
    assigned = assign(model, frame)
    assert adjusted_rand(assigned["cluster"].to_numpy(), frame["group"].to_numpy()) > 0.97
    shuffled = fit_clusters(frame[::-1], ClusterOptions(k=4, fit_limit=500))
    pd.testing.assert_frame_equal(model.labels, shuffled.labels)


def test_one_customer() -> None:
    frame = customers((3, 2, 50))
    model = fit_clusters(frame, ClusterOptions(k=1))
    assigned = assign(model, frame)
    assert assigned["cluster"].tolist() == [1]
    assert assigned["distance"].tolist() == pytest.approx([0.0])
    with pytest.raises(CustomerValueError, match="2 clusters cannot be made of 1 customers"):
        fit_clusters(frame, ClusterOptions(k=2))


def test_two_customers() -> None:
    frame = customers((3, 2, 50), (90, 1, 80))
    model = fit_clusters(frame, ClusterOptions(k=2))
    assert assign(model, frame)["cluster"].tolist() == [2, 1]
    assert model.inertia == pytest.approx(0.0)


def test_customers_who_are_all_equal() -> None:
    frame = customers(*[(3, 2, 50)] * 7)
    assert fit_clusters(frame, ClusterOptions(k=1)).labels["cluster"].tolist() == [1] * 7
    with pytest.raises(CustomerValueError, match="only 1 of them differ"):
        fit_clusters(frame, ClusterOptions(k=2))


def test_more_clusters_than_distinct_customers() -> None:
    frame = customers(*[(3, 2, 50)] * 5, *[(9, 1, 20)] * 5)
    assert fit_clusters(frame, ClusterOptions(k=2)).inertia == pytest.approx(0.0)
    with pytest.raises(CustomerValueError, match=r"3 clusters .* only 2 of them differ"):
        fit_clusters(frame, ClusterOptions(k=3))
    with pytest.raises(CustomerValueError, match="0 clusters cannot be made"):
        fit_clusters(frame, ClusterOptions(k=0))


def test_a_single_giant_outlier_is_a_cluster_of_its_own_without_the_logarithm() -> None:
    frame = pd.concat([planted(SIZES), customers((1, 1, 1e9))])
    raw = fit_clusters(frame, ClusterOptions(k=3, transform="none"))
    assert (raw.labels["cluster"] == 1).sum() == 1
    logarithmic = fit_clusters(frame, ClusterOptions(k=4))
    assert logarithmic.labels["cluster"].value_counts().min() > 30


def test_nobody_and_a_missing_value() -> None:
    with pytest.raises(CustomerValueError, match="no customers"):
        fit_clusters(customers(), ClusterOptions(k=1))
    frame = customers((1, 1, 1), (2, 2, float("nan")))
    with pytest.raises(CustomerValueError, match="Customer 2 has monetary = nan"):
        fit_clusters(frame, ClusterOptions(k=1))


@pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])
def test_density_algorithms_at_the_edges(algorithm: Algorithm) -> None:
    options = ClusterOptions(algorithm=algorithm)
    alone = fit_clusters(customers((1, 1, 1)), options)
    assert (alone.k, alone.labels["cluster"].tolist()) == (0, [NOISE])
    equal = fit_clusters(customers(*[(3, 2, 50)] * 30), options)
    assert equal.labels["cluster"].nunique() == 1
    with pytest.raises(CustomerValueError, match="cannot be given to other customers"):
        assign(equal, customers((1, 1, 1)))


def test_the_article_is_reproduced_by_every_seed(uci_dir: Path) -> None:
    """26 customers hold 25.06 % of spend: raw values, three clusters, gross, all history."""
    frame = online_retail(uci_dir)
    for seed in range(10):
        options = ClusterOptions(transform="none", k=3, seed=seed)
        model = fit_clusters(frame, options)
        sizes = model.labels["cluster"].value_counts().sort_index().tolist()
        assert sizes[0] == 26
        assert sizes[1:] == pytest.approx([3_225, 1_087], abs=10)
        best = frame["customer_id"].isin(model.labels.query("cluster == 1")["customer_id"])
        spend = frame["monetary"]
        assert round(100 * spend[best].sum() / spend.sum(), 2) == 25.06
        means = frame[best][["recency_days", "frequency", "monetary"]].mean()
        assert means.tolist() == pytest.approx([5.46, 66.42, 85_904], abs=0.5)
        assert model.inertia == pytest.approx(5_439.7, abs=0.3)


def test_twenty_seeds_give_the_same_clusters_where_they_are_stable() -> None:
    frame = planted(SIZES)
    options = ClusterOptions(k=4)
    first = fit_clusters(frame, options).labels["cluster"]
    for seed in range(1, 20):
        again = fit_clusters(frame, replace(options, seed=seed)).labels["cluster"]
        assert (first != again).mean() <= 0.02
