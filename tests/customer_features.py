"""Frames of customer features for tests: planted groups, and Online Retail as the article has it.

Belongs here: making the frames. Does not belong here: any expectation.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

FEATURES = ("recency_days", "frequency", "monetary")

#: Mean recency, frequency and monetary of each planted group, best first.
GROUPS = ((5.0, 40.0, 8_000.0), (20.0, 12.0, 900.0), (200.0, 9.0, 700.0), (250.0, 1.0, 30.0))


def planted(
    sizes: Sequence[int], seed: int = 1, groups: Sequence[tuple[float, float, float]] = GROUPS
) -> pd.DataFrame:
    """Customers around the given means, with their group from 0; ids in no order of groups."""
    rng = np.random.default_rng(seed)
    frames = [
        pd.DataFrame(
            {
                "recency_days": np.floor(recency * rng.lognormal(0, 0.2, size)),
                "frequency": np.maximum(1.0, np.round(frequency * rng.lognormal(0, 0.15, size))),
                "monetary": np.round(monetary * rng.lognormal(0, 0.25, size), 2),
                "group": group,
            }
        )
        for group, ((recency, frequency, monetary), size) in enumerate(
            zip(groups, sizes, strict=True)
        )
    ]
    frame = pd.concat(frames, ignore_index=True)
    ids = rng.permutation(len(frame)) + 10_000
    frame.insert(0, "customer_id", ids.astype(str))
    return frame


def customers(*rows: tuple[float, float, float]) -> pd.DataFrame:
    """One customer per row: recency, frequency, monetary; ids 1, 2, ..."""
    frame = pd.DataFrame(list(rows), columns=list(FEATURES), dtype="float64")
    frame.insert(0, "customer_id", [str(number + 1) for number in range(len(rows))])
    return frame


def online_retail(folder: Path) -> pd.DataFrame:
    """All customers of Online Retail, gross, all history, repeated rows kept, all line kinds."""
    source = str(folder / "online_retail.parquet")
    with duckdb.connect() as con:
        return con.execute(
            """
            with sales as (
                select
                    cast(cast("CustomerID" as bigint) as varchar) as customer_id,
                    cast("InvoiceNo" as varchar) as order_id,
                    cast("InvoiceDate" as date) as order_date,
                    "Quantity" * cast("UnitPrice" as decimal(18, 4)) as amount
                from read_parquet($1)
                where "CustomerID" is not null and "Quantity" > 0 and "UnitPrice" > 0
            )
            select
                customer_id,
                cast(date '2011-12-09' - max(order_date) as double) as recency_days,
                cast(count(distinct order_id) as double) as frequency,
                cast(sum(amount) as double) as monetary
            from sales group by customer_id order by customer_id
            """,
            [source],
        ).df()
