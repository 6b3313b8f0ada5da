"""Groups against baselines on a later quarter: figures worked by hand, and who is called best."""

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.prediction import PREDICTION_COLUMNS, compare_predictors, compare_two
from orchestration.errors import CustomerValueError


def quarter(
    next_revenue: list[float], last_revenue: list[float], **groups: list[str]
) -> pd.DataFrame:
    frame = pd.DataFrame({"next_revenue": next_revenue, "last_revenue": last_revenue, **groups})
    return frame.assign(customer_id=[f"c{place}" for place in range(len(frame))])


def test_figures_worked_by_hand() -> None:
    earlier = quarter([10, 20, 0, 2], [0, 0, 0, 0], cluster=["a", "a", "b", "b"])
    later = quarter([12, 18, 4, 0, 6], [10, 20, 0, 0, 8], cluster=["a", "a", "b", "b", "new"])
    report = compare_predictors(earlier, later, ["cluster"]).set_index("predictor")
    assert report.reset_index().columns.tolist() == list(PREDICTION_COLUMNS)
    assert report.index.tolist() == ["cluster", "last_quarter", "overall_mean"]
    # Mean 8, total 16 + 100 + 16 + 64 + 4 = 200; predicted 15, 15, 1, 1 and 8 for the unknown one.
    assert report["r_squared"]["cluster"] == pytest.approx(1 - (9 + 9 + 9 + 1 + 4) / 200)
    assert report["mean_absolute_error"]["cluster"] == pytest.approx((3 + 3 + 3 + 1 + 2) / 5)
    assert report["rank_correlation"]["cluster"] == pytest.approx(
        np.corrcoef([4.5, 4.5, 1.5, 1.5, 3], [4, 5, 2, 1, 3])[0, 1], abs=1e-6
    )
    assert report["r_squared"]["last_quarter"] == pytest.approx(1 - (4 + 4 + 16 + 0 + 4) / 200)
    assert report["r_squared"]["overall_mean"] == 0.0
    assert np.isnan(report["rank_correlation"]["overall_mean"])
    assert report["customers"].tolist() == [5, 5, 5]
    assert report["is_best"].tolist() == [False, True, False]


def test_the_better_grouping_wins_and_chance_does_not() -> None:
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 4, 2_000)
    names = np.array(["a", "b", "c", "d"])[kind]
    blurred = np.where(rng.random(2_000) < 0.5, names, "a")
    noise = np.array(["x", "y"])[rng.integers(0, 2, 2_000)]
    other = np.array(["x", "y"])[rng.integers(0, 2, 2_000)]

    def at(seed: int) -> pd.DataFrame:
        spend = kind * 50 + np.random.default_rng(seed).exponential(40, 2_000)
        groups = {"good": names, "worse": blurred, "noise": noise, "other": other}
        return quarter(spend.tolist(), [0.0] * 2_000).assign(**groups)

    report = compare_predictors(at(1), at(2), ["worse", "good", "noise"])
    assert report.loc[report["is_best"], "predictor"].tolist() == ["good"]
    better = compare_two(at(1), at(2), "good", "worse")
    assert 0 < better.low <= better.difference <= better.high
    assert better.reason_en.startswith("good predicts better than worse")
    assert better.reason_zh.startswith("good 的预测优于 worse")
    reverse = compare_two(at(1), at(2), "worse", "good")
    assert reverse.difference == -better.difference
    assert reverse.reason_en.startswith("worse predicts worse than good")
    equal = compare_two(at(1), at(2), "noise", "other")
    assert equal.low <= 0 <= equal.high
    assert "equally well" in equal.reason_en


def test_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    frame = quarter(
        rng.exponential(9, 300).tolist(),
        rng.exponential(9, 300).tolist(),
        cluster=rng.choice(["a", "b"], 300).tolist(),
    )
    report = compare_predictors(frame, frame, ["cluster"])
    shuffled = frame.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(report, compare_predictors(shuffled, frame[::-1], ["cluster"]))


def test_customers_who_all_bring_the_same() -> None:
    frame = quarter([5, 5], [1, 2], cluster=["a", "b"])
    report = compare_predictors(frame, frame, ["cluster"])
    assert report["r_squared"].isna().all()
    assert not report["is_best"].any()


def test_frames_that_cannot_be_scored() -> None:
    frame = quarter([5, 6], [1, 2], cluster=["a", "b"])
    with pytest.raises(CustomerValueError, match="no column segment"):
        compare_predictors(frame, frame, ["segment"])
    with pytest.raises(CustomerValueError, match="Customer c1 has next_revenue = nan"):
        compare_predictors(
            frame, quarter([5, float("nan")], [1, 2], cluster=["a", "b"]), ["cluster"]
        )
    with pytest.raises(CustomerValueError, match="no customers"):
        compare_predictors(frame, frame[:0], ["cluster"])
