"""Frames for the clustering, read from the warehouse.

Belongs here: customers with their features at a date, what they bought in a quarter, and models as
they are stored. Does not belong here: computing anything from them (``analytics/``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

import duckdb

from orchestration.cluster_settings import BEHAVIOUR_FEATURES
from orchestration.learned_tables import table_of
from orchestration.warehouse import MARTS

if TYPE_CHECKING:
    import pandas as pd

    from orchestration.analytics.clustering import FloatArray
    from orchestration.analytics.features import FeatureScaling, Transform

#: Feature ``last_seen_days`` of a customer in both snapshots.
_LAST_SEEN = "least(recency_days, coalesce(event_recency_days, recency_days))"


@dataclass(frozen=True)
class StoredModel:
    """A model as its tables hold it: row i of ``centroids`` is cluster number i + 1."""

    cluster_ids: tuple[str, ...]
    scaling: "FeatureScaling"
    centroids: "FloatArray"


@dataclass(frozen=True)
class Quarter:
    """Three calendar months: customers are looked at on ``from_date``, the day before it begins."""

    from_date: date
    to_date: date


def read_customers(con: duckdb.DuckDBPyConnection, features: Sequence[str]) -> "pd.DataFrame":
    """The customers of the as-of snapshot: customer_id and the features as numbers, by id."""
    columns = ", ".join(f"cast({name} as double) as {name}" for name in features)
    return con.sql(
        f"select customer_id, {columns} from intermediate.int_cluster_features order by customer_id"
    ).df()


def read_customers_at(
    con: duckdb.DuckDBPyConnection, snapshot_date: date, features: Sequence[str]
) -> "pd.DataFrame":
    """The same of another snapshot, as the published views have it."""
    columns = ", ".join(
        f"cast(cast(coalesce({_LAST_SEEN if name == 'last_seen_days' else name}, 0) "
        f"as decimal(18, 4)) as double) as {name}"
        for name in features
    )
    behaviour = f"""
        left join (
            from {MARTS}.behaviour.fct_behaviour_snapshots
            where snapshot_date = date '{snapshot_date}'
        ) as behaved using (customer_id)
    """
    return con.sql(
        f"""
        select customer_id, {columns}
        from (
            from {MARTS}.rfm.fct_rfm_snapshots where snapshot_date = date '{snapshot_date}'
        ) as bought
        {behaviour if set(features) & set(BEHAVIOUR_FEATURES) else ""}
        order by customer_id
        """
    ).df()


def missing_behaviour(
    con: duckdb.DuckDBPyConnection, features: Sequence[str]
) -> tuple[int, list[str]]:
    """What the customers of the as-of snapshot lack to be clustered by what they did.

    Args:
        con: the warehouse.
        features: those of behaviour that are asked for.

    Returns:
        how many of the customers have an event up to the snapshot, and which of the features are
        0 for all of them.
    """
    as_of = "(select max(snapshot_date) from intermediate.int_cluster_features)"
    known = con.execute(
        f"""
        select count(distinct customer_id) from {MARTS}.behaviour.fct_behaviour_intervals
        where
            valid_from <= {as_of}
            and customer_id in (select customer_id from intermediate.int_cluster_features)
        """
    ).fetchall()
    counted = [name for name in features if name != "last_seen_days"]
    if not counted:
        return int(known[0][0]), []
    largest = con.execute(
        f"select {', '.join(f'max({name})' for name in counted)} "
        "from intermediate.int_cluster_features"
    ).fetchall()[0]
    return int(known[0][0]), [name for name, most in zip(counted, largest, strict=True) if not most]


def read_stored_model(
    con: duckdb.DuckDBPyConnection, transform: "Transform", database: str | None = None
) -> StoredModel:
    """The model of the learned tables, or of a publication.

    Args:
        con: the warehouse.
        transform: what its features go through before they are scaled.
        database: name that the publication is attached under; None: the learned tables.
    """
    from orchestration.analytics.features import FeatureScaling

    clusters = table_of(con, "clusters", database).sort_values("cluster_number")
    ids = tuple(str(name) for name in clusters["cluster_id"])
    rows = table_of(con, "cluster_centroids", database)
    first = rows[rows["cluster_id"] == ids[0]].sort_values("feature_number")
    features = tuple(str(name) for name in first["feature"])
    scaling = FeatureScaling(features, transform, tuple(first["mean"]), tuple(first["scale"]))
    wide = rows.pivot(index="cluster_id", columns="feature", values="center_scaled")
    centroids = wide.loc[list(ids), list(features)].to_numpy(dtype=float)
    return StoredModel(ids, scaling, centroids)


def last_quarters(con: duckdb.DuckDBPyConnection) -> tuple[Quarter, Quarter] | None:
    """The last two whole quarters of the data, counted in calendar months from its end.

    None when the snapshots before one of them are not among those looked back at, or when the
    data does not cover the three months before the first.
    """
    rows = con.execute(
        f"select snapshot_date, is_month_end from {MARTS}.rfm.dim_snapshots order by snapshot_date"
    ).fetchall()
    month_ends = [day for day, is_month_end in rows if is_month_end]
    if not month_ends:
        return None
    ends = [month_ends[-1]]
    while len(ends) < 4:
        ends.append(_three_months_before(ends[-1]))
    last, second, first, before = ends
    covered = con.execute(f"select min(order_month) from {MARTS}.lifecycle.dim_months").fetchall()
    if not {second, first} <= set(month_ends) or covered[0][0] > before + timedelta(days=1):
        return None
    return Quarter(first, second), Quarter(second, last)


def read_quarter(
    con: duckdb.DuckDBPyConnection, quarter: Quarter, schemes: Sequence[str]
) -> "pd.DataFrame":
    """What customers were and became: one row per customer of the quarter's first snapshot.

    Returns:
        customer_id, next_revenue (of the quarter), last_revenue (of the three months before) and,
        for each scheme, ``rfm_<scheme>`` with the segment; ordered by customer.
    """
    segments = ", ".join(
        f"min(segment) filter (where scheme = '{scheme}') as \"rfm_{scheme}\"" for scheme in schemes
    )
    before = _three_months_before(quarter.from_date)
    return con.sql(
        f"""
        with bought as (
            select
                customer_id,
                cast(sum(revenue) filter (
                    where order_month > date '{quarter.from_date}'
                ) as double) as revenue,
                cast(sum(revenue) filter (
                    where order_month <= date '{quarter.from_date}'
                ) as double) as last_quarter
            from {MARTS}.lifecycle.fct_purchase_months
            where order_month > date '{before}' and order_month <= date '{quarter.to_date}'
            group by customer_id
        ),
        segments as (
            select customer_id{", " if segments else ""}{segments}
            from {MARTS}.rfm.fct_rfm_scores
            where snapshot_date = date '{quarter.from_date}'
            group by customer_id
        )
        select
            segments.*,
            coalesce(bought.revenue, 0) as next_revenue,
            coalesce(bought.last_quarter, 0) as last_revenue
        from segments
        left join bought on segments.customer_id = bought.customer_id
        order by segments.customer_id
        """
    ).df()


def read_schemes(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The scoring schemes, by name."""
    rows = con.execute(f"select distinct scheme from {MARTS}.rfm.dim_rfm_cells order by scheme")
    return [cast(str, name) for (name,) in rows.fetchall()]


def _three_months_before(month_end: date) -> date:
    """The month end three months before one."""
    months = month_end.year * 12 + month_end.month - 3
    return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)
