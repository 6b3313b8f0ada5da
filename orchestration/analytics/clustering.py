"""Clusters of customers: fitting them and saying which one a customer belongs to.

Belongs here: the one interface to the algorithms, the numbering of clusters and the nearest
centroid. Does not belong here: how many clusters to make (``k_selection``), their lasting ids
(``identity``) and names (``personas``).

Clusters are numbered from 1 by falling mean of monetary (of the first feature where monetary is
none of them) of the customers they were fitted on; equal means by falling centroid. A customer is
in the cluster whose centroid is nearest, of several equally near ones in that with the lowest
number. The squared distance is added up feature by feature, from the first one on, as SQL does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from orchestration.analytics.density import density_labels
from orchestration.analytics.features import (
    FeatureScaling,
    Transform,
    feature_values,
    rounded,
)
from orchestration.analytics.sampling import (
    CUSTOMER,
    FloatArray,
    IntArray,
    check_customers,
    sample_customers,
)
from orchestration.errors import CustomerValueError

Algorithm = Literal["kmeans", "mini_batch_kmeans", "dbscan", "hdbscan"]

#: Label of customers that a density algorithm puts into no cluster.
NOISE = -1
DEFAULT_FEATURES = ("recency_days", "frequency", "monetary")
#: Clusters are numbered by it.
RANKING_FEATURE = "monetary"

_DENSITY_ALGORITHMS = ("dbscan", "hdbscan")
_MAX_ITERATIONS = 1_000
#: Points that starts are tried on; the best one is followed on all points.
_START_LIMIT = 20_000


@dataclass(frozen=True)
class ClusterOptions:
    """What to cluster by and how."""

    features: tuple[str, ...] = DEFAULT_FEATURES
    transform: Transform = "log1p"
    algorithm: Algorithm = "kmeans"
    #: Number of clusters; density algorithms find their own.
    k: int = 3
    seed: int = 0
    #: Starts, of which the best is taken. Ten find clusters that are there; where the optimum is
    #: flat, fifty are needed for different seeds to agree on all but one customer in a hundred.
    n_init: int = 50
    #: Customers to fit on at most; above, on a sample.
    fit_limit: int = 200_000
    #: The same for density algorithms, whose effort grows faster.
    density_limit: int = 20_000
    #: Customers that make a dense place: neighbours for DBSCAN, smallest cluster for HDBSCAN.
    min_cluster_size: int = 25
    #: Radius of DBSCAN in scaled units; None: where the distances to the neighbour bend.
    eps: float | None = None


@dataclass(frozen=True, eq=False)
class ClusterModel:
    """Clusters as they were found."""

    options: ClusterOptions
    scaling: FeatureScaling
    #: Cluster i + 1 has its centre in row i, in scaled units; shape (clusters, features).
    centroids: FloatArray
    #: customer_id and cluster of the customers fitted on, in the order of their ids.
    labels: pd.DataFrame
    #: Sum of squared scaled distances to the own centroid, without noise.
    inertia: float

    @property
    def k(self) -> int:
        """Number of clusters; noise is none."""
        return len(self.centroids)

    @property
    def is_assignable(self) -> bool:
        """Whether the nearest centroid says which cluster a customer is in."""
        return self.options.algorithm not in _DENSITY_ALGORITHMS

    @property
    def centers(self) -> FloatArray:
        """Centroids in the units of the features; shape (clusters, features)."""
        return self.scaling.invert(self.centroids)


def fit_clusters(frame: pd.DataFrame, options: ClusterOptions) -> ClusterModel:
    """Find clusters among customers.

    The result depends on the customers and their values and not on the order of the rows.

    Args:
        frame: one row per customer: customer_id and the features.
        options: features, algorithm, number of clusters, seed.

    Raises:
        CustomerValueError: there is no customer, a value cannot be used, or there are fewer
            distinct customers than clusters.
    """
    is_density = options.algorithm in _DENSITY_ALGORITHMS
    limit = options.density_limit if is_density else options.fit_limit
    fitted = sample_customers(frame, limit, options.seed)
    scaling = FeatureScaling.fit(fitted, options.features, options.transform)
    points = scaling.apply(fitted)
    with one_thread():
        if is_density:
            raw = density_labels(
                points, options.algorithm == "hdbscan", options.min_cluster_size, options.eps
            )
            found = np.unique(raw[raw >= 0])
            means = [points[raw == label].mean(axis=0) for label in found]
            centroids = np.array(means).reshape(len(found), points.shape[1])
        else:
            centroids = find_centroids(points, options)
            raw = nearest(points, centroids)[0] - 1
    values = feature_values(fitted, (_ranking_feature(options.features),))[:, 0]
    number = _numbers(raw, centroids, values)
    ordered = np.empty_like(centroids)
    ordered[number - 1] = centroids
    ordered = np.array([rounded(row) for row in ordered]).reshape(centroids.shape)
    if is_density:
        labels = np.where(raw >= 0, number[np.maximum(raw, 0)], NOISE) if len(number) else raw
        kept = labels > 0
        own = ordered[np.maximum(labels, 1) - 1][kept] if len(number) else points[:0]
        inertia = float(((points[kept] - own) ** 2).sum())
    else:
        labels, squared = nearest(points, ordered)
        inertia = float(squared.sum())
    table = pd.DataFrame({CUSTOMER: fitted[CUSTOMER], "cluster": labels})
    return ClusterModel(options, scaling, ordered, table, rounded(np.array([inertia]))[0])


def assign(model: ClusterModel, frame: pd.DataFrame) -> pd.DataFrame:
    """Cluster of each customer: the nearest centroid, the lowest number where several are.

    Args:
        model: of an algorithm with centroids.
        frame: one row per customer: customer_id and the features.

    Returns:
        customer_id, cluster and distance (scaled), in the order of the rows of ``frame``.

    Raises:
        CustomerValueError: the model is of a density algorithm, or a value cannot be used.
    """
    if not model.is_assignable:
        raise CustomerValueError(
            f"Clusters of {model.options.algorithm} cannot be given to other customers: they have "
            "no centroids that would decide.",
            "Use kmeans or mini_batch_kmeans; density algorithms are there to compare with.",
        )
    return assign_to_centroids(model.scaling, model.centroids, frame)


def assign_to_centroids(
    scaling: FeatureScaling, centroids: FloatArray, frame: pd.DataFrame
) -> pd.DataFrame:
    """The same as ``assign`` for a model that is known by its scaling and centroids alone."""
    check_customers(frame)
    labels, squared = nearest(scaling.apply(frame), centroids)
    return pd.DataFrame(
        {CUSTOMER: frame[CUSTOMER].to_numpy(), "cluster": labels, "distance": np.sqrt(squared)}
    )


def nearest(points: FloatArray, centroids: FloatArray) -> tuple[IntArray, FloatArray]:
    """Number of the nearest centroid, from 1, and the squared distance to it; shapes (points,)."""
    labels = np.ones(len(points), dtype=np.int64)
    best = np.full(len(points), np.inf)
    for index, centroid in enumerate(centroids):
        squared = np.zeros(len(points))
        for feature, center in enumerate(centroid):
            difference = points[:, feature] - center
            squared += difference * difference
        is_nearer = squared < best
        labels[is_nearer] = index + 1
        best[is_nearer] = squared[is_nearer]
    return labels, best


def find_centroids(
    points: FloatArray, options: ClusterOptions, weights: FloatArray | None = None
) -> FloatArray:
    """Centroids of k-means or mini-batch k-means, in no particular order.

    The best of ``n_init`` starts of k-means, on a seeded sample above 20,000 points, is followed on
    all points until none changes cluster: so different seeds end in the same place more often.

    Args:
        points: shape (points, features), in an order that does not depend on chance.
        options: algorithm, k, seed and n_init are used.
        weights: how often each point counts; shape (points,).

    Raises:
        CustomerValueError: k is below 1, or there are fewer distinct points.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    check_k(points, options.k)
    if options.algorithm == "mini_batch_kmeans":
        model = MiniBatchKMeans(
            options.k, n_init=options.n_init, random_state=options.seed, batch_size=4_096
        ).fit(points, sample_weight=weights)
        return model.cluster_centers_.astype(np.float64)
    tried, tried_weights = points, weights
    if len(points) > _START_LIMIT:
        rng = np.random.default_rng(options.seed)
        chosen = np.sort(rng.choice(len(points), _START_LIMIT, replace=False))
        if distinct_points(points[chosen], options.k) == options.k:
            tried = points[chosen]
            tried_weights = None if weights is None else weights[chosen]
    start = KMeans(options.k, n_init=options.n_init, random_state=options.seed)
    start.fit(tried, sample_weight=tried_weights)
    end = KMeans(options.k, init=start.cluster_centers_, n_init=1, max_iter=_MAX_ITERATIONS, tol=0)
    return end.fit(points, sample_weight=weights).cluster_centers_.astype(np.float64)


