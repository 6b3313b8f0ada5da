"""What makes a customer a member of a cluster, in one sentence of at most three conditions.

Belongs here: the shallow tree behind a rule, its thresholds as they are printed, precision and
coverage. Does not belong here: the words (``rule_words``), and names of clusters (``personas``).

For each cluster a decision tree of depth three tells members from all others in the units of the
features. Of all its nodes the one with the best F1 is the rule; equal ones: the one with fewer
conditions. Thresholds are then rounded as they are printed, and precision and coverage counted
over all customers with the rounded ones: the sentence is true as it stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, isfinite
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.analytics.clustering import one_thread
from orchestration.analytics.features import feature_values
from orchestration.analytics.rule_words import Bound, rule_sentence
from orchestration.analytics.sampling import (
    CUSTOMER,
    FloatArray,
    IntArray,
    sample_customers,
)
from orchestration.errors import CustomerValueError

MAX_CONDITIONS = 3
_SIGNIFICANT_DIGITS = 3
_FIT_LIMIT = 20_000
_LEAF = -1

BoolArray = npt.NDArray[np.bool_]


class _Tree(Protocol):
    """The arrays of a fitted tree that are read here; one element per node."""

    children_left: IntArray
    children_right: IntArray
    feature: IntArray
    threshold: FloatArray


@dataclass(frozen=True)
class ClusterRule:
    """The rule of one cluster and how true it is."""

    cluster: int
    bounds: tuple[Bound, ...]
    rule_en: str
    rule_zh: str
    #: Part of the customers under the rule who are in the cluster.
    precision: float
    #: Part of the customers of the cluster who are under the rule.
    coverage: float


def explain_clusters(
    frame: pd.DataFrame, labels: pd.DataFrame, features: Sequence[str], seed: int = 0
) -> pd.DataFrame:
    """A rule for each cluster; noise gets none.

    Args:
        frame: one row per customer: customer_id and the features in their own units.
        labels: customer_id and cluster of the same customers; others are left out.
        features: what a rule may speak of.
        seed: of the sample that trees grow on where there are more than 20,000 customers.

    Returns:
        one row per cluster by its number: cluster, rule_en, rule_zh, rule_precision,
        rule_coverage, conditions (their number).

    Raises:
        CustomerValueError: no customer has features and a cluster, or a value cannot be used.
    """
    joined = frame.merge(labels[[CUSTOMER, "cluster"]], on=CUSTOMER, validate="one_to_one")
    if joined.empty:
        raise CustomerValueError(
            "No customer has both features and a cluster, so that no rule can be found.",
            "Pass features and clusters of the same snapshot.",
        )
    values = feature_values(joined, features)
    clusters = joined["cluster"].to_numpy(dtype=np.int64)
    sample = sample_customers(joined, _FIT_LIMIT, seed)
    sample_values = feature_values(sample, features)
    sample_clusters = sample["cluster"].to_numpy(dtype=np.int64)
    rules = []
    with one_thread():
        for cluster in sorted({int(each) for each in clusters if each > 0}):
            bounds = _best_bounds(sample_values, sample_clusters == cluster, features)
            rules.append(_rule(cluster, bounds, values, clusters, features))
    return pd.DataFrame(
        {
            "cluster": [rule.cluster for rule in rules],
            "rule_en": [rule.rule_en for rule in rules],
            "rule_zh": [rule.rule_zh for rule in rules],
            "rule_precision": [round(rule.precision, 6) for rule in rules],
            "rule_coverage": [round(rule.coverage, 6) for rule in rules],
            "conditions": [sum(bound.conditions for bound in rule.bounds) for rule in rules],
        }
    )


def _rule(
    cluster: int,
    bounds: tuple[Bound, ...],
    values: FloatArray,
    clusters: IntArray,
    features: Sequence[str],
) -> ClusterRule:
    is_member = clusters == cluster
    is_covered = _covered(values, bounds, features)
    both = int((is_covered & is_member).sum())
    precision = both / max(int(is_covered.sum()), 1)
    coverage = both / int(is_member.sum())
    english, chinese = rule_sentence(bounds)
    return ClusterRule(cluster, bounds, english, chinese, precision, coverage)


def _best_bounds(
    values: FloatArray, is_member: BoolArray, features: Sequence[str]
) -> tuple[Bound, ...]:
    """Bounds of the node with the best F1, rounded; none where all customers are members."""
    from sklearn.tree import DecisionTreeClassifier

    if is_member.all() or not is_member.any():
        return ()
    # Without weights a tree of depth three does not split for a cluster of a hundredth.
    tree = DecisionTreeClassifier(
        max_depth=MAX_CONDITIONS, class_weight="balanced", random_state=0
    ).fit(values, is_member)
    is_whole = (values == np.floor(values)).all(axis=0)
    best: tuple[tuple[float, int], tuple[Bound, ...]] = ((-1.0, 0), ())
    for bounds in _paths(tree.tree_, features):
        readable = tuple(
            _rounded(bound, bool(is_whole[features.index(bound.feature)])) for bound in bounds
        )
        is_covered = _covered(values, readable, features)
        both = int((is_covered & is_member).sum())
        f1 = 2 * both / (int(is_covered.sum()) + int(is_member.sum()))
        rank = (round(f1, 9), -sum(bound.conditions for bound in readable))
        if rank > best[0]:
            best = (rank, readable)
    return best[1]


def _paths(tree: _Tree, features: Sequence[str]) -> list[tuple[Bound, ...]]:
    """Bounds of every node below the root, left before right."""
    found: list[tuple[Bound, ...]] = []

    def visit(node: int, bounds: dict[str, Bound]) -> None:
        if bounds:
            found.append(tuple(bounds[name] for name in features if name in bounds))
        if tree.children_left[node] == _LEAF:
            return
        name, threshold = features[tree.feature[node]], float(tree.threshold[node])
        known = bounds.get(name, Bound(name))
        lower = replace(known, upper=min(known.upper, threshold))
        higher = replace(known, lower=max(known.lower, threshold))
        visit(int(tree.children_left[node]), {**bounds, name: lower})
        visit(int(tree.children_right[node]), {**bounds, name: higher})

    visit(0, {})
    return found


def _covered(values: FloatArray, bounds: Sequence[Bound], features: Sequence[str]) -> BoolArray:
    is_covered = np.ones(len(values), dtype=bool)
    for bound in bounds:
        column = values[:, features.index(bound.feature)]
        is_covered &= (column > bound.lower) & (column <= bound.upper)
    return is_covered


def _rounded(bound: Bound, is_whole: bool) -> Bound:
    """Thresholds as they are printed: whole for whole features, else three significant digits."""

    def round_one(value: float) -> float:
        if not isfinite(value):
            return value
        return float(floor(value)) if is_whole else float(f"{value:.{_SIGNIFICANT_DIGITS}g}")

    return replace(
        bound, lower=round_one(bound.lower), upper=round_one(bound.upper), is_whole=is_whole
    )
