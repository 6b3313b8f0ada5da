"""A sound shop in memory that can be spoiled again and again: every change is taken back.

All tables stand in one in-memory database, so that one transaction covers damage in raw tables and
in marts alike. The models and tests are the compiled ones of the project, the expectations those of
the shipped suites.

What follows a learned model is left out: clusters are spoiled in tests of their own.

Belongs here: building a shop, spoiling it, running a check by its name. Does not belong here:
damages and expectations of a test.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import duckdb

from orchestration.checks.expectations import judge_expectations
from orchestration.checks.landed import LANDING_CHECKS, judge_landing
from orchestration.checks.suites import Expectation, load_suites
from orchestration.demo.shop import generate_demo_shop
from orchestration.landing.contract import CONTRACT
from orchestration.landing.load import ensure_raw_tables, load_landing
from orchestration.layers import LEARNED_FOLDERS, PUBLISHED_SCHEMAS, RAW_SCHEMA
from orchestration.restatement import write_first_publication
from orchestration.settings import Settings
from orchestration.warehouse import MARTS
from tests.compiled_models import compiled_checks, small_warehouse
from tests.compiling import CompiledModel

#: What the demo shop has no files of.
MORE_FILES = {
    "campaigns.csv": [
        "campaign_id,campaign_name,starts_at,ends_at",
        "K1,Spring,2024-03-01,2024-03-31",
    ],
    "coupon_sends.csv": [
        "send_id,campaign_id,customer_id,sent_at,expires_at,discount_amount",
        "S1,K1,100001,2024-03-02 10:00:00,2024-03-03 10:00:00,5",
    ],
    "coupon_redemptions.csv": [
        "redemption_id,send_id,redeemed_at,paid_amount",
        "R1,S1,2024-03-02 12:00:00,20",
    ],
    "agents.csv": ["agent_id,agent_name", "A1,Ada"],
    "events.csv": [
        "event_id,customer_id,event_type,product_id,occurred_at,dwell_seconds",
        "E1,100001,view,P1,2024-03-02 09:00:00,30",
        "E1,100001,view,P1,2024-03-02 09:00:00,30",
    ],
    "corrections.csv": [
        "correction_id,dataset,key,action,column,value,reason,author,corrected_at",
        "C1,order_lines,X1/1,set,quantity,3,typed wrongly,Ada,2024-03-05",
    ],
    "order_lines_more.csv": [
        "order_id,line_number,product_id,ordered_at,quantity,unit_price,customer_id,currency,paid_at",
        "X1,1,P1,2024-03-02 12:00:00,2,10,100001,GBP,2024-03-02 12:01:00",
        "X2,1,P1,2024-03-02 13:00:00,2,0,100001,GBP,2024-03-02 13:01:00",
    ],
}


class LandedShop:
    """A landing folder and what is built from it; ``con`` is its database.

    Args:
        landing: folder with files that the profile ``canonical`` reads.
    """

    def __init__(self, landing: Path, profile: str | None = "canonical") -> None:
        self.settings = Settings(
            landing_dir=landing, profile=profile, data_dir=landing.with_name("data")
        )
        self.con = in_one_database()
        self.report = load_landing(self.con, self.settings)
        self.models = {
            name: model
            for name, model in small_warehouse("net").models.items()
            if model.schema not in LEARNED_FOLDERS
        }

    def build(self, names: Iterable[str]) -> None:
        """Build models, each after those that it reads."""
        wanted = set(names)
        for model in in_order(self.models):
            if model.name in wanted:
                build_model(self.con, model)

    def downstream(self, name: str) -> list[str]:
        """A model and everything that is made from it."""
        found = {name}
        for model in in_order(self.models):
            if found & set(model.parents):
                found.add(model.name)
        return sorted(found)

    def read_by(self, check: str) -> set[str]:
        """The models that a check reads, and all that these are made from."""
        if check in self.tests:
            named = set(re.findall(r'"marts"\."\w+"\."(\w+)"', self.tests[check]))
        else:
            named = {self.expectations[check].table} if check in self.expectations else set()
        found: set[str] = set()
        waiting = sorted(named & set(self.models))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self.models[name].parents)
        return found

    @contextmanager
    def spoiled(self, damage: str, rebuilt: Iterable[str] = ()) -> Iterator[None]:
        """Within the block the damage is done and the models are built again."""
        self.con.execute("begin")
        try:
            self.con.execute(damage)
            self.build(rebuilt)
            yield
        finally:
            self.con.execute("rollback")

    @cached_property
    def tests(self) -> dict[str, str]:
        """SQL of every dbt test by its name."""
        return {
            check.name: in_marts(check.sql)
            for check in compiled_checks("net")
            if not any(f'"{schema}".' in check.sql for schema in LEARNED_FOLDERS)
        }

    def _dated(self, sql: str) -> str:
        """SQL with the dates of snapshots that dbt looks up when it compiles in a warehouse."""
        if "cast(null as date)" not in sql:
            return sql
        before, last = self.con.execute(
            "select max(previous_snapshot_date), max(snapshot_date) from rfm.dim_snapshots"
        ).fetchall()[0]
        for column, day in (
            ("snapshot_date", last),
            ("to_snapshot", last),
            ("from_snapshot", before),
        ):
            sql = sql.replace(f"{column} = cast(null as date)", f"{column} = date '{day}'")
        return sql

    @cached_property
    def expectations(self) -> dict[str, Expectation]:
        """Every expectation of the shipped suites by its name."""
        tables = {RAW_SCHEMA: [*CONTRACT, "loaded_files", "rejected_rows"]}
        for schema in PUBLISHED_SCHEMAS:
            tables[schema] = [m.name for m in self.models.values() if m.schema == schema]
        return {one.name: one for one in load_suites(None, tables)}

    @property
    def checks(self) -> set[str]:
        """Names of all checks there are."""
        return {*self.tests, *self.expectations, *(check.check_name for check in LANDING_CHECKS)}

    def finds(self, check: str) -> bool:
        """Whether a check, of whatever kind, finds something wrong."""
        if check in self.tests:
            return bool(self.con.execute(self._dated(self.tests[check])).fetchmany(1))
        if check in self.expectations:
            (result,) = judge_expectations(self.con, [self.expectations[check]])
            return result.status in ("failed", "warned")
        return {one.check_name: one.status for one in judge_landing(self.con)}[check] == "failed"


class SpoiledShop(LandedShop):
    """A whole demo shop, sound, which ``spoiled`` leaves as it was.

    Args:
        folder: where the landing files are written.
        customers: size of the demo shop.
    """

    def __init__(self, folder: Path, customers: int) -> None:
        generate_demo_shop(folder, customers=customers, months=14, truth=False)
        landing = folder / "landing"
        for name, lines in MORE_FILES.items():
            (landing / "canonical" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        super().__init__(landing, profile=None)
        self.build(self.models)


def in_one_database() -> duckdb.DuckDBPyConnection:
    """A database in memory, called like the marts, with the seeds and empty raw tables."""
    con = duckdb.connect(config={"threads": "1", "preserve_insertion_order": "false"})
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"attach ':memory:' as {MARTS}")
    con.execute(f"use {MARTS}")
    ensure_raw_tables(con)
    write_first_publication(con)
    warehouse = small_warehouse("net")
    con.execute("create schema seeds")
    for (name,) in warehouse.con.execute(
        "select table_name from duckdb_tables() where schema_name = 'seeds'"
    ).fetchall():
        con.register("seed_rows", warehouse.con.sql(f"select * from seeds.{name}").to_arrow_table())
        con.execute(f"create table seeds.{name} as from seed_rows")
        con.unregister("seed_rows")
    for schema in {model.schema for model in warehouse.models.values()}:
        con.execute(f"create schema if not exists {schema}")
    return con


def in_marts(sql: str) -> str:
    """Compiled SQL with every table in the one database."""
    return sql.replace('"warehouse".', f'"{MARTS}".')


def in_order(models: Mapping[str, CompiledModel]) -> list[CompiledModel]:
    """Models, each after those that it reads."""
    ordered: dict[str, CompiledModel] = {}

    def add(model: CompiledModel) -> None:
        if model.name not in ordered:
            for parent in model.parents:
                add(models[parent])
            ordered[model.name] = model

    for model in models.values():
        add(model)
    return list(ordered.values())


def build_model(con: duckdb.DuckDBPyConnection, model: CompiledModel) -> None:
    """Build one model, whatever stood in its place."""
    for statement in model.statements("full"):
        con.execute(in_marts(statement))
