"""Segments, cohorts and customers of published marts as pandas frames.

    python docs/examples/segments_with_pandas.py data/demo/marts.duckdb

Needs pandas and duckdb, which `make run` installs into .venv. Large tables are filtered and added
up in SQL, so that only what is looked at becomes a frame.
"""

import sys

import duckdb
import pandas as pd

SEGMENTS = """
select snapshot_date, name_en as segment, segment_order, customers, revenue
from rfm.rpt_segments
where scheme = 'quintile'
"""

COHORTS = """
select cohort_month, age_months, retention_rate
from lifecycle.rpt_cohort_retention
where not is_partial_month and age_months <= 6
"""

# A view over all snapshots: the date is named, and the frame has one row per customer. A sample is
# drawn before a WHERE beside it is applied, so what is drawn from stands in a query of its own.
CUSTOMERS = """
select *
from (
    select scores.segment, snapshots.recency_days, snapshots.frequency, snapshots.monetary
    from rfm.fct_rfm_scores as scores
    inner join rfm.fct_rfm_snapshots as snapshots using (snapshot_date, customer_id)
    where
        scores.scheme = 'quintile'
        and scores.snapshot_date = (select snapshot_date from rfm.dim_snapshots where is_as_of)
) as customers
using sample reservoir(10000 rows) repeatable (42)
"""


def main(path: str) -> None:
    """Print what changed in the segments, how cohorts stay, and how customers differ."""
    with duckdb.connect(path, read_only=True) as marts:
        segments = marts.execute(SEGMENTS).df()
        cohorts = marts.execute(COHORTS).df()
        customers = marts.execute(CUSTOMERS).df()

    # Columns are dates in their order; a shop younger than a year is compared with its first month.
    sizes = segments.pivot(
        index=["segment_order", "segment"], columns="snapshot_date", values="customers"
    ).droplevel("segment_order")
    change = pd.DataFrame({"now": sizes.iloc[:, -1]})
    change["a year before"] = sizes.iloc[:, -13:].iloc[:, 0]
    change["change"] = change["now"] - change["a year before"]
    print("Customers by segment", change.astype(int), sep="\n")

    kept = cohorts.pivot(index="cohort_month", columns="age_months", values="retention_rate")
    print("\nShare of a month's new customers who buy again after so many months")
    print(kept.mean().drop(0).map("{:.1%}".format).to_string())

    print("\nMedians of a sample of customers")
    print(customers.groupby("segment").median().round(2))


if __name__ == "__main__":
    main(sys.argv[1])
