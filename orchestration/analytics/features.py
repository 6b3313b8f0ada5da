"""Features of customers on one scale: what distances between customers are measured in.

Belongs here: checking values, the transform and the standardisation, both ways. Does not belong
here: which features there are (a dbt model says so), and clusters.

The transform ``log1p`` is sign(x) * ln(1 + |x|): equal to ln(1 + x) where x is not negative, and
defined for net monetary below zero. SQL computes the same with ``sign``, ``ln`` and ``abs``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from orchestration.analytics.sampling import CUSTOMER, FloatArray, sorted_by_customer
from orchestration.errors import CustomerValueError

Transform = Literal["log1p", "none"]

_SIGNIFICANT_DIGITS = 12


@dataclass(frozen=True)
class FeatureScaling:
    """How features become coordinates: (transform(x) - mean) / scale, feature by feature."""

    features: tuple[str, ...]
    transform: Transform
    #: Mean of each transformed feature.
    mean: tuple[float, ...]
    #: Standard deviation (of the population) of each; 1 for a feature that is constant.
    scale: tuple[float, ...]

    @classmethod
    def fit(
        cls, frame: pd.DataFrame, features: Sequence[str], transform: Transform
    ) -> "FeatureScaling":
        """Mean and scale of the customers of ``frame``; their order does not matter.

        Raises:
            CustomerValueError: there is no feature or no customer, a customer appears twice, a
                feature is missing, or a value is missing, infinite or no number.
        """
        if not features:
            raise CustomerValueError(
                "No features are given to cluster by.", "Name at least one feature."
            )
        names = tuple(features)
        values = transformed(sorted_by_customer(frame), names, transform)
        mean = values.mean(axis=0)
        is_constant = values.max(axis=0) == values.min(axis=0)
        mean = np.where(is_constant, values[0], mean)
        scale = np.where(is_constant, 1.0, values.std(axis=0))
        scale = np.where(scale == 0.0, 1.0, scale)
        return cls(names, transform, tuple(rounded(mean)), tuple(rounded(scale)))

    def apply(self, frame: pd.DataFrame) -> FloatArray:
        """Coordinates of the customers, in the order of the rows; shape (customers, features).

        Raises:
            CustomerValueError: a feature is missing, or a value is missing, infinite or no number.
        """
        values = transformed(frame, self.features, self.transform)
        return (values - np.asarray(self.mean)) / np.asarray(self.scale)

    def invert(self, points: FloatArray) -> FloatArray:
        """Coordinates back in the units of the features; same shape."""
        values = points * np.asarray(self.scale) + np.asarray(self.mean)
        if self.transform == "none":
            return values
        return np.sign(values) * np.expm1(np.abs(values))


def transformed(frame: pd.DataFrame, features: Sequence[str], transform: Transform) -> FloatArray:
    """The features after the transform, before any scaling; shape (customers, features).

    Raises:
        CustomerValueError: as in ``FeatureScaling.apply``.
    """
    values = feature_values(frame, features)
    if transform == "none":
        return values
    # The logarithm of the sum and not log1p, as SQL engines have no such function.
    return np.sign(values) * np.log(1.0 + np.abs(values))


def feature_values(frame: pd.DataFrame, features: Sequence[str]) -> FloatArray:
    """The features as they are, in the order named; shape (customers, features).

    Raises:
        CustomerValueError: as in ``FeatureScaling.apply``.
    """
    columns = []
    for feature in features:
        if feature not in frame.columns:
            raise CustomerValueError(
                f"The customer features have no column {feature}.",
                f"Choose among {', '.join(c for c in frame.columns if c != CUSTOMER)}.",
            )
        try:
            column = frame[feature].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise CustomerValueError(
                f"The feature {feature} is not a number for every customer: {error}.",
                "Choose features that are numbers.",
            ) from error
        bad = ~np.isfinite(column)
        if bad.any():
            row = int(bad.argmax())
            raise CustomerValueError(
                f"Customer {_customer(frame, row)} has {feature} = {column[row]}; clusters need a "
                "finite number for every customer and feature.",
                f"Put the value right, leave {feature} out of the features or leave the customer "
                "out.",
            )
        columns.append(column)
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def rounded(values: FloatArray) -> list[float]:
    """Each number with 12 significant digits: what is stored and used is one and the same."""
    return [float(f"{value:.{_SIGNIFICANT_DIGITS}g}") for value in values]


def _customer(frame: pd.DataFrame, row: int) -> str:
    return str(frame[CUSTOMER].iloc[row]) if CUSTOMER in frame.columns else f"in row {row}"
