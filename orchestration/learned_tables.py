"""The learned tables: what clustering has found, in schema ``ml`` of the warehouse.

They are a copy of what is published until a model is fitted, so that a model lasts from one
publication to the next whatever becomes of the warehouse.

Belongs here: their columns, and writing and reading them. Does not belong here: fitting a model
(``cluster_fit.py``) and deciding whether to (``cluster_model.py``).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from orchestration.layers import LEARNED_SCHEMA
from orchestration.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

#: Name under which the last publication is attached.
_PUBLISHED = "published_clusters"


@dataclass(frozen=True)
class LearnedTable:
    """A learned table: the published one that shows it, its columns, and what a row is."""

    published: str
    columns: str
    description: str

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.split()[0] for column in self.columns.split(",")]


#: By name in schema ``ml``.
LEARNED_TABLES: dict[str, LearnedTable] = {
    "cluster_model": LearnedTable(
        "dim_cluster_models",
        "model_id varchar, snapshot_date date, algorithm varchar, transform varchar, k bigint, "
        "seed bigint, fitted_customers bigint, chosen_by varchar, reason_en varchar, "
        "reason_zh varchar, is_stable boolean, settings_digest varchar",
        "One row for the model of clusters in use: how customers were clustered, when, and why so. "
        "It is the published one until a new one is asked for or the settings change.",
    ),
    "clusters": LearnedTable(
        "dim_clusters",
        "cluster_id varchar, cluster_number bigint, cluster_name varchar, cluster_name_zh varchar, "
        "rule_en varchar, rule_zh varchar, rule_precision double, rule_coverage double",
        "One row per cluster of the model in use: its lasting id, its name and its rule.",
    ),
    "cluster_centroids": LearnedTable(
        "dim_cluster_centroids",
        "model_id varchar, cluster_id varchar, feature varchar, feature_number bigint, "
        "mean double, scale double, center_scaled double, center double",
        "One row per cluster and feature of the model in use: its scaling and its centre.",
    ),
    "cluster_k_selection": LearnedTable(
        "rpt_k_selection",
        "model_id varchar, k bigint, inertia double, silhouette double, davies_bouldin double, "
        "calinski_harabasz double, smallest_cluster_customers bigint, "
        "smallest_cluster_share double, min_bootstrap_jaccard double, mini_batch_agreement double, "
        "is_stable boolean, is_elbow boolean, is_best_silhouette boolean, is_chosen boolean",
        "One row per number of clusters that was looked at for the model in use.",
    ),
    "cluster_events": LearnedTable(
        "rpt_cluster_events",
        "model_id varchar, snapshot_date date, event_number bigint, event varchar, "
        "from_cluster_id varchar, to_cluster_id varchar, customers bigint, share double, "
        "detail_en varchar, detail_zh varchar",
        "One row per event in the history of the clusters, of earlier models too.",
    ),
    "cluster_prediction": LearnedTable(
        "rpt_cluster_prediction",
        "predictor varchar, from_date date, to_date date, customers bigint, r_squared double, "
        "mean_absolute_error double, rank_correlation double, is_best boolean",
        "One row per predictor of next-quarter revenue that the clusters are compared with.",
    ),
    "cluster_sample": LearnedTable(
        "rpt_cluster_sample",
        "sample_number bigint, cluster_id varchar, axis_1 double, axis_2 double",
        "One row per sampled customer, without the id: the place in a plane through the clusters.",
    ),
}


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model without opening its other tables."""

    model_id: str
    snapshot_date: date
    k: int
    settings_digest: str


def ensure_learned_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create the learned tables where they are missing."""
    con.execute(f"create schema if not exists {LEARNED_SCHEMA}")
    for name, table in LEARNED_TABLES.items():
        con.execute(f"create table if not exists {LEARNED_SCHEMA}.{name} ({table.columns})")


def clear_learned_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the learned tables anew, empty."""
    con.execute(f"create schema if not exists {LEARNED_SCHEMA}")
    for name, table in LEARNED_TABLES.items():
        con.execute(f"create or replace table {LEARNED_SCHEMA}.{name} ({table.columns})")


def write_learned_tables(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, "pd.DataFrame"]
) -> None:
    """Put a new model in place of what is there; a table that is not given is left empty.

    Args:
        con: the warehouse.
        tables: by name in ``LEARNED_TABLES``, with its columns in any order.
    """
    con.execute("begin")
    try:
        clear_learned_tables(con)
        for name, frame in tables.items():
            columns = ", ".join(LEARNED_TABLES[name].column_names)
            con.register("learned_rows", frame)
            con.execute(
                f"insert into {LEARNED_SCHEMA}.{name} by name select {columns} from learned_rows"
            )
            con.unregister("learned_rows")
        con.execute("commit")
    except duckdb.Error:
        con.execute("rollback")
        raise


def copy_published_tables(con: duckdb.DuckDBPyConnection, published: str) -> None:
    """Put the published model in place of what is there.

    Args:
        con: the warehouse.
        published: name that the publication is attached under.
    """
    clear_learned_tables(con)
    for name, table in LEARNED_TABLES.items():
        columns = ", ".join(table.column_names)
        con.execute(
            f"insert into {LEARNED_SCHEMA}.{name} by name "
            f"select {columns} from {published}.clusters.{table.published}"
        )


def read_model_facts(con: duckdb.DuckDBPyConnection, table: str) -> ModelFacts | None:
    """The one model of a table with the columns of ``ml.cluster_model``; None without one."""
    rows = con.execute(
        f"select model_id, snapshot_date, k, settings_digest from {table}"
    ).fetchall()
    return ModelFacts(*rows[0]) if len(rows) == 1 else None


def table_of(
    con: duckdb.DuckDBPyConnection, name: str, database: str | None = None
) -> "pd.DataFrame":
    """All rows of a learned table, or of the published one that shows it, in order.

    Args:
        con: the warehouse.
        name: name in ``LEARNED_TABLES``.
        database: name that a publication is attached under; None: the learned table itself.
    """
    table = LEARNED_TABLES[name]
    source = f"{database}.clusters.{table.published}" if database else f"{LEARNED_SCHEMA}.{name}"
    columns = ", ".join(table.column_names)
    return con.sql(f"select {columns} from {source} order by all").df()


@contextmanager
def attached_publication(
    con: duckdb.DuckDBPyConnection, settings: Settings
) -> Iterator[str | None]:
    """The last publication, attached read-only.

    Yields:
        the name it is attached under; None when there is none, or one of an older form, whose
        cluster tables are missing or have other columns.
    """
    if not settings.marts_path.exists():
        yield None
        return
    path = str(settings.marts_path).replace("'", "''")
    con.execute(f"attach '{path}' as {_PUBLISHED} (read_only)")
    try:
        yield _PUBLISHED if _has_learned_tables(con) else None
    finally:
        con.execute(f"detach {_PUBLISHED}")


def _has_learned_tables(con: duckdb.DuckDBPyConnection) -> bool:
    found: dict[str, set[str]] = {}
    for table, column in con.execute(
        """
        select table_name, column_name from duckdb_columns()
        where database_name = ? and schema_name = 'clusters'
        """,
        [_PUBLISHED],
    ).fetchall():
        found.setdefault(table, set()).add(column)
    return all(
        set(table.column_names) <= found.get(table.published, set())
        for table in LEARNED_TABLES.values()
    )
