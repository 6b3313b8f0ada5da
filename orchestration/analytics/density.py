"""Clusters as dense places: DBSCAN and HDBSCAN, to compare with.

Belongs here: the labels of the two and the radius of DBSCAN. Does not belong here: clusters with
centroids (``clustering``).
"""

import numpy as np

from orchestration.analytics.sampling import FloatArray, IntArray

#: The radius is searched among this part of the distances, without the farthest customers.
_SEARCHED_SHARE = 0.98


def density_labels(
    points: FloatArray, is_hierarchical: bool, min_cluster_size: int, eps: float | None
) -> IntArray:
    """Cluster of each point, from 0, and -1 for noise; shape (points,).

    Args:
        points: shape (points, features).
        is_hierarchical: HDBSCAN instead of DBSCAN.
        min_cluster_size: smallest cluster of HDBSCAN, neighbours of a dense point for DBSCAN.
        eps: radius of DBSCAN; None: ``bend_of_distances``.
    """
    from sklearn.cluster import DBSCAN, HDBSCAN

    size = max(2, min(min_cluster_size, len(points)))
    if len(points) < 2:
        return np.full(len(points), -1, dtype=np.int64)
    if is_hierarchical:
        model = HDBSCAN(min_cluster_size=size, copy=True)
    else:
        model = DBSCAN(eps=eps or bend_of_distances(points, size), min_samples=size)
    return np.asarray(model.fit_predict(points), dtype=np.int64)


def bend_of_distances(points: FloatArray, neighbours: int) -> float:
    """Radius within which most points have that many neighbours and outliers do not.

    The distances to the last of the neighbours, sorted, lie on a curve; the radius is the place
    farthest below the straight line from its first to its last point, the farthest two in a
    hundred left out.
    """
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=neighbours).fit(points)
    distances = np.sort(finder.kneighbors(points)[0][:, -1])
    distances = distances[: max(2, int(np.ceil(_SEARCHED_SHARE * len(distances))))]
    line = np.linspace(distances[0], distances[-1], len(distances))
    radius = float(distances[np.argmax(line - distances)])
    positive = distances[distances > 0]
    smallest = float(positive[0]) if len(positive) else 1.0
    return max(radius, smallest)
