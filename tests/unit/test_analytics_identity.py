"""Clusters keep their ids over refits; splits, merges and drift are seen and held back."""

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.clustering import ClusterOptions, assign, fit_clusters
from orchestration.analytics.features import FeatureScaling
from orchestration.analytics.identity import (
    ClusterState,
    MatchingOptions,
    match_clusters,
)
from orchestration.errors import CustomerValueError
from tests.customer_features import planted

SIZES = (40, 120, 200, 240)
LINE = FeatureScaling(("monetary",), "none", (0.0,), (1.0,))


def fitted(
    frame: pd.DataFrame, k: int = 4, seed: int = 0, ids: tuple[str, ...] = ()
) -> ClusterState:
    model = fit_clusters(frame, ClusterOptions(k=k, seed=seed))
    return ClusterState(model.scaling, model.centroids, assign(model, frame), ids)


def state(
    centroids: list[float], clusters: list[int], ids: tuple[str, ...] = (), prefix: str = "c"
) -> ClusterState:
    """Clusters on a line, and the cluster of customers c0, c1, ..."""
    customers = [f"{prefix}{place}" for place in range(len(clusters))]
    assignment = pd.DataFrame({"customer_id": customers, "cluster": clusters})
    return ClusterState(LINE, np.array(centroids)[:, None], assignment, ids)


def events_of(frame: pd.DataFrame) -> list[tuple[str, str | None, str | None, int, float | None]]:
    rows = frame[["event", "from_cluster_id", "to_cluster_id", "customers", "share"]]
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in rows.itertuples(index=False)
    ]


def test_first_clusters_are_numbered_and_nothing_is_compared() -> None:
    matching = match_clusters(None, fitted(planted(SIZES)))
    assert matching.cluster_ids == ("C1", "C2", "C3", "C4")
    assert matching.highest_id == 4
    assert matching.drift.is_within_limits
    assert set(matching.events["event"]) == {"first_fit"}
    assert matching.events["customers"].sum() == 600
    assert matching.events["share"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(4))
def test_seeds_and_the_order_of_rows_keep_all_ids(seed: int) -> None:
    frame = planted(SIZES)
    ids = ("C7", "C2", "C9", "C4")
    matching = match_clusters(
        fitted(frame, ids=ids), fitted(frame.sample(frac=1.0, random_state=seed), seed=seed)
    )
    assert matching.cluster_ids == ids
    assert matching.highest_id == 9
    assert matching.drift.is_within_limits
    assert matching.drift.moved_share == pytest.approx(0.0, abs=0.01)
    assert set(matching.events["event"]) == {"kept"}


def test_permuted_numbers_keep_the_ids() -> None:
    clusters = [1] * 10 + [2] * 20 + [3] * 30
    old = state([10.0, 5.0, 0.0], clusters, ("C1", "C2", "C3"))
    turned = {1: 3, 2: 1, 3: 2}
    new = state([5.0, 0.0, 10.0], [turned[each] for each in clusters])
    matching = match_clusters(old, new)
    assert matching.cluster_ids == ("C2", "C3", "C1")
    assert matching.drift.moved_share == 0.0
    assert matching.drift.centroid_shift == 0.0
    assert matching.drift.is_within_limits


def test_a_split() -> None:
    old = state([5.0, 0.0], [1] * 10 + [2] * 30, ("C1", "C2"))
    new = state([5.0, 0.2, -0.4], [1] * 10 + [2] * 20 + [3] * 10)
    matching = match_clusters(old, new, highest_id=6)
    assert matching.cluster_ids == ("C1", "C2", "C7")
    assert matching.highest_id == 7
    assert events_of(matching.events) == [
        ("kept", "C1", "C1", 10, 1.0),
        ("kept", "C2", "C2", 20, pytest.approx(2 / 3)),
        ("split", "C2", "C7", 10, pytest.approx(1 / 3)),
    ]
    assert matching.drift.moved_share == pytest.approx(10 / 40)
    assert not matching.drift.is_within_limits
    assert "C7 split off C2 with 33.3 % of its customers" in matching.drift.reason_en
    assert "C7 从 C2 分出" in matching.drift.reason_zh


def test_a_small_split_is_held_back_although_few_customers_move() -> None:
    old = state([5.0, 0.0], [1] * 10 + [2] * 90, ("C1", "C2"))
    new = state([5.0, 0.0, -0.4], [1] * 10 + [2] * 85 + [3] * 5)
    held = match_clusters(old, new).drift
    assert held.moved_share == pytest.approx(0.05)
    assert not held.is_within_limits
    assert held.reason_en == "Drift: C3 split off C2 with 5.6 % of its customers."
    allowed = match_clusters(old, new, MatchingOptions(allow_other_clusters=True)).drift
    assert allowed.is_within_limits


