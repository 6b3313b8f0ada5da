"""The project's own compiled SQL on a small in-memory DuckDB, many times in a second.

Nothing of dbt is needed here: an example is rows in, ``create or replace table`` for each model,
rows out.

Belongs here: running compiled models in dependency order on rows that a test hands over. Does not
belong here: compiling (``compiling.py``), any expectation, and any SQL of the project.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.build_plan import Mode
from orchestration.warehouse import MARTS
from tests.compiling import (
    CompiledCheck,
    CompiledModel,
    compile_variants,
    compiled_project,
)

#: What customers are clustered by in tests of features of behaviour.
BEHAVIOUR = (
    "view_count",
    "cart_rate",
    "fav_count",
    "active_days",
    "avg_dwell_seconds",
    "last_seen_days",
)


class SmallWarehouse:
    """An in-memory warehouse with the seeds and empty raw tables; built anew for each example."""

    def __init__(self, models: Mapping[str, CompiledModel], seeds: Mapping[str, pa.Table]) -> None:
        self.models = models
        self.con = duckdb.connect(config={"threads": "1", "preserve_insertion_order": "false"})
        self.con.execute("set TimeZone = 'UTC'")
        # Plans are kept while rows change: they must not rest on what the rows were.
        self.con.execute("set disabled_optimizers = 'statistics_propagation'")
        self.con.execute("attach ':memory:' as warehouse")
        self.con.execute("use warehouse")
        self.con.execute(f"attach ':memory:' as {MARTS}")
        self._prepare(seeds)
        self._plans: dict[tuple[str, ...], list[CompiledModel]] = {}
        self._created_views: dict[str, str] = {}
        self._created_tables: set[str] = set()
        self._prepared: dict[str, str] = {}

    def build(
        self, rows: Mapping[str, Sequence[Mapping[str, Any]]], targets: tuple[str, ...]
    ) -> None:
        """Replace the rows of raw datasets and build the targets with all they are made from."""
        for dataset, dataset_rows in rows.items():
            self._replace_rows(dataset, dataset_rows)
        self.run(targets)

    def run(
        self, targets: tuple[str, ...], mode: Mode = "full", upon: tuple[str, ...] = ()
    ) -> None:
        """Build the targets, and all they are made from, of the rows that stand in raw.

        Args:
            targets: models.
            mode: how tables that keep rows are built.
            upon: models that have just been built, with all that they are made from.
        """
        built = {model.name for model in self._plan(upon)}
        for model in self._plan(targets):
            if model.name in built:
                continue
            if model.is_view:
                if self._created_views.get(model.name) == model.sql[mode]:
                    continue
                self._created_views[model.name] = model.sql[mode]
                self.con.execute(*model.statements(mode))
            elif mode == "full" and model.name in self._created_tables:
                self.con.execute(f"delete from {model.relation}")
                self._execute_prepared(f"insert into {model.relation} {model.sql[mode]}")
            else:
                for statement in model.statements(mode):
                    self.con.execute(statement)
                self._created_tables.add(model.name)

    def _execute_prepared(self, statement: str) -> None:
        """Run a statement that is run again and again; planning it takes as long as running it."""
        if statement not in self._prepared:
            self._prepared[statement] = f"prepared_{len(self._prepared)}"
            self.con.execute(f"prepare {self._prepared[statement]} as {statement}")
        self.con.execute(f"execute {self._prepared[statement]}")

    def rows(self, model: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of a built model in no order; columns as a select list."""
        relation = self.models[model].relation
        return self.con.execute(f"select {columns} from {relation} where {where}").fetchall()

    def _prepare(self, seeds: Mapping[str, pa.Table]) -> None:
        from orchestration.landing.load import ensure_raw_tables
        from orchestration.learned_tables import ensure_learned_tables
        from orchestration.restatement import write_first_publication

        ensure_raw_tables(self.con)
        write_first_publication(self.con)
        ensure_learned_tables(self.con)
        self.con.execute("create schema seeds")
        for schema in {model.relation.rpartition(".")[0] for model in self.models.values()}:
            self.con.execute(f"create schema if not exists {schema}")
        for name, table in seeds.items():
            self.con.register("seed_rows", table)
            self.con.execute(f'create table seeds."{name}" as select * from seed_rows')
            self.con.unregister("seed_rows")

    def _replace_rows(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self.con.execute(f"delete from raw.{dataset}")
        if rows:
            columns = list(rows[0])
            marks = ", ".join("(" + ", ".join("?" * len(columns)) + ")" for _ in rows)
            self.con.execute(
                f"insert into raw.{dataset} ({', '.join(columns)}) values {marks}",
                [row[column] for row in rows for column in columns],
            )

    def _plan(self, targets: tuple[str, ...]) -> list[CompiledModel]:
        """The targets and all they are made from, each after what it is made from."""
        if targets in self._plans:
            return self._plans[targets]
        plan: dict[str, CompiledModel] = {}

        def add(name: str) -> None:
            if name not in plan:
                for parent in self.models[name].parents:
                    add(parent)
                plan[name] = self.models[name]

        for target in targets:
            add(target)
        self._plans[targets] = list(plan.values())
        return self._plans[targets]


@cache
def small_warehouse(variant: str) -> SmallWarehouse:
    """The small warehouse of one variant; compiled at the first call of the session."""
    variants, seeds = compiled_project()
    return SmallWarehouse(variants[variant].models, seeds)


def compiled_checks(variant: str) -> tuple[CompiledCheck, ...]:
    """The data tests of the project under a variant, seeds and sources included."""
    variants, _ = compiled_project()
    return variants[variant].checks


def dated_warehouse(variant: str) -> SmallWarehouse:
    """A new small warehouse that measures to the date in ``main.as_of``, if one stands there.

    For tests that choose the as-of date themselves; of a variant that sets none.
    """
    variants, seeds = compiled_project()
    dated = dict(variants[variant].models)
    period = dated["int_reporting_period"]
    last = "last_order_date as as_of_date"
    if any(sql.count(last) != 1 for sql in period.sql.values()):
        raise ValueError(f"int_reporting_period does not take the last date under {variant}")
    chosen = "coalesce((select max(as_of_date) from main.as_of), last_order_date) as as_of_date"
    sql = {mode: text.replace(last, chosen) for mode, text in period.sql.items()}
    dated["int_reporting_period"] = replace(period, sql=sql)
    warehouse = SmallWarehouse(dated, seeds)
    warehouse.con.execute("create table main.as_of (as_of_date date)")
    return warehouse


def small_warehouses(
    variants: Mapping[str, Mapping[str, Any]], models: Sequence[str]
) -> dict[str, SmallWarehouse]:
    """Small warehouses with a few models, of variants that one test alone asks for.

    Only these models are compiled, once for each variant; what else they read, the test makes.
    """
    compiled, seeds = compile_variants(variants, models)
    return {name: SmallWarehouse(compiled[name].models, seeds) for name in variants}


def checked_warehouse(
    variant: str, variables: Mapping[str, Any], wanted: Sequence[str]
) -> tuple[SmallWarehouse, dict[str, str]]:
    """A small warehouse of a variant that one test alone asks for, and data tests on it.

    Args:
        variant: a name that stands in ``_CHECKED``.
        variables: its variables.
        wanted: models and data tests that are compiled, in dbt's words.

    Returns:
        The warehouse, and the query of each data test by name.
    """
    compiled, seeds = compile_variants({variant: variables}, wanted)
    checks = {check.name: check.sql for check in compiled[variant].checks}
    return SmallWarehouse(compiled[variant].models, seeds), checks


@cache
def clustered_warehouse(
    variant: str = "clustered",
) -> tuple[SmallWarehouse, tuple[CompiledCheck, ...]]:
    """A small warehouse whose customers are clustered, with the models that this takes alone, and
    the data tests on them.

    Args:
        variant: clustered, or clustered_by_behaviour: by BEHAVIOUR instead of the orders.
    """
    wanted = ["+fqn:customer_value.clusters", "+fct_purchase_months"]
    variants = {
        "clustered": {"clustering": True},
        "clustered_by_behaviour": {"clustering": True, "cluster_features": list(BEHAVIOUR)},
    }
    compiled, seeds = compile_variants(variants, wanted)
    return SmallWarehouse(compiled[variant].models, seeds), compiled[variant].checks


@cache
def second_warehouse(variant: str) -> SmallWarehouse:
    """Another small warehouse of the same variant, for tests that compare two."""
    variants, seeds = compiled_project()
    return SmallWarehouse(variants[variant].models, seeds)
