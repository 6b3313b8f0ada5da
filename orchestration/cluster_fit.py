"""Fitting a model of clusters on the customers of a build, and all that is told of it.

Belongs here: from the frames of the warehouse, through the computations of ``analytics/``, to the
learned tables. Does not belong here: the computations themselves, and whether a model is fitted at
all (``cluster_model.py``).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.cluster_frames import (
    Quarter,
    last_quarters,
    read_customers,
    read_customers_at,
    read_quarter,
    read_schemes,
    read_stored_model,
)
from orchestration.fingerprint import model_settings_digest
from orchestration.learned_tables import LEARNED_TABLES, table_of
from orchestration.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from orchestration.analytics.clustering import ClusterModel, ClusterOptions
    from orchestration.analytics.identity import ClusterMatching
    from orchestration.analytics.k_selection import KChoice
    from orchestration.cluster_model import FitReason, ModelRequest

_SAMPLE_LIMIT = 2_000
#: Why no cluster goes on from an earlier one, in English and Chinese.
_NOT_COMPARABLE: "Mapping[FitReason, tuple[str, str]]" = {
    "settings_changed": (
        "settings that clusters follow from have changed, so that they cannot be compared with "
        "the earlier ones",
        "聚类所依据的设置已更改，无法与此前的簇比较",
    ),
    "earlier_date": (
        "the as-of date lies before the customers that the earlier clusters were fitted on, so "
        "that they are not used",
        "截止日期早于此前拟合所用的客户数据，因此不沿用此前的簇",
    ),
}


@dataclass(frozen=True)
class Fit:
    """A model that has been fitted, as learned tables, and how far it is from the published one.

    ``drift`` is the share of customers that it moves, None where nothing was comparable.
    """

    model_id: str
    tables: "Mapping[str, pd.DataFrame]" = field(repr=False)
    is_held_back: bool = False
    drift: float | None = None
    verdict: str = ""
    events: tuple[str, ...] = ()


def fit(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    published: str | None,
    reason: "FitReason",
    request: "ModelRequest",
    as_of: date,
) -> Fit:
    """Fit a model on the customers of the as-of snapshot.

    Args:
        con: the warehouse, with the marts that are being built attached.
        settings: how to cluster.
        published: name that the last publication is attached under; None: there is no earlier
            model.
        reason: why a model is fitted; only one that was asked for is matched with the published.
        request: whether drift is accepted.
        as_of: date of the customers.

    Raises:
        CustomerValueError: the customers cannot be clustered as the settings say.
    """
    from orchestration.analytics.clustering import assign, fit_clusters

    customers = read_customers(con, settings.cluster_features)
    choice, report = _choose_k(customers, settings)
    model = fit_clusters(customers, replace(_options(settings), k=choice.k))
    assignment = assign(model, customers)
    model_id = _model_id(as_of, model, settings)
    matching = _match(con, settings, published, reason, model, assignment, customers)
    is_drifting = not matching.drift.is_within_limits
    events = _events(con, published, matching, reason, request, model_id, as_of)
    tables = {
        "cluster_model": _model_row(model, choice, settings, model_id, as_of, len(customers)),
        "clusters": _clusters(model, customers, assignment, matching.cluster_ids),
        "cluster_centroids": _centroids(model, matching.cluster_ids, model_id),
        "cluster_k_selection": report.assign(model_id=model_id),
        "cluster_events": events,
        "cluster_prediction": _prediction(con, settings, choice.k),
        "cluster_sample": _sample(model, customers, assignment, matching.cluster_ids),
    }
    is_compared = matching.drift.moved_share is not None or is_drifting
    return Fit(
        model_id,
        tables,
        is_held_back=is_drifting and not request.is_drift_accepted,
        drift=matching.drift.moved_share,
        verdict=matching.drift.reason_en if is_compared else "",
        events=tuple(events["detail_en"][events["model_id"] == model_id]),
    )


def _options(settings: Settings) -> "ClusterOptions":
    from orchestration.analytics.clustering import ClusterOptions

    return ClusterOptions(
        features=settings.cluster_features,
        transform=settings.cluster_transform,
        algorithm=settings.cluster_algorithm,
        seed=settings.cluster_seed,
    )


def _choose_k(customers: "pd.DataFrame", settings: Settings) -> "tuple[KChoice, pd.DataFrame]":
    """The number of clusters and the k report, with what is taken marked in it."""
    from orchestration.analytics.k_selection import KSelectionOptions, choose_k, k_report

    fixed = None if settings.cluster_k == "auto" else settings.cluster_k
    options = KSelectionOptions(
        clusters=_options(settings),
        k_min=min(2, fixed or 2),
        k_max=max(settings.cluster_max_k, fixed or 0),
    )
    report = k_report(customers, options)
    choice = choose_k(report, options, fixed)
    return choice, report.assign(is_chosen=report["k"] == choice.k)


def _model_id(as_of: date, model: "ClusterModel", settings: Settings) -> str:
    """The date and a digest: equal models of equal settings have the same."""
    told = json.dumps(
        [
            model_settings_digest(settings),
            model.scaling.mean,
            model.scaling.scale,
            model.centroids.tolist(),
        ]
    )
    return f"{as_of.isoformat()}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _match(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    published: str | None,
    reason: "FitReason",
    model: "ClusterModel",
    assignment: "pd.DataFrame",
    customers: "pd.DataFrame",
) -> "ClusterMatching":
    """Lasting ids: both models assign today's customers, so that only the model can differ."""
    from orchestration.analytics.clustering import assign_to_centroids
    from orchestration.analytics.identity import ClusterState, MatchingOptions, match_clusters

    previous = None
    if published is not None and reason == "asked_for":
        stored = read_stored_model(con, settings.cluster_transform, published)
        before = assign_to_centroids(stored.scaling, stored.centroids, customers)
        previous = ClusterState(stored.scaling, stored.centroids, before, stored.cluster_ids)
    return match_clusters(
        previous,
        ClusterState(model.scaling, model.centroids, assignment),
        MatchingOptions(max_moved_share=settings.cluster_drift_limit),
        _highest_id(con, published),
    )


