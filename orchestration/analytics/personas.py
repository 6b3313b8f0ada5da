"""Names of clusters: what kind of customer stands at the centroid, in English and Chinese.

Belongs here: the rules from centroid to name. Does not belong here: what makes a customer a
member (``explain``), and ids that last (``identity``).

A centroid is compared with the whole customer base, in standard deviations of the scaled features:
a quarter of one to either side is still the middle. Recency says whether a cluster bought recently
or lapsed, the mean of frequency and monetary whether its value is high or low. Each of the nine
combinations has its own names: the first goes to the cluster of the highest value, the next to the
next; where names run out the last one is numbered. So no two clusters of a model share a name.

Where customers are clustered by what they do besides buying as well, the name goes on with what
stands out in it. Where they are clustered by nothing that says what they are worth, the level is
that of their activity, and the names are others.
"""

from typing import Literal

import numpy as np
import pandas as pd

from orchestration.analytics.clustering import ClusterModel
from orchestration.analytics.sampling import FloatArray

#: The first one that customers are clustered by says how long ago they were there.
RECENCY_FEATURES = ("recency_days", "last_seen_days")
VALUE_FEATURES = ("frequency", "monetary")
#: What is said of a cluster in which a feature of behaviour stands out, in this order.
BEHAVIOUR_WORDS: dict[str, tuple[str, str]] = {
    "cart_count": ("fills the cart", "常加购"),
    "cart_rate": ("carts what is seen", "见即加购"),
    "fav_count": ("collects favourites", "爱收藏"),
    "view_count": ("looks around", "爱浏览"),
    "click_count": ("clicks much", "爱点击"),
    "active_days": ("comes often", "常来访"),
    "avg_dwell_seconds": ("stays long", "停留久"),
}
_SELDOM_SEEN = ("seldom seen", "少互动")
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
#: The same by recency and activity, where nothing says what customers are worth.
ACTIVITY_NAMES: dict[tuple[Recency, Value], tuple[tuple[str, str], ...]] = {
    ("recent", "high"): (("enthusiasts", "热衷"), ("regular visitors", "常来访客")),
    ("recent", "middle"): (("visitors", "访客"),),
    ("recent", "low"): (("passers-by", "过客"),),
    ("middle", "high"): (("busy", "高互动"),),
    ("middle", "middle"): (("ordinary", "普通互动"),),
    ("middle", "low"): (("quiet", "低互动"),),
    ("lapsed", "high"): (("cooling down", "热度下降"),),
    ("lapsed", "middle"): (("drifting away", "渐行渐远"),),
    ("lapsed", "low"): (("silent", "沉寂"),),
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
    monetary takes the mean of its other features for the value, those of behaviour only where there
    are no others.
    """
    recency, value = _recency(features, centroids), _value(features, centroids)
    is_of_activity = set(features) <= {*BEHAVIOUR_WORDS, "last_seen_days"}
    every_name = ACTIVITY_NAMES if is_of_activity else NAMES
    levels = [
        (_recency_level(days), _value_level(worth))
        for days, worth in zip(recency, value, strict=True)
    ]
    names: list[tuple[str, str]] = [("", "")] * len(centroids)
    for level in sorted(set(levels)):
        places = [place for place, each in enumerate(levels) if each == level]
        places.sort(key=lambda place: (-value[place], recency[place], place))
        for rank, place in enumerate(places):
            names[place] = _with_behaviour(
                _name(every_name[level], rank), features, centroids[place]
            )
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
    for name in RECENCY_FEATURES:
        if name in features:
            return centroids[:, features.index(name)]
    return np.zeros(len(centroids))


def _value(features: tuple[str, ...], centroids: FloatArray) -> FloatArray:
    others = [name for name in features if name not in RECENCY_FEATURES]
    named = (
        [name for name in others if name in VALUE_FEATURES]
        or [name for name in others if name not in BEHAVIOUR_WORDS]
        or others
    )
    columns = [features.index(name) for name in named]
    return centroids[:, columns].mean(axis=1) if columns else np.zeros(len(centroids))


def _with_behaviour(
    name: tuple[str, str], features: tuple[str, ...], centroid: FloatArray
) -> tuple[str, str]:
    """The name and what stands out most in behaviour, or that all of it is rare."""
    told = {
        feature: float(centroid[features.index(feature)])
        for feature in BEHAVIOUR_WORDS
        if feature in features
    }
    if not told:
        return name
    most = max(told, key=lambda feature: told[feature])
    if told[most] > MIDDLE:
        words = BEHAVIOUR_WORDS[most]
    elif max(told.values()) < -MIDDLE:
        words = _SELDOM_SEEN
    else:
        return name
    return f"{name[0]}, {words[0]}", f"{name[1]}·{words[1]}"


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
