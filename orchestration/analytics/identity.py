"""Which cluster of today is which of yesterday: lasting ids, events and drift.

Belongs here: matching two solutions, naming what became of each cluster, and the verdict whether
a new solution may take the place of the last one. Does not belong here: storing either of them.

Two solutions are matched on the customers that both have: the assignment that is best in sum of
Jaccard similarity of members, less a part for the distance of centroids, in units of the new
scaling (Hungarian method). A pair keeps its id where the members overlap enough; where no customer
is in both solutions, where the centroids are near enough. Ids are C1, C2, ...; one that has been
used is never given to another cluster.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.analytics.features import FeatureScaling
from orchestration.analytics.identity_events import EVENT_COLUMNS, cluster_events
from orchestration.analytics.sampling import CUSTOMER, FloatArray, check_customers
from orchestration.analytics.wording import percent
from orchestration.errors import CustomerValueError

_FIRST_WORDS = (
    "These are the first clusters: there is nothing to compare them with.",
    "首次聚类：没有可比较的对象。",
)


@dataclass(frozen=True, eq=False)
class ClusterState:
    """One solution: where its clusters lie and who is in them."""

    scaling: FeatureScaling
    #: In units of ``scaling``; cluster number i + 1 in row i; shape (clusters, features).
    centroids: FloatArray
    #: customer_id and cluster (the number, from 1), one row per customer.
    assignment: pd.DataFrame
    #: Lasting ids by number; empty for a solution that has none yet.
    cluster_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatchingOptions:
    """When a cluster keeps its id, and when a solution has drifted too far."""

    #: Jaccard similarity of the members that a cluster with the same id must have.
    min_overlap: float = 0.3
    #: What a centroid distance of 1 takes from the similarity, at most.
    distance_weight: float = 0.25
    #: Farthest centroid of a cluster with the same id where no customer is in both solutions.
    max_distance: float = 0.5
    #: Part of a cluster that makes another one its origin or its heir.
    majority: float = 0.5
    #: Share of common customers whose id may change.
    max_moved_share: float = 0.1
    #: Farthest that a centroid may move, in standard deviations per feature.
    max_centroid_shift: float = 0.5
    #: Whether new, split, merged and vanished clusters may pass without being accepted.
    allow_other_clusters: bool = False


@dataclass(frozen=True)
class DriftVerdict:
    """How far a new solution is from the last one, and whether it may be published."""

    is_within_limits: bool
    common_customers: int
    #: Share of the common customers whose id changed; None without any.
    moved_share: float | None
    #: Farthest move of a centroid that kept its id, root mean square over the features, in
    #: standard deviations; None where none kept it.
    centroid_shift: float | None
    reason_en: str
    reason_zh: str


@dataclass(frozen=True, eq=False)
class ClusterMatching:
    """Ids of the new clusters and what became of the old ones."""

    #: By cluster number: the id of cluster i + 1 in place i.
    cluster_ids: tuple[str, ...]
    #: event, from_cluster_id, to_cluster_id, customers, share, detail_en, detail_zh.
    events: pd.DataFrame
    drift: DriftVerdict
    #: The highest number that any id has had so far; hand it to the next matching.
    highest_id: int


def match_clusters(
    previous: ClusterState | None,
    new: ClusterState,
    options: MatchingOptions | None = None,
    highest_id: int = 0,
) -> ClusterMatching:
    """Give the new clusters the ids of those that they continue.

    To see what the model changed, and not what the customers did, assign the same snapshot by
    both models.

    Args:
        previous: the last solution with its ids; None: there is none.
        new: the solution to name.
        options: limits.
        highest_id: highest number of any id used so far, those of vanished clusters among them.

    Raises:
        CustomerValueError: the solutions are of different features or transforms, an id is
            missing or used twice, or a customer appears twice.
    """
    options = options or MatchingOptions()
    check_customers(new.assignment)
    if previous is None:
        ids, highest = _new_ids([""] * len(new.centroids), highest_id)
        return ClusterMatching(
            ids, _first_events(new, ids), DriftVerdict(True, 0, None, None, *_FIRST_WORDS), highest
        )
    _check_comparable(previous, new)
    shared = shared_customers(previous, new)
    distance = centroid_distances(previous, new)
    kept = _kept_pairs(shared, distance, options)
    known = [""] * len(new.centroids)
    for old, now in kept:
        known[now] = previous.cluster_ids[old]
    used = max([highest_id, *(int(each[1:]) for each in previous.cluster_ids)])
    ids, highest = _new_ids(known, used)
    events = cluster_events(previous.cluster_ids, ids, shared, kept, options.majority)
    drift = _verdict(shared, distance, kept, events, options)
    return ClusterMatching(ids, events, drift, highest)


def shared_customers(previous: ClusterState, new: ClusterState) -> FloatArray:
    """Customers in both solutions by old and new cluster; shape (old clusters, new clusters)."""
    both = previous.assignment[[CUSTOMER, "cluster"]].merge(
        new.assignment[[CUSTOMER, "cluster"]], on=CUSTOMER, validate="one_to_one"
    )
    shared = np.zeros((len(previous.centroids), len(new.centroids)))
    old, now = both["cluster_x"].to_numpy(), both["cluster_y"].to_numpy()
    is_in_cluster = (old > 0) & (now > 0)
    np.add.at(shared, (old[is_in_cluster] - 1, now[is_in_cluster] - 1), 1.0)
    return shared


def centroid_distances(previous: ClusterState, new: ClusterState) -> FloatArray:
    """Root mean square difference per feature, in the new scaling; shape (old, new clusters)."""
    in_units = previous.centroids * previous.scaling.scale + previous.scaling.mean
    old = (in_units - new.scaling.mean) / new.scaling.scale
    difference = old[:, None, :] - new.centroids[None, :, :]
    return np.sqrt((difference**2).mean(axis=2))


def _kept_pairs(
    shared: FloatArray, distance: FloatArray, options: MatchingOptions
) -> list[tuple[int, int]]:
    from scipy.optimize import linear_sum_assignment

    union = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    gain = overlap - options.distance_weight * distance / (1.0 + distance)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    is_comparable = shared.sum() > 0
    return [
        (int(old), int(now))
        for old, now in zip(rows, columns, strict=True)
        if (is_comparable and overlap[old, now] >= options.min_overlap)
        or (not is_comparable and distance[old, now] <= options.max_distance)
    ]


def _new_ids(known: list[str], highest: int) -> tuple[tuple[str, ...], int]:
    """Ids for the clusters that have none, in the order of their numbers."""
    ids = []
    for each in known:
        if not each:
            highest += 1
        ids.append(each or f"C{highest}")
    return tuple(ids), highest


def _first_events(new: ClusterState, ids: tuple[str, ...]) -> pd.DataFrame:
    sizes = np.bincount(np.maximum(new.assignment["cluster"], 0), minlength=len(ids) + 1)[1:]
    total = max(int(sizes.sum()), 1)
    rows = [
        ("first_fit", None, cluster_id, int(size), float(size / total), *_FIRST_WORDS)
        for cluster_id, size in zip(ids, sizes, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(EVENT_COLUMNS))


def _verdict(
    shared: FloatArray,
    distance: FloatArray,
    kept: list[tuple[int, int]],
    events: pd.DataFrame,
    options: MatchingOptions,
) -> DriftVerdict:
    common = int(shared.sum())
    stayed = sum(shared[pair] for pair in kept)
    moved = float((common - stayed) / common) if common else None
    shift = max((float(distance[pair]) for pair in kept), default=None)
    faults_en, faults_zh = [], []
    if moved is None and not kept:
        faults_en.append("no customer and no centroid is near enough to compare")
        faults_zh.append("没有可比较的客户或质心")
    if moved is not None and moved > options.max_moved_share:
        limit = percent(options.max_moved_share)
        faults_en.append(f"{percent(moved)} of customers changed cluster, more than {limit}")
        faults_zh.append(f"{percent(moved)} 的客户换了簇，超过 {limit}")
    if shift is not None and shift > options.max_centroid_shift:
        limit = f"{options.max_centroid_shift:.2f}"
        faults_en.append(f"a centroid moved by {shift:.2f} standard deviations, more than {limit}")
        faults_zh.append(f"有质心移动了 {shift:.2f} 个标准差，超过 {limit}")
    others = events[events["event"] != "kept"]
    if len(others) and not options.allow_other_clusters:
        faults_en.append("; ".join(others["detail_en"]))
        faults_zh.append("；".join(others["detail_zh"]))
    if faults_en:
        reason = (f"Drift: {'; '.join(faults_en)}.", f"漂移：{'；'.join(faults_zh)}。")
    else:
        share = "no common customers" if moved is None else f"{percent(moved)} of customers moved"
        share_zh = "没有共同客户" if moved is None else f"{percent(moved)} 的客户换了簇"
        far = 0.0 if shift is None else shift
        reason = (
            f"Within limits: {share}, centroids by at most {far:.2f} standard deviations.",
            f"在限度内：{share_zh}，质心最多移动 {far:.2f} 个标准差。",
        )
    return DriftVerdict(not faults_en, common, moved, shift, *reason)


def _check_comparable(previous: ClusterState, new: ClusterState) -> None:
    check_customers(previous.assignment)
    old, now = previous.scaling, new.scaling
    if (old.features, old.transform) != (now.features, now.transform):
        raise CustomerValueError(
            f"Clusters by {', '.join(old.features)} ({old.transform}) cannot be matched to "
            f"clusters by {', '.join(now.features)} ({now.transform}).",
            "Give the new clusters ids of their own: match them to no earlier solution.",
        )
    ids = previous.cluster_ids
    is_well_formed = all(each[:1] == "C" and each[1:].isdigit() for each in ids)
    if len(set(ids)) != len(previous.centroids) or len(ids) != len(set(ids)) or not is_well_formed:
        raise CustomerValueError(
            f"The ids of the last clusters ({', '.join(ids)}) are not one each of the form C1 for "
            f"{len(previous.centroids)} clusters.",
            "Fit clusters anew without matching, or restore the last publication.",
        )