def check_k(points: FloatArray, k: int) -> None:
    """Stop where ``k`` clusters cannot be made of the points.

    Raises:
        CustomerValueError: k is below 1, or there are fewer distinct points.
    """
    if k < 1:
        raise CustomerValueError(
            f"{k} clusters cannot be made.", "Choose a number of clusters of at least 1."
        )
    distinct = distinct_points(points, k)
    if distinct < k:
        raise CustomerValueError(
            f"{k} clusters cannot be made of {len(points)} customers: only {distinct} of them "
            "differ in their features.",
            f"Choose at most {distinct} clusters, let k be chosen automatically, or cluster by "
            "more features.",
        )


def distinct_points(points: FloatArray, at_most: int) -> int:
    """Number of distinct points, counted no further than ``at_most``."""
    found: set[bytes] = set()
    for point in points + 0.0:  # -0.0 becomes 0.0
        found.add(point.tobytes())
        if len(found) >= at_most:
            break
    return len(found)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: sums are then added in one order, whatever the machine."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def _ranking_feature(features: tuple[str, ...]) -> str:
    return RANKING_FEATURE if RANKING_FEATURE in features else features[0]


def _numbers(raw: IntArray, centroids: FloatArray, values: FloatArray) -> IntArray:
    """Number, from 1, of each found cluster; shape (clusters,)."""
    members = [values[raw == index] for index in range(len(centroids))]
    means = [own.mean() if len(own) else -np.inf for own in members]
    keys = [(-mean, *(-centroid)) for mean, centroid in zip(means, centroids, strict=True)]
    number = np.empty(len(centroids), dtype=np.int64)
    for place, index in enumerate(sorted(range(len(keys)), key=lambda index: keys[index])):
        number[index] = place + 1
    return number
