"""Names of clusters: what kind of customer stands at the centroid, in English and Chinese.

Belongs here: the rules from centroid to name. Does not belong here: what makes a customer a
member (``explain``), and ids that last (``identity``).

A centroid is compared with the whole customer base, in standard deviations of the scaled features:
a quarter of one to either side is still the middle. Recency says whether a cluster bought recently
or lapsed, the mean of frequency and monetary whether its value is high or low. Each of the nine
combinations has its own names: the first goes to the cluster of the highest value, the next to the
next; where names run out the last one is numbered. So no two clusters of a model share a name.
"""

from typing import Literal

import numpy as np
import pandas as pd

from orchestration.analytics.clustering import ClusterModel
from orchestration.analytics.sampling import FloatArray

RECENCY_FEATURE = "recency_days"
VALUE_FEATURES = ("frequency", "monetary")
#: Standard deviations from the mean of the base within which a level is middle.
MIDDLE = 0.25

Recency = Literal["recent", "middle", "lapsed"]
Value = Literal["high", "middle", "low"]

#: Names by recency and value, for falling value.
NAMES: dict[tuple[Recency, Value], tuple[tuple[str, str], ...]] = {
    ("recent", "high"): (("core value", "核心价值"), ("loyal", "忠诚"), ("engaged", "活跃")),
    ("recent", "middle"): (("developing", "成长"), ("steady", "稳定")),
    ("recent", "low"): (("potential", "潜力"), ("newcomers", "新客")),
    ("middle", "high"): (("to keep", "重要保持"), ("regulars", "常客")),
    ("middle", "middle"): (("average", "一般"),),
    ("middle", "low"): (("occasional", "低频"), ("light", "轻量")),
    ("lapsed", "high"): (("win-back", "重要挽留"), ("cooling", "降温")),
    ("lapsed", "middle"): (("slipping away", "流失预警"),),
    ("lapsed", "low"): (("dormant", "沉睡"), ("gone", "流失")),
}
_ONE_CLUSTER = ("all customers", "全部客户")


def name_clusters(model: ClusterModel) -> pd.DataFrame:
    """Names of the clusters of a model, each used once.

    Returns:
        one row per cluster by its number: cluster, name_en, name_zh, recency_level (recent,
        middle, lapsed) and value_level (high, middle, low).
    """
    return name_centroids(model.scaling.features, model.centroids)


def name_centroids(features: tuple[str, ...], centroids: FloatArray) -> pd.DataFrame:
    """The same as ``name_clusters`` for centroids in scaled units; shape (clusters, features).

    A model without recency has clusters of middle recency only; one without frequency and
    monetary takes the mean of its other features for the value.
    """
    recency, value = _recency(features, centroids), _value(features, centroids)
    levels = [
        (_recency_level(days), _value_level(worth))
        for days, worth in zip(recency, value, strict=True)
    ]
    names: list[tuple[str, str]] = [("", "")] * len(centroids)
    for level in sorted(set(levels)):
        places = [place for place, each in enumerate(levels) if each == level]
        places.sort(key=lambda place: (-value[place], recency[place], place))
        for rank, place in enumerate(places):
            names[place] = _name(NAMES[level], rank)
    if len(centroids) == 1:
        names = [_ONE_CLUSTER]
    return pd.DataFrame(
        {
            "cluster": np.arange(1, len(centroids) + 1),
            "name_en": [name[0] for name in names],
            "name_zh": [name[1] for name in names],
            "recency_level": [level[0] for level in levels],
            "value_level": [level[1] for level in levels],
        }
    )


def _recency(features: tuple[str, ...], centroids: FloatArray) -> FloatArray:
    if RECENCY_FEATURE not in features:
        return np.zeros(len(centroids))
    return centroids[:, features.index(RECENCY_FEATURE)]


def _value(features: tuple[str, ...], centroids: FloatArray) -> FloatArray:
    columns = [features.index(name) for name in VALUE_FEATURES if name in features]
    columns = columns or [place for place, name in enumerate(features) if name != RECENCY_FEATURE]
    return centroids[:, columns].mean(axis=1) if columns else np.zeros(len(centroids))


def _recency_level(days: float) -> Recency:
    if days < -MIDDLE:
        return "recent"
    return "lapsed" if days > MIDDLE else "middle"


def _value_level(worth: float) -> Value:
    if worth > MIDDLE:
        return "high"
    return "low" if worth < -MIDDLE else "middle"


def _name(names: tuple[tuple[str, str], ...], rank: int) -> tuple[str, str]:
    if rank < len(names):
        return names[rank]
    number = rank - len(names) + 2
    return f"{names[-1][0]} {number}", f"{names[-1][1]}{number}"
