"""How far apart clusters are and whether they would be found again.

Belongs here: silhouette of many solutions at once, Davies-Bouldin, Calinski-Harabasz, bootstrap
Jaccard, adjusted Rand index. Does not belong here: what follows from them (``k_selection``).

Silhouette is computed here and not by scikit-learn because all solutions share the distances,
which take nearly all of the time.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from orchestration.analytics.clustering import ClusterOptions, find_centroids, nearest
from orchestration.analytics.sampling import FloatArray, IntArray

_CHUNK = 1_000
#: Starts of a fit on a resample: with one, stable clusters look unstable.
_STARTS = 10


def silhouettes(points: FloatArray, solutions: Sequence[IntArray]) -> list[float]:
    """Mean silhouette of each solution; nan where fewer than 2 or all points are clusters.

    A point that is alone in its cluster counts 0.

    Args:
        points: shape (points, features).
        solutions: labels of the points, one array of shape (points,) each.
    """
    from scipy.spatial.distance import cdist

    encoded = [np.unique(labels, return_inverse=True)[1] for labels in solutions]
    counts = [np.bincount(codes) for codes in encoded]
    starts = np.cumsum([0, *(len(count) for count in counts)])
    member = np.zeros((len(points), starts[-1]))
    for codes, start in zip(encoded, starts, strict=False):
        member[np.arange(len(points)), start + codes] = 1.0
    totals = np.zeros(len(solutions))
    for first in range(0, len(points), _CHUNK):
        rows = slice(first, first + _CHUNK)
        sums = cdist(points[rows], points) @ member
        for index, (codes, count) in enumerate(zip(encoded, counts, strict=True)):
            own_sums = sums[:, starts[index] : starts[index + 1]]
            totals[index] += _silhouette_sum(own_sums, codes[rows], count)
    is_defined = [2 <= len(count) < len(points) for count in counts]
    return [
        float(total / len(points)) if defined else float("nan")
        for total, defined in zip(totals, is_defined, strict=True)
    ]


def davies_bouldin(points: FloatArray, labels: IntArray) -> float:
    """Mean over the clusters of the worst ratio of spread to distance; lower is better."""
    from sklearn.metrics import davies_bouldin_score

    if not 2 <= len(np.unique(labels)) < len(points):
        return float("nan")
    return float(davies_bouldin_score(points, labels))


def calinski_harabasz(points: FloatArray, labels: IntArray) -> float:
    """Variance between clusters to that within, by degrees of freedom; nan without any within."""
    from sklearn.metrics import calinski_harabasz_score

    if not 2 <= len(np.unique(labels)) < len(points):
        return float("nan")
    if all(np.ptp(points[labels == label], axis=0).max() == 0.0 for label in np.unique(labels)):
        return float("nan")
    return float(calinski_harabasz_score(points, labels))


def adjusted_rand(first: IntArray, second: IntArray) -> float:
    """Agreement of two solutions on which pairs belong together: 1 if equal, about 0 by chance."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(first, second))


def bootstrap_jaccard(
    points: FloatArray, labels: IntArray, options: ClusterOptions, resamples: int
) -> FloatArray:
    """Mean Jaccard similarity of each cluster with its best likeness in resamples.

    In each resample, as many points are drawn with replacement as there are and clustered anew;
    among the points drawn, each cluster is compared with all new ones and the best counts
    (Hennig 2007). A resample with fewer distinct points than clusters, or without a point of
    the cluster, counts 0 for it.

    Args:
        points: shape (points, features).
        labels: clusters 1 to k of the points.
        options: algorithm, k and seed of the fits, each with ten starts.
        resamples: number of resamples, at least 1.

    Returns:
        shape (k,).
    """
    k = options.k
    rng = np.random.default_rng([options.seed, k])
    total = np.zeros(k)
    for resample in range(resamples):
        drawn = np.bincount(rng.integers(0, len(points), len(points)), minlength=len(points))
        rows = np.flatnonzero(drawn)
        own_points, own_labels = points[rows], labels[rows]
        if len(np.unique(own_points, axis=0)) < k:
            continue
        refit = replace(options, seed=options.seed + 1 + resample, n_init=_STARTS)
        centroids = find_centroids(own_points, refit, drawn[rows].astype(np.float64))
        found = nearest(own_points, centroids)[0]
        shared = np.zeros((k, k))
        np.add.at(shared, (own_labels - 1, found - 1), 1.0)
        union = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
        total += np.divide(shared, union, out=np.zeros_like(shared), where=union > 0).max(axis=1)
    return total / resamples


def _silhouette_sum(sums: FloatArray, codes: IntArray, counts: IntArray) -> float:
    """Sum of the silhouettes of some points.

    Args:
        sums: their distances to all points, added up by cluster; shape (points, clusters).
        codes: their own clusters.
        counts: points per cluster.
    """
    rows = np.arange(len(codes))
    own_count = counts[codes]
    within = sums[rows, codes] / np.maximum(own_count - 1, 1)
    others = sums / counts
    others[rows, codes] = np.inf
    between = others.min(axis=1)
    largest = np.maximum(within, between)
    is_counted = (own_count > 1) & (largest > 0) & np.isfinite(between)
    value = np.divide(between - within, largest, out=np.zeros_like(between), where=is_counted)
    return float(value[is_counted].sum())
