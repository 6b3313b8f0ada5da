"""Do clusters say more about next quarter's revenue than RFM segments do?

Belongs here: learning group means at an earlier date, scoring them at a later one, plain baselines
beside them. Does not belong here: making the groups, and choosing the dates.

Groups are those of the date itself, so that nothing from after it is known; their mean revenue of
the following quarter is learned at the earlier date and held against what the customers of the
later date then brought. The two quarters must not overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.analytics.sampling import CUSTOMER, FloatArray, IntArray, sorted_by_customer
from orchestration.errors import CustomerValueError

#: Revenue of the quarter after the date, and of the quarter that ends with it.
NEXT_REVENUE = "next_revenue"
LAST_REVENUE = "last_revenue"
OVERALL_MEAN = "overall_mean"
LAST_QUARTER = "last_quarter"
PREDICTION_COLUMNS = (
    "predictor",
    "customers",
    "r_squared",
    "mean_absolute_error",
    "rank_correlation",
    "is_best",
)
_DIGITS = 6
_RESAMPLES = 200


@dataclass(frozen=True)
class PredictorComparison:
    """How much better one predictor is than another on the same customers."""

    #: R squared of the first less that of the second.
    difference: float
    #: Bounds of the middle 95 % of it over resampled customers.
    low: float
    high: float
    reason_en: str
    reason_zh: str


def compare_predictors(
    earlier: pd.DataFrame, later: pd.DataFrame, groups: Sequence[str]
) -> pd.DataFrame:
    """One row per predictor: each column of groups, the overall mean, last quarter's revenue.

    Args:
        earlier: customers at the earlier date: customer_id, last_revenue, next_revenue and a
            column for each of ``groups``.
        later: the same at the later date, whose next_revenue is predicted.
        groups: names of the columns that hold a cluster or segment.

    Returns:
        columns PREDICTION_COLUMNS, the groups first as named. ``r_squared`` is against the mean of
        the later date and can be below 0; it is null where all bring the same. Spearman's
        ``rank_correlation`` is null for a predictor that says the same of everybody. ``is_best``
        marks the highest r_squared; equal ones: the first.

    Raises:
        CustomerValueError: a frame is empty, a column is missing, or revenue is not a number.
    """
    known, target = _checked(earlier, groups), _checked(later, groups)
    actual = target[NEXT_REVENUE].to_numpy(dtype=np.float64)
    rows = [
        _scores(name, predicted, actual)
        for name, predicted in _predictions(known, target, groups).items()
    ]
    report = pd.DataFrame(rows, columns=list(PREDICTION_COLUMNS[:-1]))
    measured = report["r_squared"].notna().any()
    best = report["r_squared"].idxmax() if measured else -1
    return report.assign(is_best=report.index == best)


def compare_two(
    earlier: pd.DataFrame, later: pd.DataFrame, first: str, second: str, seed: int = 0
) -> PredictorComparison:
    """Whether the first group column predicts better than the second, chance considered.

    Customers of the later date are resampled 200 times; where zero is inside the middle 95 % of
    the differences, the two are called equally good.

    Args:
        earlier, later: as for ``compare_predictors``.
        first, second: names of two columns of groups.
        seed: of the resamples.

    Raises:
        CustomerValueError: as in ``compare_predictors``.
    """
    known, target = _checked(earlier, (first, second)), _checked(later, (first, second))
    actual = target[NEXT_REVENUE].to_numpy(dtype=np.float64)
    predicted = _predictions(known, target, (first, second))
    errors = [(actual - predicted[name]) ** 2 for name in (first, second)]
    gain = errors[1] - errors[0]
    rng = np.random.default_rng(seed)
    differences = [_relative(gain, actual, np.arange(len(actual)))]
    for _ in range(_RESAMPLES):
        differences.append(_relative(gain, actual, rng.integers(0, len(actual), len(actual))))
    low, high = np.quantile(differences[1:], [0.025, 0.975])
    difference = round(differences[0], _DIGITS)
    interval = f"{low:+.4f} to {high:+.4f}"
    if low > 0:
        words = (f"{first} predicts better than {second}", f"{first} 的预测优于 {second}")
    elif high < 0:
        words = (f"{first} predicts worse than {second}", f"{first} 的预测不如 {second}")
    else:
        words = (
            f"{first} and {second} predict equally well as far as the data can tell",
            f"就数据而言，{first} 与 {second} 的预测没有可辨的差别",
        )
    return PredictorComparison(
        difference,
        round(float(low), _DIGITS),
        round(float(high), _DIGITS),
        f"{words[0]} (difference in R squared {difference:+.4f}, 95 % of resamples {interval}).",
        f"{words[1]}（R² 之差 {difference:+.4f}，95% 的重抽样在 {low:+.4f} 至 {high:+.4f} 之间）。",
    )


def _predictions(
    known: pd.DataFrame, target: pd.DataFrame, groups: Sequence[str]
) -> dict[str, FloatArray]:
    overall = float(known[NEXT_REVENUE].mean())
    predicted: dict[str, FloatArray] = {}
    for group in groups:
        means = known.groupby(group, sort=True)[NEXT_REVENUE].mean()
        of_group = target[group].map(means).astype("float64")
        predicted[group] = np.asarray(of_group.fillna(overall), dtype=np.float64)
    predicted[LAST_QUARTER] = target[LAST_REVENUE].to_numpy(dtype=np.float64)
    predicted[OVERALL_MEAN] = np.full(len(target), overall, dtype=np.float64)
    return predicted


def _scores(
    name: str, predicted: FloatArray, actual: FloatArray
) -> tuple[str, int, float, float, float]:
    error = actual - predicted
    total = float(((actual - actual.mean()) ** 2).sum())
    is_flat = bool(np.all(actual == actual[0]))
    r_squared = float("nan") if is_flat else round(1.0 - float((error**2).sum()) / total, _DIGITS)
    mean_absolute_error = round(float(np.abs(error).mean()), _DIGITS)
    return name, len(actual), r_squared, mean_absolute_error, _spearman(predicted, actual)


def _spearman(predicted: FloatArray, actual: FloatArray) -> float:
    from scipy.stats import rankdata

    first: FloatArray = np.asarray(rankdata(predicted), dtype=np.float64) - (len(predicted) + 1) / 2
    second: FloatArray = np.asarray(rankdata(actual), dtype=np.float64) - (len(actual) + 1) / 2
    length = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return round(float((first * second).sum()) / length, _DIGITS) if length else float("nan")


def _relative(gain: FloatArray, actual: FloatArray, rows: IntArray) -> float:
    drawn = actual[rows]
    total = float(((drawn - drawn.mean()) ** 2).sum())
    return float(gain[rows].sum()) / total if total else 0.0


def _checked(frame: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    for column in (NEXT_REVENUE, LAST_REVENUE, *groups):
        if column not in frame.columns:
            raise CustomerValueError(
                f"The frame to predict from has no column {column}.",
                f"Pass {CUSTOMER}, {LAST_REVENUE}, {NEXT_REVENUE} and one column per group.",
            )
    ordered = sorted_by_customer(frame)
    for column in (NEXT_REVENUE, LAST_REVENUE):
        values = ordered[column].to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isfinite(values).all():
            row = int((~np.isfinite(values)).argmax())
            raise CustomerValueError(
                f"Customer {ordered[CUSTOMER].iloc[row]} has {column} = {values[row]}.",
                "Give who bought nothing a revenue of 0.",
            )
        ordered[column] = values
    return ordered
