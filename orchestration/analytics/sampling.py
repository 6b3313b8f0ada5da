"""The order and the choice of customers that every computation here starts from.

Belongs here: sorting by customer and drawing a sample that depends on the ids and the seed alone.
Does not belong here: features, and any model.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.errors import CustomerValueError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Column with the key of a customer, in every frame of this package.
CUSTOMER = "customer_id"
_HASH_KEY_LENGTH = 16


def sorted_by_customer(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of their customers, with a fresh index.

    Args:
        frame: one row per customer.

    Raises:
        CustomerValueError: there is no row, no column customer_id, or a customer is missing or
            appears twice.
    """
    check_customers(frame)
    return frame.sort_values(CUSTOMER, kind="stable", ignore_index=True)


def check_customers(frame: pd.DataFrame) -> None:
    """Stop where a frame is not one row per customer.

    Raises:
        CustomerValueError: as in ``sorted_by_customer``.
    """
    if CUSTOMER not in frame.columns:
        raise CustomerValueError(
            f"The customer features have no column {CUSTOMER}.",
            f"Pass one row per customer with {CUSTOMER} and the features.",
        )
    if frame.empty:
        raise CustomerValueError(
            "There are no customers to cluster.",
            "Load orders of known customers, or choose a snapshot that has some.",
        )
    if frame[CUSTOMER].isna().any():
        raise CustomerValueError(
            f"Row {int(frame[CUSTOMER].isna().to_numpy().argmax())} of the customer features has "
            f"no {CUSTOMER}.",
            "Leave out rows without a customer.",
        )
    repeated = frame[CUSTOMER].duplicated()
    if repeated.any():
        raise CustomerValueError(
            f"Customer {frame[CUSTOMER][repeated].iloc[0]} has more than one row of features.",
            "Pass one snapshot at a time.",
        )


def sample_customers(frame: pd.DataFrame, limit: int, seed: int) -> pd.DataFrame:
    """At most ``limit`` rows, in the order of their customers.

    Who is chosen is decided by a hash of the id and the seed: the order of the rows has no say,
    and one more customer displaces at most one.

    Args:
        frame: one row per customer.
        limit: rows to keep at most, at least 1.
        seed: another seed draws another sample.
    """
    if len(frame) <= limit:
        return sorted_by_customer(frame)
    check_customers(frame)
    hashes = customer_hashes(frame[CUSTOMER], seed)
    limit_hash = np.partition(hashes, limit - 1)[limit - 1]
    near = np.flatnonzero(hashes <= limit_hash)
    if len(near) > limit:  # customers that share the last hash: the lowest ids
        ids = frame[CUSTOMER].iloc[near].astype(str).to_numpy(dtype=object)
        order = np.lexsort((np.argsort(np.argsort(ids)), hashes[near]))
        near = near[order[:limit]]
    return sorted_by_customer(frame.iloc[near])


def customer_hashes(customers: pd.Series, seed: int) -> npt.NDArray[np.uint64]:
    """One number per customer that depends on the id as text and the seed only."""
    ids = customers.astype(str).to_numpy(dtype=object)
    key = f"{seed:0{_HASH_KEY_LENGTH}d}"[-_HASH_KEY_LENGTH:]
    return pd.util.hash_array(ids, hash_key=key, categorize=False)
