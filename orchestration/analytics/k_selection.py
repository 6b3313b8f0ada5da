"""How many clusters: what each number would give, and which one is taken.

Belongs here: the k report, the elbow, the rule of choice and its reasons in words. Does not belong
here: how any figure is computed (``separation``), and fitting the chosen model for good.

The rule: the best silhouette among the k whose every cluster comes back in resamples (Jaccard at
least 0.75) and holds at least 0.5 % of the customers. Where no k does both, the most stable k
whose clusters are large enough is taken, and the solution is called not stable; where none is
large enough either, the most stable one of all. Equal figures: the lower k.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from orchestration.analytics.clustering import (
    ClusterModel,
    ClusterOptions,
    distinct_points,
    find_centroids,
    fit_clusters,
    nearest,
    one_thread,
)
from orchestration.analytics.k_reasons import flagged_k, reasons
from orchestration.analytics.sampling import (
    CUSTOMER,
    FloatArray,
    IntArray,
    customer_hashes,
    sample_customers,
)
from orchestration.analytics.separation import (
    adjusted_rand,
    bootstrap_jaccard,
    calinski_harabasz,
    davies_bouldin,
    silhouettes,
)
from orchestration.errors import CustomerValueError

REPORT_COLUMNS = (
    "k",
    "inertia",
    "silhouette",
    "davies_bouldin",
    "calinski_harabasz",
    "smallest_cluster_customers",
    "smallest_cluster_share",
    "min_bootstrap_jaccard",
    "mini_batch_agreement",
    "is_stable",
    "is_elbow",
    "is_best_silhouette",
    "is_chosen",
)
_DIGITS = 6


@dataclass(frozen=True)
class KSelectionOptions:
    """Which numbers of clusters are looked at, and how closely."""

    #: Algorithm, features, transform, seed; its k is not used.
    clusters: ClusterOptions = field(default_factory=ClusterOptions)
    k_min: int = 2
    k_max: int = 10
    #: Resamples per k for the Jaccard similarity.
    resamples: int = 20
    #: Customers at most for silhouettes and for agreement with mini-batch k-means.
    silhouette_limit: int = 20_000
    #: Customers at most in a resample.
    bootstrap_limit: int = 20_000
    #: What the least stable cluster must reach.
    min_jaccard: float = 0.75
    #: What the smallest cluster must hold of all customers.
    min_share: float = 0.005


@dataclass(frozen=True)
class KChoice:
    """The number of clusters taken, and why."""

    k: int
    #: Whether every cluster of it comes back in resamples.
    is_stable: bool
    #: Whether no k met the rule, so that the most stable was taken.
    is_fallback: bool
    elbow_k: int | None
    best_silhouette_k: int | None
    reason_en: str
    reason_zh: str


def k_report(frame: pd.DataFrame, options: KSelectionOptions | None = None) -> pd.DataFrame:
    """What each number of clusters would give; one row per k, columns REPORT_COLUMNS.

    k runs from k_min to k_max but not beyond the number of distinct customers; where all
    customers are alike the only row is k = 1. ``smallest_cluster_...`` are of all customers, the
    other figures of those fitted on, or of a seeded sample of them. A figure that is not defined,
    such as the silhouette of as many clusters as customers, is null.

    Args:
        frame: one row per customer: customer_id and the features.

    Raises:
        CustomerValueError: there is no customer, a value cannot be used, or the algorithm finds
            its number of clusters itself.
    """
    options = options or KSelectionOptions()
    if options.clusters.algorithm not in ("kmeans", "mini_batch_kmeans"):
        raise CustomerValueError(
            f"The k report cannot be made for {options.clusters.algorithm}, which finds its number "
            "of clusters itself.",
            "Use kmeans or mini_batch_kmeans.",
        )
    if not 1 <= options.k_min <= options.k_max or options.resamples < 1:
        raise CustomerValueError(
            f"The k report cannot run from k = {options.k_min} to {options.k_max} with "
            f"{options.resamples} resamples.",
            "Choose 1 <= k_min <= k_max and at least one resample.",
        )
    fitted = sample_customers(frame, options.clusters.fit_limit, options.clusters.seed)
    first = fit_clusters(fitted, replace(options.clusters, k=1))
    everyone, points = first.scaling.apply(frame), first.scaling.apply(fitted)
    most = distinct_points(points, options.k_max)
    models = [first]
    models += [
        fit_clusters(fitted, replace(options.clusters, k=k))
        for k in range(max(2, options.k_min), most + 1)
    ]
    if options.k_min > 1 and len(models) > 1:
        models = models[1:]
    labels = [model.labels["cluster"].to_numpy(dtype=np.int64) for model in models]
    seed = options.clusters.seed
    seen = _sample(fitted[CUSTOMER], options.silhouette_limit, seed)
    drawn = _sample(fitted[CUSTOMER], options.bootstrap_limit, seed)
    with one_thread():
        silhouette = silhouettes(points[seen], [each[seen] for each in labels])
        rows = []
        for model, own, value in zip(models, labels, silhouette, strict=True):
            jaccard = _jaccard(points[drawn], own[drawn], model.k, options)
            smallest = _smallest(everyone, model)
            rows.append(
                {
                    "k": model.k,
                    "inertia": model.inertia,
                    "silhouette": value,
                    "davies_bouldin": davies_bouldin(points, own),
                    "calinski_harabasz": calinski_harabasz(points, own),
                    "smallest_cluster_customers": smallest,
                    "smallest_cluster_share": smallest / len(frame),
                    "min_bootstrap_jaccard": jaccard,
                    "mini_batch_agreement": _agreement(points[seen], own[seen], model),
                }
            )
    return _with_choice(pd.DataFrame(rows).round(_DIGITS), first.inertia, options)


def choose_k(
    report: pd.DataFrame, options: KSelectionOptions | None = None, fixed_k: int | None = None
) -> KChoice:
    """The number of clusters by the rule, or the fixed one, and what else would have been taken.

    Args:
        report: as ``k_report`` returns it.
        options: the bounds of the rule.
        fixed_k: the number that a person has set; None: by the rule.

    Raises:
        CustomerValueError: the report has no row, or the fixed number is not in it.
    """
    options = options or KSelectionOptions()
    if report.empty:
        raise CustomerValueError("The k report has no rows.", "Make it for at least one k.")
    table = report.set_index("k")
    elbow = flagged_k(table, "is_elbow")
    silhouette_k = flagged_k(table, "is_best_silhouette")
    if fixed_k is not None:
        if fixed_k not in table.index:
            raise CustomerValueError(
                f"The k report has no row for k = {fixed_k}; it goes from {table.index.min()} to "
                f"{table.index.max()}.",
                "Choose k within the report, or widen the report.",
            )
        k, is_fallback = fixed_k, False
    else:
        k, is_fallback = _by_rule(table, options)
    reason_en, reason_zh = reasons(
        table, k, fixed_k is not None, is_fallback, options.min_jaccard, options.min_share
    )
    return KChoice(
        k, bool(table["is_stable"][k]), is_fallback, elbow, silhouette_k, reason_en, reason_zh
    )


def elbow_of(ks: Sequence[int], inertias: Sequence[float]) -> int | None:
    """The k where the curve of inertia bends most; None where it does not bend.

    Both axes are scaled to 1; the bend is farthest below the straight line from the first point
    to the last. Equal bends: the lower k.

    Args:
        ks: rising, with k = 1 first.
        inertias: inertia of each.
    """
    if len(ks) < 3 or inertias[0] <= inertias[-1]:
        return None
    width, height = ks[-1] - ks[0], inertias[0] - inertias[-1]
    bends = [
        1.0 - (k - ks[0]) / width - (inertia - inertias[-1]) / height
        for k, inertia in zip(ks, inertias, strict=True)
    ]
    best = int(np.argmax(np.round(bends, _DIGITS)))
    return ks[best] if bends[best] > 0 else None


def _with_choice(
    report: pd.DataFrame, total_inertia: float, options: KSelectionOptions
) -> pd.DataFrame:
    ks = [int(k) for k in report["k"]]
    inertias = [float(inertia) for inertia in report["inertia"]]
    if ks[0] != 1:
        ks, inertias = [1, *ks], [total_inertia, *inertias]
    elbow = elbow_of(ks, inertias)
    best = report["silhouette"].idxmax() if report["silhouette"].notna().any() else None
    report["is_stable"] = report["min_bootstrap_jaccard"] >= options.min_jaccard
    report["is_elbow"] = report["k"] == (elbow if elbow is not None else -1)
    report["is_best_silhouette"] = report.index == (best if best is not None else -1)
    report["is_chosen"] = report["k"] == choose_k(report, options).k
    return report[list(REPORT_COLUMNS)]


def _by_rule(table: pd.DataFrame, options: KSelectionOptions) -> tuple[int, bool]:
    is_large = table["smallest_cluster_share"] >= options.min_share
    eligible = table[is_large & table["is_stable"]]
    if not eligible.empty:
        silhouette = eligible["silhouette"].fillna(-1.0)
        return int(silhouette.index[int(silhouette.to_numpy().argmax())]), False
    jaccard = (table[is_large] if is_large.any() else table)["min_bootstrap_jaccard"]
    return int(jaccard.index[int(jaccard.to_numpy().argmax())]), True


def _sample(customers: pd.Series, limit: int, seed: int) -> IntArray:
    """Places of at most ``limit`` customers, rising."""
    if len(customers) <= limit:
        return np.arange(len(customers))
    # Another seed than that of the fit: else the sample of a sample would be its lowest hashes.
    hashes = customer_hashes(customers, seed + 1)
    return np.sort(np.argsort(hashes, kind="stable")[:limit])


def _smallest(points: FloatArray, model: ClusterModel) -> int:
    labels = nearest(points, model.centroids)[0]
    return int(np.bincount(labels, minlength=model.k + 1)[1:].min())


def _jaccard(points: FloatArray, labels: IntArray, k: int, options: KSelectionOptions) -> float:
    if k == 1:
        return 1.0
    fit = replace(options.clusters, k=k)
    return float(bootstrap_jaccard(points, labels, fit, options.resamples).min())


def _agreement(points: FloatArray, labels: IntArray, model: ClusterModel) -> float:
    """Adjusted Rand index with the other one of k-means and mini-batch k-means."""
    if distinct_points(points, model.k) < model.k:
        return float("nan")
    is_batch = model.options.algorithm == "mini_batch_kmeans"
    other = replace(model.options, algorithm="kmeans" if is_batch else "mini_batch_kmeans")
    return adjusted_rand(labels, nearest(points, find_centroids(points, other))[0])
