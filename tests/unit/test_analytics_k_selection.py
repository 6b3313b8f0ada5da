"""How many clusters: the figures against scikit-learn, the rule of choice, and its edges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.clustering import ClusterOptions, fit_clusters
from orchestration.analytics.k_selection import (
    REPORT_COLUMNS,
    KSelectionOptions,
    choose_k,
    elbow_of,
    k_report,
)
from orchestration.analytics.separation import bootstrap_jaccard, silhouettes
from orchestration.errors import CustomerValueError
from tests.customer_features import customers, online_retail, planted

SIZES = (40, 120, 200, 240)
FEW = KSelectionOptions(k_max=6, resamples=5)


def report_of(*rows: tuple[int, float, float, float]) -> pd.DataFrame:
    """A report with k, silhouette, smallest share and Jaccard as given."""
    frame = pd.DataFrame(
        list(rows), columns=["k", "silhouette", "smallest_cluster_share", "min_bootstrap_jaccard"]
    )
    frame["smallest_cluster_customers"] = (frame["smallest_cluster_share"] * 1_000).astype(int)
    frame["is_stable"] = frame["min_bootstrap_jaccard"] >= 0.75
    frame["is_elbow"] = frame["k"] == 3
    frame["is_best_silhouette"] = frame["silhouette"] == frame["silhouette"].max()
    return frame


def test_planted_groups_are_counted_and_the_order_of_rows_changes_nothing() -> None:
    frame = planted(SIZES)
    report = k_report(frame, FEW)
    assert tuple(report.columns) == REPORT_COLUMNS
    assert report["k"].tolist() == [2, 3, 4, 5, 6]
    choice = choose_k(report, FEW)
    assert (choice.k, choice.is_stable, choice.is_fallback) == (4, True, False)
    assert report.loc[report["is_chosen"], "k"].tolist() == [4]
    row = report.set_index("k").loc[4]
    assert row["smallest_cluster_customers"] == pytest.approx(40, abs=2)
    assert row["smallest_cluster_share"] == pytest.approx(40 / 600, abs=0.005)
    assert row["min_bootstrap_jaccard"] > 0.95
    assert row["mini_batch_agreement"] > 0.95
    assert report.set_index("k")["min_bootstrap_jaccard"].idxmax() <= 4
    pd.testing.assert_frame_equal(report, k_report(frame[::-1], FEW))


def test_figures_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

    frame = planted(SIZES)
    row = k_report(frame, FEW).set_index("k").loc[3]
    model = fit_clusters(frame, ClusterOptions(k=3))
    ordered = frame.sort_values("customer_id")
    points, labels = model.scaling.apply(ordered), model.labels["cluster"]
    assert row["silhouette"] == pytest.approx(silhouette_score(points, labels), abs=1e-6)
    assert row["davies_bouldin"] == pytest.approx(davies_bouldin_score(points, labels), abs=1e-6)
    assert row["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(points, labels))
    assert row["inertia"] == pytest.approx(model.inertia)


def test_silhouettes_of_points_that_are_alone() -> None:
    from sklearn.metrics import silhouette_score

    points = np.array([[0.0], [1.0], [5.0], [6.0], [20.0]])
    labels = np.array([1, 1, 2, 2, 3])
    found = silhouettes(points, [labels, np.ones(5, dtype=np.int64), np.arange(5)])
    assert found[0] == pytest.approx(silhouette_score(points, labels))
    assert np.isnan(found[1:]).all()


def test_a_cluster_that_is_cut_through_a_crowd_does_not_come_back() -> None:
    rng = np.random.default_rng(5)
    crowd, far = rng.normal(0, 1, (300, 2)), rng.normal(40, 1, (60, 2))
    points = np.vstack([crowd, far])
    labels = np.repeat([1, 2], [300, 60])
    assert bootstrap_jaccard(points, labels, ClusterOptions(k=2), 10).tolist() == [1.0, 1.0]
    cut = np.where(np.arange(360) < 100, 1, labels + 1)
    jaccard = bootstrap_jaccard(points, cut, ClusterOptions(k=3), 10)
    assert jaccard[2] == 1.0
    assert jaccard[:2].max() < 0.75


def test_the_rule_takes_the_best_silhouette_of_those_that_are_stable_and_large_enough() -> None:
    report = report_of(
        (2, 0.9, 0.001, 0.99), (3, 0.8, 0.2, 0.74), (4, 0.5, 0.1, 0.8), (5, 0.6, 0.005, 0.75)
    )
    choice = choose_k(report)
    assert (choice.k, choice.is_stable, choice.is_fallback) == (5, True, False)
    assert (choice.elbow_k, choice.best_silhouette_k) == (3, 2)
    assert "The elbow would have taken k = 3: a cluster of it does not come back" in (
        choice.reason_en
    )
    assert "k = 2: its smallest cluster is 1 customer." in choice.reason_en
    assert "肘部法则会选 k = 3：其中有簇不可重现（Jaccard 0.74）" in choice.reason_zh
    assert "仅看轮廓系数会选 k = 2：最小的簇只有 1 个客户" in choice.reason_zh


def test_equal_silhouettes_give_the_lower_k() -> None:
    assert choose_k(report_of((2, 0.5, 0.1, 0.8), (3, 0.5, 0.1, 0.9))).k == 2


def test_without_a_stable_k_the_most_stable_large_enough_one_is_taken_with_a_warning() -> None:
    choice = choose_k(report_of((2, 0.9, 0.001, 0.9), (3, 0.8, 0.2, 0.5), (4, 0.3, 0.1, 0.6)))
    assert (choice.k, choice.is_stable, choice.is_fallback) == (4, False, True)
    assert choice.reason_en.startswith("No k has only clusters that come back")
    assert choice.reason_zh.startswith("没有任何 k")
    small = choose_k(report_of((2, 0.9, 0.001, 0.6), (3, 0.8, 0.002, 0.9)))
    assert (small.k, small.is_stable, small.is_fallback) == (3, True, True)


def test_a_number_set_by_hand() -> None:
    report = report_of((2, 0.9, 0.2, 0.9), (3, 0.8, 0.2, 0.5))
    choice = choose_k(report, fixed_k=3)
    assert (choice.k, choice.is_stable, choice.is_fallback) == (3, False, False)
    assert choice.reason_en.startswith("k = 3 is set by hand; it is not stable")
    with pytest.raises(CustomerValueError, match="no row for k = 9; it goes from 2 to 3"):
        choose_k(report, fixed_k=9)


def test_the_elbow_is_where_the_curve_bends_most() -> None:
    assert elbow_of([1, 2, 3, 4, 5], [100, 60, 20, 15, 10]) == 3
    assert elbow_of([1, 2, 3], [9, 6, 3]) is None
    assert elbow_of([1, 2], [9, 3]) is None
    assert elbow_of([1, 2, 3], [0, 0, 0]) is None


@pytest.mark.parametrize(
    ("frame", "ks", "k"),
    [
        (customers((3, 2, 50)), [1], 1),
        (customers((3, 2, 50), (9, 1, 70)), [2], 2),
        (customers(*[(3, 2, 50)] * 9), [1], 1),
        (customers(*[(3, 2, 50)] * 9, *[(9, 1, 20)] * 9), [2], 2),
    ],
)
def test_reports_of_few_distinct_customers(frame: pd.DataFrame, ks: list[int], k: int) -> None:
    report = k_report(frame, FEW)
    assert report["k"].tolist() == ks
    choice = choose_k(report, FEW)
    assert choice.k == k
    assert report.loc[report["is_chosen"], "k"].tolist() == [k]
    if ks == [1]:
        assert choice.reason_en.startswith("All customers are alike")


def test_a_giant_outlier_is_not_worth_a_cluster() -> None:
    frame = pd.concat([planted(SIZES), customers((1, 1, 1e9))])
    raw = KSelectionOptions(clusters=ClusterOptions(transform="none"), k_max=5, resamples=3)
    report = k_report(frame, raw)
    assert report["smallest_cluster_customers"].tolist()[1:] == [1, 1, 1]
    choice = choose_k(report, raw)
    assert (choice.k, choice.is_fallback) == (2, False)
    assert choice.best_silhouette_k != 2
    assert "its smallest cluster is 1 customer" in choice.reason_en


def test_reports_that_cannot_be_made() -> None:
    frame = customers((1, 1, 1), (2, 2, 2))
    with pytest.raises(CustomerValueError, match="no customers"):
        k_report(customers(), FEW)
    density = KSelectionOptions(clusters=ClusterOptions(algorithm="hdbscan"))
    with pytest.raises(CustomerValueError, match="finds its number of clusters itself"):
        k_report(frame, density)
    with pytest.raises(CustomerValueError, match="from k = 4 to 3"):
        k_report(frame, KSelectionOptions(k_min=4, k_max=3))
    with pytest.raises(CustomerValueError, match="Customer 2 has monetary = nan"):
        k_report(customers((1, 1, 1), (2, 2, float("nan"))), FEW)


def test_online_retail_inertia_and_silhouette(uci_dir: Path) -> None:
    options = KSelectionOptions(clusters=ClusterOptions(transform="none"), k_max=6, resamples=1)
    report = k_report(online_retail(uci_dir), options)
    inertia = [9_012.6, 5_439.7, 4_092.4, 3_118.5, 2_472.8]
    assert report["inertia"].tolist() == pytest.approx(inertia, abs=0.6)
    silhouette = [0.896, 0.594, 0.616, 0.617, 0.596]
    assert report["silhouette"].tolist() == pytest.approx(silhouette, abs=0.0015)
