"""Names, rules and the picture of clusters: true, unique, and the same for the same customers."""

import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.clustering import ClusterOptions, fit_clusters
from orchestration.analytics.explain import explain_clusters
from orchestration.analytics.personas import (
    ACTIVITY_NAMES,
    BEHAVIOUR_WORDS,
    NAMES,
    RECENCY_FEATURES,
    name_centroids,
    name_clusters,
)
from orchestration.analytics.projection import project
from orchestration.analytics.rule_words import Bound, rule_sentence
from orchestration.cluster_settings import BEHAVIOUR_FEATURES, CLUSTER_FEATURES
from orchestration.errors import CustomerValueError
from orchestration.publishing.report.sections.clusters import FEATURES as FEATURE_WORDS
from orchestration.settings import DBT_PROJECT_DIR
from tests.customer_features import FEATURES, customers, planted

SIZES = (40, 120, 200, 240)


def test_the_three_types_of_the_source_are_named() -> None:
    """Recent, often and much: core; recent, seldom and little: potential; once much: win-back."""
    groups = ((5.0, 40.0, 8_000.0), (6.0, 1.0, 30.0), (250.0, 30.0, 4_000.0))
    model = fit_clusters(planted((200, 200, 200), groups=groups), ClusterOptions(k=3))
    names = name_clusters(model)
    assert names["name_en"].tolist() == ["core value", "win-back", "potential"]
    assert names["name_zh"].tolist() == ["核心价值", "重要挽留", "潜力"]
    assert names["recency_level"].tolist() == ["recent", "lapsed", "recent"]
    assert names["value_level"].tolist() == ["high", "high", "low"]


def test_clusters_of_one_kind_share_no_name() -> None:
    centroids = np.array([[-1, v, v] for v in (1.0, 3.0, 2.0, 0.9, 0.8)])
    names = name_centroids(FEATURES, centroids)
    expected = ["engaged", "core value", "loyal", "engaged 2", "engaged 3"]
    assert names["name_en"].tolist() == expected
    assert names["name_zh"].is_unique


def test_every_place_has_a_name_and_no_two_share_one() -> None:
    levels = (-1.0, 0.0, 1.0)
    centroids = np.array([[days, worth, worth] for days in levels for worth in levels])
    names = name_centroids(FEATURES, centroids)
    assert names["name_en"].is_unique
    assert names["name_zh"].is_unique
    for column in (0, 1):
        every = [name[column] for each in NAMES.values() for name in each]
        assert len(every) == len(set(every))


def test_names_by_other_features_and_of_one_cluster() -> None:
    names = name_centroids(("visits",), np.array([[2.0], [-2.0]]))
    assert names["name_en"].tolist() == ["to keep", "occasional"]
    only_recency = name_centroids(("recency_days",), np.array([[-1.0], [1.0]]))
    assert only_recency["name_en"].tolist() == ["developing", "slipping away"]
    one = name_centroids(FEATURES, np.zeros((1, 3)))
    assert one[["name_en", "name_zh"]].to_numpy().tolist() == [["all customers", "全部客户"]]


def test_names_of_behaviour_say_what_stands_out() -> None:
    """After the value of the orders; alone, by activity."""
    features = ("recency_days", "monetary", "view_count", "cart_count")
    both = name_centroids(
        features,
        np.array([[-1, 1, 0.5, 2], [-1, 1, 2, 0.5], [1, -1, -1, -0.5], [1, -1, 0, -0.5]]),
    )
    assert both["name_en"].tolist() == [
        "core value, fills the cart", "loyal, looks around", "dormant, seldom seen", "gone",
    ]  # fmt: skip
    assert both["name_zh"].tolist() == ["核心价值·常加购", "忠诚·爱浏览", "沉睡·少互动", "流失"]
    alone = name_centroids(
        ("last_seen_days", "fav_count", "avg_dwell_seconds"),
        np.array([[-1, 2, 0.5], [0, 0, 0], [1, -1, -1]]),
    )
    assert alone["name_en"].tolist() == [
        "enthusiasts, collects favourites", "ordinary", "silent, seldom seen",
    ]  # fmt: skip
    assert alone["name_zh"].tolist() == ["热衷·爱收藏", "普通互动", "沉寂·少互动"]
    assert alone["recency_level"].tolist() == ["recent", "middle", "lapsed"]


