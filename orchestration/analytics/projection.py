"""Customers on a plane: the two directions in which they differ most.

Belongs here: principal axes of the scaled features and a sample of customers along them. Does not
belong here: drawing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.analytics.clustering import ClusterModel, one_thread
from orchestration.analytics.sampling import (
    CUSTOMER,
    FloatArray,
    customer_hashes,
    sample_customers,
)

AXES = 2
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Projection:
    """A sample of customers along the two principal axes."""

    #: sample_number, customer_id, cluster, axis_1, axis_2. The numbers follow a hash of the ids, so
    #: that without the ids they say nothing of them.
    points: pd.DataFrame
    #: feature, axis_1, axis_2: the direction of each axis in scaled features; length 1.
    loadings: pd.DataFrame
    #: Part of the variance of all customers along each axis.
    explained_shares: tuple[float, float]


def project(
    model: ClusterModel,
    frame: pd.DataFrame,
    labels: pd.DataFrame,
    limit: int = 2_000,
    seed: int = 0,
) -> Projection:
    """The customers of ``frame``, or a seeded sample of them, on the two principal axes.

    The axes are those of all customers. On each, the feature that counts most points upwards. With
    one feature, or without any difference left, the second axis is 0.

    Args:
        model: says which features and how they are scaled.
        frame: one row per customer: customer_id and the features.
        labels: customer_id and cluster; a customer who is missing gets no cluster.
        limit: customers at most.
        seed: of the sample.

    Raises:
        CustomerValueError: there is no customer, or a value cannot be used.
    """
    everyone = model.scaling.apply(sample_customers(frame, len(frame), seed))
    mean = everyone.mean(axis=0)
    with one_thread():
        axes, shares = _principal_axes(everyone - mean)
    sample = sample_customers(frame, limit, seed)
    order = np.argsort(customer_hashes(sample[CUSTOMER], seed + 1), kind="stable")
    sample = sample.iloc[order].reset_index(drop=True)
    along = np.round((model.scaling.apply(sample) - mean) @ axes, _DIGITS) + 0.0
    points = pd.DataFrame(
        {
            "sample_number": np.arange(1, len(sample) + 1),
            CUSTOMER: sample[CUSTOMER],
            "axis_1": along[:, 0],
            "axis_2": along[:, 1],
        }
    ).merge(labels[[CUSTOMER, "cluster"]], on=CUSTOMER, how="left", validate="one_to_one")
    loadings = pd.DataFrame(np.round(axes, _DIGITS) + 0.0, columns=["axis_1", "axis_2"])
    loadings.insert(0, "feature", list(model.scaling.features))
    ordered = ["sample_number", CUSTOMER, "cluster", "axis_1", "axis_2"]
    return Projection(points[ordered], loadings, shares)


def _principal_axes(centred: FloatArray) -> tuple[FloatArray, tuple[float, float]]:
    """Directions in columns, shape (features, 2), and the part of the variance along each."""
    covariance = centred.T @ centred / len(centred)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(-values, kind="stable")[:AXES]
    total = float(np.maximum(values, 0.0).sum())
    axes = np.zeros((centred.shape[1], AXES))
    shares = [0.0] * AXES
    for axis, place in enumerate(order):
        if total <= 0.0 or values[place] <= 0.0:
            continue
        vector = vectors[:, place]
        axes[:, axis] = vector * np.sign(vector[np.argmax(np.abs(vector))])
        shares[axis] = round(float(values[place]) / total, _DIGITS)
    return axes, (shares[0], shares[1])
