"""Shops with planted groups of customers, and publications of their clusters without dbt.

Belongs here: planting groups, and going through a run's steps (models, learned tables, cluster
models, checks, publication) on the compiled models. Does not belong here: assertions.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pandas as pd

from orchestration.analytics.clustering import ClusterOptions
from orchestration.analytics.k_selection import KSelectionOptions
from orchestration.cluster_model import ModelOutcome, ModelRequest, choose_model
from orchestration.layers import LEARNED_FOLDERS
from orchestration.learned_tables import clear_learned_tables
from orchestration.progress import SilentReporter
from orchestration.settings import Settings
from orchestration.warehouse import MARTS
from tests.compiled_models import clustered_warehouse

#: Groups that are planted far apart are found from any start and come back in every resample, so
#: that few tell of it; whole runs try as many as a user's.
_FEW = {
    ClusterOptions: partial(ClusterOptions, n_init=5),
    KSelectionOptions: partial(KSelectionOptions, resamples=4),
}

#: Its SQL holds dates that a compiled model does not know yet, or looks at the last publication.
_NOT_COMPILED = (
    "assert_cluster_months_end_in_customer_clusters",
    "assert_cluster_segments_add_up",
    "rpt_restatements",
    "int_restatement_causes",
)
_BEFORE = (
    "int_cluster_features", "fct_rfm_snapshots", "fct_rfm_scores", "dim_months", "dim_snapshots",
    "fct_purchase_months", "fct_behaviour_snapshots",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Customers who order alike: ``orders`` of them up to a last one that long before the end.

    Amounts and days are spread a little from customer to customer, by the customer's number.
    """

    name: str
    customers: int
    orders: int
    amount: float
    last_days: int
    step_days: int = 12

    def lines(self, end: date) -> list[dict[str, Any]]:
        """One line per order."""
        return [
            {
                "order_id": f"{self.name}{number}-{order}",
                "line_number": 1,
                "product_id": "P1",
                "ordered_at": datetime(end.year, end.month, end.day, 12)
                - timedelta(days=self.last_days + number % 7 + order * self.step_days),
                "quantity": 1,
                "unit_price": round(self.amount * (1 + (number * 7 % 11) / 20), 2),
                "customer_id": f"{self.name}{number:04d}",
            }
            for number in range(self.customers)
            for order in range(self.orders)
        ]


#: Three groups far apart: k = 3 is best and stable.
FREQUENT = Group("F", 40, 14, 60.0, 3)
SOMETIMES = Group("S", 70, 3, 30.0, 70, 40)
GONE = Group("G", 60, 1, 12.0, 300)
END = date(2024, 6, 30)


@dataclass
class ClusteredShop:
    """A shop and its last publication, as a run after the other leaves it."""

    folder: Path
    #: Which of the clustered warehouses it is built in.
    variant: str = "clustered"

    def __post_init__(self) -> None:
        """Empty the warehouse of what the last shop left."""
        self.warehouse, checks = clustered_warehouse(self.variant)
        self.checks = [
            check
            for check in checks
            if not any(name in check.sql + check.name for name in _NOT_COMPILED)
        ]
        clear_learned_tables(self.warehouse.con)
        self.con.execute("drop table if exists ml.cluster_previews")

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The warehouse's connection."""
        return self.warehouse.con

    def settings(self, **options: Any) -> Settings:
        """Settings whose publication is this shop's."""
        given = {"clustering": True, "cluster_max_k": 5, **options}
        return Settings(data_dir=self.folder, **given)

    def run(
        self,
        *groups: Group | Sequence[dict[str, Any]],
        is_refit: bool = False,
        is_drift_accepted: bool = False,
        **options: Any,
    ) -> ModelOutcome:
        """Land, build, learn, build on, check, publish; unless the model is held back."""
        self.land(*groups)
        return self.build(is_refit, is_drift_accepted, **options)

    def build(
        self, is_refit: bool = False, is_drift_accepted: bool = False, **options: Any
    ) -> ModelOutcome:
        """The same of what has landed."""
        self.warehouse.run(_BEFORE)
        request = ModelRequest(is_refit or is_drift_accepted, is_drift_accepted)
        with ExitStack() as stack:
            for options_class, few in _FEW.items():
                name = f"{options_class.__module__}.{options_class.__name__}"
                stack.enter_context(patch(name, few))
            outcome = choose_model(self.con, self.settings(**options), request, SilentReporter())
        self.warehouse.run(self.cluster_models, upon=_BEFORE)
        assert self.failed_checks() == {}
        if not outcome.is_held_back:
            self.publish()
        return outcome

    @property
    def cluster_models(self) -> tuple[str, ...]:
        """The models that read learned tables."""
        return tuple(
            model.name
            for model in self.warehouse.models.values()
            if model.schema in LEARNED_FOLDERS
        )

    def land(self, *groups: Group | Sequence[dict[str, Any]]) -> None:
        """Replace all order lines by those of the groups."""
        rows = [
            line
            for group in groups
            for line in (group.lines(END) if isinstance(group, Group) else group)
        ]
        self.con.execute("delete from raw.order_lines")
        if rows:
            self.con.register("landed", pd.DataFrame(rows))
            self.con.execute("insert into raw.order_lines by name from landed")
            self.con.unregister("landed")

    def failed_checks(self) -> dict[str, list[tuple[Any, ...]]]:
        """The data tests of the cluster models that find rows."""
        found = {}
        for check in self.checks:
            if '"clusters"."' in check.sql or "int_cluster_features" in check.sql:
                rows = self.con.execute(check.sql).fetchmany(3)
                if rows:
                    found[check.name] = rows
        return found

    def publish(self) -> None:
        """Put the cluster tables where the next run looks for the last publication."""
        path = self.settings().marts_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self.con.execute(f"attach '{path}' as publication")
        self.con.execute("create schema publication.clusters")
        for name in self.cluster_models:
            self.con.execute(
                f"create table publication.clusters.{name} as from {MARTS}.clusters.{name}"
            )
        self.con.execute("detach publication")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query; ``{c}`` stands for the schema of the cluster tables."""
        return self.con.execute(sql.format(c=f"{MARTS}.clusters")).fetchall()

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every cluster table, its rows in order."""
        return {name: self.rows(f"from {{c}}.{name} order by all") for name in self.cluster_models}

    def members(self) -> dict[str, str]:
        """The cluster of each customer."""
        return dict(self.rows("select customer_id, cluster_id from {c}.fct_customer_clusters"))

    def events(self) -> list[tuple[Any, ...]]:
        """What has happened, in order: event, cluster before, cluster after."""
        return self.rows(
            "select event, from_cluster_id, to_cluster_id from {c}.rpt_cluster_events "
            "order by event_number"
        )