def test_every_feature_has_words() -> None:
    for feature in BEHAVIOUR_FEATURES:
        assert feature in BEHAVIOUR_WORDS or feature in RECENCY_FEATURES
        for bound in (Bound(feature, 1), Bound(feature, upper=2), Bound(feature, 1, 9, True)):
            assert "_" not in "".join(rule_sentence([bound]))
    assert set(CLUSTER_FEATURES) <= set(FEATURE_WORDS)
    words = [
        *BEHAVIOUR_WORDS.values(),
        *(name for each in ACTIVITY_NAMES.values() for name in each),
    ]
    for column in (0, 1):
        assert len({word[column] for word in words}) == len(words)


def test_the_models_know_the_same_features_of_behaviour() -> None:
    macros = (DBT_PROJECT_DIR / "macros" / "behaviour.sql").read_text("utf-8")
    listed = macros.split("is_clustered_by_behaviour() -%}")[1].split("-%}")[0]
    assert tuple(re.findall(r"'(\w+)'", listed)) == BEHAVIOUR_FEATURES


def test_rules_say_what_they_claim() -> None:
    frame = planted(SIZES)
    model = fit_clusters(frame, ClusterOptions(k=4))
    rules = explain_clusters(frame, model.labels, FEATURES)
    assert rules["cluster"].tolist() == [1, 2, 3, 4]
    assert rules["conditions"].between(1, 3).all()
    assert (rules["rule_precision"] > 0.95).all()
    assert (rules["rule_coverage"] > 0.95).all()
    assert rules["rule_en"].is_unique
    shuffled = explain_clusters(frame[::-1], model.labels[::-1], FEATURES)
    pd.testing.assert_frame_equal(rules, shuffled)


def test_precision_and_coverage_are_those_of_the_printed_thresholds() -> None:
    frame = customers(*[(day, 1, 10) for day in range(1, 101)])
    clusters = np.where(frame["recency_days"] <= 40, 1, 2)
    clusters[[0, 1, 2, 3]] = 2  # within the 40 days and not in the cluster
    clusters[[50, 60]] = 1
    labels = frame[["customer_id"]].assign(cluster=clusters)
    rules = explain_clusters(frame, labels, FEATURES)
    assert rules["rule_en"][0] == "last order 5 to 40 days ago"
    assert rules["rule_zh"][0] == "最近一次购买在 5 至 40 天前"
    assert rules["rule_precision"][0] == 1.0
    assert rules["rule_coverage"][0] == pytest.approx(36 / 38, abs=1e-6)


def test_noise_and_strangers_get_no_rule_and_one_cluster_is_everybody() -> None:
    frame = customers((1, 1, 1), (2, 2, 2), (9, 9, 9))
    labels = pd.DataFrame({"customer_id": ["1", "2", "7"], "cluster": [1, 1, 3]})
    rules = explain_clusters(frame, labels, FEATURES)
    assert rules.to_numpy().tolist() == [[1, "all customers", "全部客户", 1.0, 1.0, 0]]
    noise = labels.assign(cluster=-1)
    assert explain_clusters(frame, noise, FEATURES).empty
    with pytest.raises(CustomerValueError, match="No customer has both"):
        explain_clusters(frame, labels.assign(customer_id=["7", "8", "9"]), FEATURES)