def _highest_id(con: duckdb.DuckDBPyConnection, published: str | None) -> int:
    """The highest number of any id ever published; 0 without one."""
    if published is None:
        return 0
    used = set(table_of(con, "clusters", published)["cluster_id"])
    for column in ("from_cluster_id", "to_cluster_id"):
        used |= set(table_of(con, "cluster_events", published)[column].dropna())
    return max(int(name.removeprefix("C")) for name in used)


def _events(
    con: duckdb.DuckDBPyConnection,
    published: str | None,
    matching: "ClusterMatching",
    reason: "FitReason",
    request: "ModelRequest",
    model_id: str,
    as_of: date,
) -> "pd.DataFrame":
    """What happened now, after all that has happened before."""
    import pandas as pd

    now = matching.events
    if reason in _NOT_COMPARABLE:
        english, chinese = _NOT_COMPARABLE[reason]
        now = now.assign(
            event="settings_changed",
            detail_en=[f"{name}: {english}" for name in now["to_cluster_id"]],
            detail_zh=[f"{name}：{chinese}" for name in now["to_cluster_id"]],
        )
    if request.is_drift_accepted and not matching.drift.is_within_limits:
        accepted = {
            "event": "drift_accepted",
            "customers": matching.drift.common_customers,
            "share": matching.drift.moved_share,
            "detail_en": matching.drift.reason_en,
            "detail_zh": matching.drift.reason_zh,
        }
        now = pd.DataFrame([*now.to_dict("records"), accepted])
    before = table_of(con, "cluster_events", published) if published is not None else None
    first = 1 if before is None or before.empty else int(before["event_number"].max()) + 1
    now = now.assign(
        model_id=model_id,
        snapshot_date=as_of,
        event_number=range(first, first + len(now)),
        customers=now["customers"].astype("int64"),
    )
    columns = LEARNED_TABLES["cluster_events"].column_names
    rows = [] if before is None else before.to_dict("records")
    everything = pd.DataFrame([*rows, *now.to_dict("records")], columns=columns)
    text = everything[["from_cluster_id", "to_cluster_id"]].astype("string")
    return everything.assign(
        snapshot_date=pd.to_datetime(everything["snapshot_date"]),
        from_cluster_id=text["from_cluster_id"],
        to_cluster_id=text["to_cluster_id"],
    )


