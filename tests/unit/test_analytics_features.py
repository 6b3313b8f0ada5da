"""Transform and scaling of features, and what becomes of values that cannot be used."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.analytics.features import FeatureScaling
from orchestration.analytics.sampling import sample_customers
from orchestration.errors import CustomerValueError
from tests.customer_features import FEATURES, customers, planted


def test_log1p_is_signed_and_the_scale_is_that_of_the_population() -> None:
    frame = customers((0, 1, -99), (np.e - 1, 1, 0), (np.e**2 - 1, 1, 99))
    scaling = FeatureScaling.fit(frame, FEATURES, "log1p")
    assert scaling.mean == pytest.approx((1.0, np.log(2), 0.0))
    assert scaling.scale == pytest.approx((np.sqrt(2 / 3), 1.0, np.log(100) * np.sqrt(2 / 3)))
    points = scaling.apply(frame)
    half = np.sqrt(1.5)
    assert points[:, 0] == pytest.approx([-half, 0, half])
    assert points[:, 2] == pytest.approx([-half, 0, half])
    assert scaling.invert(points) == pytest.approx(frame[list(FEATURES)].to_numpy())


def test_a_constant_feature_has_scale_1_and_counts_nothing() -> None:
    scaling = FeatureScaling.fit(customers((0.1, 3, 5), (0.1, 4, 6), (0.1, 5, 9)), FEATURES, "none")
    assert (scaling.mean[0], scaling.scale[0]) == (0.1, 1.0)
    assert scaling.apply(customers((0.1, 4, 5)))[0, :2].tolist() == [0.0, 0.0]


def test_differences_too_small_for_a_deviation_leave_the_scale_at_1() -> None:
    frame = customers((1, 1, 1e-200), (1, 1, 3e-200))
    assert FeatureScaling.fit(frame, FEATURES, "none").scale == (1.0, 1.0, 1.0)


def test_decimals_and_whole_numbers_are_numbers() -> None:
    frame = customers((1, 2, 3)).astype({"frequency": "int64"})
    frame["monetary"] = [Decimal("3.25")]
    assert FeatureScaling.fit(frame, FEATURES, "none").mean == (1.0, 2.0, 3.25)


def test_the_order_of_rows_changes_no_bit() -> None:
    frame = planted((50, 50, 50, 50))
    shuffled = frame.sample(frac=1.0, random_state=3)
    assert FeatureScaling.fit(frame, FEATURES, "log1p") == FeatureScaling.fit(
        shuffled, FEATURES, "log1p"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_no_finite_number_is_named(value: float) -> None:
    frame = customers((1, 1, 1), (2, value, 2), (3, 3, 3))
    with pytest.raises(CustomerValueError, match=f"Customer 2 has frequency = {value}"):
        FeatureScaling.fit(frame, FEATURES, "log1p")
    scaling = FeatureScaling.fit(frame.drop(index=1), FEATURES, "log1p")
    with pytest.raises(CustomerValueError, match=f"Customer 2 has frequency = {value}"):
        scaling.apply(frame)


@pytest.mark.parametrize(
    ("frame", "features", "words"),
    [
        (customers(), FEATURES, "no customers"),
        (customers((1, 1, 1)), (), "No features"),
        (customers((1, 1, 1)), ("colour",), "no column colour"),
        (customers((1, 1, 1)).drop(columns="customer_id"), FEATURES, "no column customer_id"),
        (pd.concat([customers((1, 1, 1))] * 2), FEATURES, "Customer 1 has more than one row"),
        (customers((1, 1, 1)).assign(customer_id=[None]), FEATURES, "Row 0"),
        (customers((1, 1, 1)).assign(monetary="much"), FEATURES, "monetary is not a number"),
    ],
)
def test_frames_that_cannot_be_scaled(
    frame: pd.DataFrame, features: tuple[str, ...], words: str
) -> None:
    with pytest.raises(CustomerValueError, match=words):
        FeatureScaling.fit(frame, features, "log1p")


def test_a_sample_depends_on_ids_and_seed_alone() -> None:
    frame = planted((500, 500, 500, 500))
    sample = sample_customers(frame, 300, seed=4)
    assert len(sample) == 300
    assert sample["customer_id"].is_monotonic_increasing
    shuffled = frame.sample(frac=1.0, random_state=8)
    pd.testing.assert_frame_equal(sample, sample_customers(shuffled, 300, seed=4))
    other = sample_customers(frame, 300, seed=5)
    assert len(set(sample["customer_id"]) & set(other["customer_id"])) < 100
    newcomer = customers((1, 1, 1)).assign(customer_id="99999", group=0)
    grown = sample_customers(pd.concat([frame, newcomer]), 300, seed=4)
    assert len(set(sample["customer_id"]) - set(grown["customer_id"])) <= 1


def test_importing_the_package_loads_nothing_heavy(project_root: Path) -> None:
    modules = sorted((project_root / "orchestration" / "analytics").glob("*.py"))
    names = ", ".join(f"orchestration.analytics.{module.stem}" for module in modules)
    program = (
        f"import sys, {names}\n"
        "print(sorted({'sklearn', 'scipy', 'dagster', 'duckdb', 'matplotlib'} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=project_root,
    )
    assert printed.stdout == "[]\n"