def test_a_merge_and_the_id_is_not_used_again() -> None:
    old = state([5.0, 0.2, -0.4], [1] * 10 + [2] * 20 + [3] * 10, ("C1", "C2", "C3"))
    new = state([5.0, 0.0], [1] * 10 + [2] * 30)
    matching = match_clusters(old, new)
    assert matching.cluster_ids == ("C1", "C2")
    assert matching.highest_id == 3
    assert events_of(matching.events)[-1] == ("merged", "C3", "C2", 10, 1.0)
    assert not matching.drift.is_within_limits
    again = match_clusters(
        state([5.0, 0.0], [1] * 10 + [2] * 30, matching.cluster_ids), old, highest_id=3
    )
    assert again.cluster_ids == ("C1", "C2", "C4")


def test_a_cluster_that_is_new_and_one_that_has_vanished() -> None:
    old = state([9.0, 5.0, 0.0], [1] * 12 + [2] * 12 + [3] * 12, ("C1", "C2", "C3"))
    now = [1] * 8 + [3] * 4 + [2] * 4 + [1] * 4 + [3] * 4 + [2] * 8 + [3] * 4
    matching = match_clusters(old, state([9.0, 0.0, 4.0], now))
    assert matching.cluster_ids == ("C1", "C3", "C4")
    kinds = [(row[0], row[1], row[2]) for row in events_of(matching.events)]
    assert kinds == [
        ("kept", "C1", "C1"),
        ("kept", "C3", "C3"),
        ("new", None, "C4"),
        ("vanished", "C2", None),
    ]
    assert not matching.drift.is_within_limits


def test_a_small_cluster_that_only_moved_is_held_back_by_its_centroid() -> None:
    clusters = [1] * 10 + [2] * 30
    old = state([5.0, 0.0], clusters, ("C1", "C2"))
    near = match_clusters(old, state([5.4, 0.0], clusters))
    assert near.drift.is_within_limits
    far = match_clusters(old, state([5.6, 0.0], clusters))
    assert not far.drift.is_within_limits
    assert far.drift.centroid_shift == pytest.approx(0.6)
    assert "a centroid moved by 0.60 standard deviations" in far.drift.reason_en
    loose = match_clusters(old, state([5.6, 0.0], clusters), MatchingOptions(max_centroid_shift=1))
    assert loose.drift.is_within_limits


def test_customers_who_change_cluster_are_counted_against_the_limit() -> None:
    old = state([5.0, 0.0], [1] * 20 + [2] * 30, ("C1", "C2"))
    few = match_clusters(old, state([5.0, 0.0], [1] * 15 + [2] * 35))
    assert few.drift.moved_share == pytest.approx(0.1)
    assert few.drift.is_within_limits
    more = match_clusters(old, state([5.0, 0.0], [1] * 14 + [2] * 36))
    assert more.drift.moved_share == pytest.approx(0.12)
    assert not more.drift.is_within_limits
    assert "12.0 % of customers changed cluster, more than 10.0 %" in more.drift.reason_en


def test_other_customers_are_left_out_and_without_common_ones_centroids_decide() -> None:
    old = state([5.0, 0.0], [1] * 10 + [2] * 10, ("C1", "C2"))
    grown = state([5.0, 0.0], [1] * 10 + [2] * 10 + [1] * 500)
    assert match_clusters(old, grown).drift.common_customers == 20
    strangers = match_clusters(old, state([4.8, 0.1], [1] * 10 + [2] * 10, prefix="other"))
    assert strangers.cluster_ids == ("C1", "C2")
    assert strangers.drift.moved_share is None
    assert strangers.drift.is_within_limits
    far = match_clusters(old, state([20.0, 30.0], [1] * 10 + [2] * 10, prefix="other"))
    assert far.cluster_ids == ("C3", "C4")
    assert not far.drift.is_within_limits


def test_centroids_are_compared_in_the_units_of_the_features() -> None:
    clusters = [1] * 10 + [2] * 10
    old = state([5.0, 0.0], clusters, ("C1", "C2"))
    wider = FeatureScaling(("monetary",), "none", (1.0,), (2.0,))
    same_place = ClusterState(wider, np.array([[2.0], [-0.5]]), old.assignment)
    assert match_clusters(old, same_place).drift.centroid_shift == pytest.approx(0.0)


def test_solutions_that_cannot_be_compared() -> None:
    old = state([5.0, 0.0], [1, 2], ("C1", "C2"))
    other = ClusterState(
        FeatureScaling(("monetary",), "log1p", (0.0,), (1.0,)), old.centroids, old.assignment
    )
    with pytest.raises(CustomerValueError, match="cannot be matched to clusters by"):
        match_clusters(old, other)
    for ids in ((), ("C1",), ("C1", "C1"), ("C1", "X")):
        with pytest.raises(CustomerValueError, match="not one each of the form C1"):
            match_clusters(state([5.0, 0.0], [1, 2], ids), old)