def _model_row(
    model: "ClusterModel",
    choice: "KChoice",
    settings: Settings,
    model_id: str,
    as_of: date,
    customer_count: int,
) -> "pd.DataFrame":
    import pandas as pd

    row: dict[str, Any] = {
        "model_id": model_id,
        "snapshot_date": pd.Timestamp(as_of),
        "algorithm": settings.cluster_algorithm,
        "transform": settings.cluster_transform,
        "k": choice.k,
        "seed": settings.cluster_seed,
        "fitted_customers": min(customer_count, model.options.fit_limit),
        "chosen_by": "auto" if settings.cluster_k == "auto" else "fixed",
        "reason_en": choice.reason_en,
        "reason_zh": choice.reason_zh,
        "is_stable": choice.is_stable,
        "settings_digest": model_settings_digest(settings),
    }
    return pd.DataFrame([row])


def _clusters(
    model: "ClusterModel",
    customers: "pd.DataFrame",
    assignment: "pd.DataFrame",
    cluster_ids: Sequence[str],
) -> "pd.DataFrame":
    from orchestration.analytics.explain import explain_clusters
    from orchestration.analytics.personas import name_clusters

    rules = explain_clusters(customers, assignment, model.scaling.features, seed=model.options.seed)
    named = name_clusters(model).merge(rules, on="cluster", how="left")
    return named.assign(cluster_id=list(cluster_ids)).rename(
        columns={
            "cluster": "cluster_number",
            "name_en": "cluster_name",
            "name_zh": "cluster_name_zh",
        }
    )


def _centroids(model: "ClusterModel", cluster_ids: Sequence[str], model_id: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "model_id": model_id,
                "cluster_id": cluster_id,
                "feature": feature,
                "feature_number": place + 1,
                "mean": model.scaling.mean[place],
                "scale": model.scaling.scale[place],
                "center_scaled": float(model.centroids[number, place]),
                "center": float(model.centers[number, place]),
            }
            for number, cluster_id in enumerate(cluster_ids)
            for place, feature in enumerate(model.scaling.features)
        ]
    )


def _sample(
    model: "ClusterModel",
    customers: "pd.DataFrame",
    assignment: "pd.DataFrame",
    cluster_ids: Sequence[str],
) -> "pd.DataFrame":
    from orchestration.analytics.projection import project

    points = project(model, customers, assignment, _SAMPLE_LIMIT, model.options.seed).points
    ids = [cluster_ids[int(number) - 1] for number in points["cluster"]]
    return points.assign(cluster_id=ids)


def _prediction(con: duckdb.DuckDBPyConnection, settings: Settings, k: int) -> "pd.DataFrame":
    """Clusters against segments and plain baselines, in the last two whole quarters.

    The clusters are fitted on the customers at the beginning of the first quarter, as many of them
    as the model in use has: that model has seen the quarters that are to be predicted.
    """
    import pandas as pd

    from orchestration.analytics.clustering import assign, distinct_points, fit_clusters
    from orchestration.analytics.prediction import compare_predictors

    columns = LEARNED_TABLES["cluster_prediction"].column_names
    quarters = last_quarters(con)
    if quarters is None:
        return pd.DataFrame(columns=columns)
    schemes = read_schemes(con)
    features = settings.cluster_features
    at = [read_customers_at(con, quarter.from_date, features) for quarter in quarters]
    if any(frame.empty for frame in at):
        return pd.DataFrame(columns=columns)
    one = fit_clusters(at[0], replace(_options(settings), k=1))
    most = distinct_points(one.scaling.apply(at[0]), k)
    model = fit_clusters(at[0], replace(_options(settings), k=most))
    frames = [
        _quarter_frame(con, quarter, schemes, assign(model, frame))
        for quarter, frame in zip(quarters, at, strict=True)
    ]
    groups = ["clusters", *(f"rfm_{scheme}" for scheme in schemes)]
    compared = compare_predictors(frames[0], frames[1], groups)
    later = quarters[1]
    return compared.assign(
        from_date=pd.Timestamp(later.from_date), to_date=pd.Timestamp(later.to_date)
    )[columns]


def _quarter_frame(
    con: duckdb.DuckDBPyConnection,
    quarter: Quarter,
    schemes: Sequence[str],
    assignment: "pd.DataFrame",
) -> "pd.DataFrame":
    clusters = assignment.rename(columns={"cluster": "clusters"}).drop(columns="distance")
    return read_quarter(con, quarter, schemes).merge(
        clusters, on="customer_id", validate="one_to_one"
    )