@pytest.mark.parametrize(
    ("bounds", "english", "chinese"),
    [
        ((), "all customers", "全部客户"),
        (
            (Bound("recency_days", upper=40, is_whole=True), Bound("frequency", 6, is_whole=True)),
            "last order within 40 days and more than 6 orders",
            "最近一次购买在 40 天以内，且订单多于 6 笔",
        ),
        ((Bound("frequency", 0, is_whole=True),), "at least 1 order", "至少 1 笔订单"),
        ((Bound("frequency", upper=0, is_whole=True),), "no order", "没有订单"),
        ((Bound("frequency", 0, 1, is_whole=True),), "1 order", "订单 1 笔"),
        ((Bound("frequency", 3, 6, is_whole=True),), "4 to 6 orders", "订单 4 至 6 笔"),
        (
            (Bound("monetary", 1250.5, 98_700),),
            "revenue above 1,250.5 and up to 98,700",
            "消费高于 1,250.5 且不超过 98,700",
        ),
        ((Bound("frequency", 2.5, 6.5),), "frequency above 2.5 and up to 6.5", None),
        ((Bound("visits", upper=2),), "visits at most 2", "visits 不超过 2"),
        (
            (Bound("view_count", 8, is_whole=True), Bound("cart_count", upper=0, is_whole=True)),
            "more than 8 views and no cart addition",
            "浏览多于 8 次，且没有加购",
        ),
        ((Bound("fav_count", 0, is_whole=True),), "at least 1 favourite", "至少收藏 1 次"),
        ((Bound("click_count", 3, 6, is_whole=True),), "4 to 6 clicks", "点击 4 至 6 次"),
        (
            (Bound("active_days", upper=1, is_whole=True),),
            "at most 1 active day",
            "活跃不超过 1 天",
        ),
        ((Bound("cart_rate", 0.25),), "cart share of events above 0.25", "加购占比高于 0.25"),
        (
            (Bound("avg_dwell_seconds", upper=30.5),),
            "stays of at most 30.5 seconds",
            "平均停留不超过 30.5 秒",
        ),
        (
            (Bound("last_seen_days", 29, 90, is_whole=True),),
            "last seen 30 to 90 days ago",
            "最近一次到访在 30 至 90 天前",
        ),
        ((Bound("last_seen_days", upper=0, is_whole=True),), "last seen on the day itself", None),
        ((Bound("recency_days", upper=1, is_whole=True),), "last order within 1 day", None),
    ],
)
def test_bounds_in_words(bounds: tuple[Bound, ...], english: str, chinese: str | None) -> None:
    found = rule_sentence(bounds)
    assert found[0] == english
    assert chinese is None or found[1] == chinese


def test_the_axes_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import PCA

    frame = planted(SIZES)
    model = fit_clusters(frame, ClusterOptions(k=4))
    projection = project(model, frame, model.labels)
    pca = PCA(2).fit(model.scaling.apply(frame))
    loadings = projection.loadings[["axis_1", "axis_2"]].to_numpy()
    assert np.abs((pca.components_ * loadings.T).sum(axis=1)) == pytest.approx([1.0, 1.0])
    assert projection.explained_shares == pytest.approx(pca.explained_variance_ratio_, abs=1e-6)
    theirs = np.abs(pca.transform(model.scaling.apply(projection.points.merge(frame)))[:, 0])
    assert np.abs(projection.points["axis_1"]).to_numpy() == pytest.approx(theirs, abs=1e-5)


def test_on_each_axis_the_feature_that_counts_most_points_upwards() -> None:
    frame = planted(SIZES)
    for features in permutations(FEATURES):
        model = fit_clusters(frame, ClusterOptions(k=1, features=features))
        loadings = project(model, frame, model.labels).loadings[["axis_1", "axis_2"]].to_numpy()
        heaviest = np.abs(loadings).argmax(axis=0)
        assert (loadings[heaviest, [0, 1]] > 0).all()


def test_a_picture_shows_at_most_so_many_customers_in_no_order_of_ids() -> None:
    frame = planted(SIZES)
    model = fit_clusters(frame, ClusterOptions(k=4))
    points = project(model, frame, model.labels, limit=100).points
    assert points["sample_number"].tolist() == list(range(1, 101))
    assert not points["customer_id"].is_monotonic_increasing
    assert points["cluster"].notna().all()
    again = project(model, frame[::-1], model.labels[::-1], limit=100).points
    pd.testing.assert_frame_equal(points, again)


def test_pictures_of_customers_without_a_difference() -> None:
    frame = customers(*[(3, 2, 50)] * 4)
    model = fit_clusters(frame, ClusterOptions(k=1))
    flat = project(model, frame, model.labels)
    assert flat.points[["axis_1", "axis_2"]].to_numpy().tolist() == [[0.0, 0.0]] * 4
    assert flat.explained_shares == (0.0, 0.0)
    line = fit_clusters(planted(SIZES), ClusterOptions(k=2, features=("monetary",)))
    projection = project(line, planted(SIZES), line.labels)
    assert projection.points["axis_2"].eq(0.0).all()
    assert projection.explained_shares == (1.0, 0.0)
