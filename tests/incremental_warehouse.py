"""A small warehouse that is built step by step, as orchestration would, and one built anew.

Belongs here: planning and building after a landing, and the published tables of both. Does not
belong here: what lands (``landed_histories.py``), and assertions.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from orchestration.backfill import Months
from orchestration.build_plan import why_full
from orchestration.changes import BASE, write_changes, write_no_changes
from orchestration.fingerprint import Fingerprint
from orchestration.landing.contract import CONTRACT
from orchestration.landing.ledger import ensure_raw_tables, read_marks
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.publishing.run_manifest import RunManifest
from orchestration.warehouse import MARTS
from tests.compiled_models import SmallWarehouse, second_warehouse, small_warehouse
from tests.compiling import VARIANTS
from tests.landed_histories import Landing, land
from tests.published_tables import NOT_INCREMENTAL
from tests.reference_comparison import Rows, in_order

#: So large that no change is too much to be built incrementally.
_ANY_SHARE = 1e9
_READ_OF_BASE = ("fct_order_lines", "dim_customers")
_MADE_FROM = Fingerprint(inputs="", settings="the same", code="the same")
_RAW_TABLES = (*CONTRACT, "loaded_files", "rejected_rows")


@dataclass(frozen=True)
class Touched:
    """How much an incremental build computed, out of how much there was."""

    customers: int
    orders: int
    known_customers: int

    @property
    def is_a_part(self) -> bool:
        """Whether some customers were computed and others kept."""
        return 0 < self.customers < self.known_customers


@dataclass
class StepByStep:
    """The warehouse of one history: a full build, then incremental ones."""

    variant: str
    warehouse: SmallWarehouse = field(init=False)
    base: RunManifest | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Empty it of the last history."""
        self.warehouse = second_warehouse(self.variant)
        con = self.warehouse.con
        for table in (*_RAW_TABLES, "removed_rows", "marks"):
            con.execute(f"delete from raw.{table}")
        ensure_raw_tables(con)
        con.execute(f"attach if not exists ':memory:' as {BASE}")
        con.execute(f"create schema if not exists {BASE}.core")

    def build(self, landing: Landing, recomputed: Months | None = None) -> Touched | None:
        """Land and build; how much was touched, None in the full build.

        Args:
            landing: what comes.
            recomputed: months to compute anew in any case.
        """
        con = self.warehouse.con
        land(con, landing)
        if self.base is None:
            write_no_changes(con)
            touched = None
            self.warehouse.run(targets(self.variant))
            for table in _READ_OF_BASE:
                con.execute(
                    f"create or replace view {BASE}.core.{table} as from {MARTS}.core.{table}"
                )
        else:
            write_no_changes(con)
            assert why_full(con, self.base, _MADE_FROM) is None
            assert write_changes(con, self.base, _ANY_SHARE, recomputed) is None
            touched = Touched(
                self._count("changes.touched_customers"),
                self._count("changes.touched_orders"),
                self._count(f"{MARTS}.core.dim_customers"),
            )
            self.warehouse.run(targets(self.variant), "incremental")
        self.base = self._manifest()
        return touched

    def published(self) -> dict[str, Rows]:
        """The published tables as they are."""
        return _published(self.warehouse, self.variant)

    def built_anew(self) -> dict[str, Rows]:
        """The published tables of a full build of the same raw rows in another warehouse."""
        other = small_warehouse(self.variant)
        for table in _RAW_TABLES:
            rows = self.warehouse.con.execute(f"from raw.{table}").to_arrow_table()
            other.con.execute(f"delete from raw.{table}")
            if rows.num_rows:
                other.con.register("raw_rows", rows)
                other.con.execute(f"insert into raw.{table} from raw_rows")
                other.con.unregister("raw_rows")
        other.run(targets(self.variant))
        return _published(other, self.variant)

    def _manifest(self) -> RunManifest:
        """What publishing would note of this build."""
        rows = self.warehouse.con.execute(
            "select as_of_date from intermediate.int_reporting_period"
        ).fetchall()
        given = VARIANTS[self.variant].get("as_of_date")
        return RunManifest(
            run_id="",
            published_at=datetime.now(UTC),
            as_of_date=rows[0][0] if rows else given and date.fromisoformat(given),
            settings={},
            fingerprint="",
            input_digest="",
            settings_digest=_MADE_FROM.settings,
            code_digest=_MADE_FROM.code,
            code_version="",
            row_counts={
                f"core.{table}": self._count(f"{MARTS}.core.{table}") for table in _READ_OF_BASE
            },
            marks=read_marks(self.warehouse.con),
            publication_number=1,
        )

    def _count(self, table: str) -> int:
        return int(self.warehouse.con.execute(f"select count(*) from {table}").fetchall()[0][0])


def targets(variant: str) -> tuple[str, ...]:
    """Every published model that is compared."""
    return tuple(
        model.name
        for model in small_warehouse(variant).models.values()
        if model.schema in PUBLISHED_SCHEMAS
        and not {model.schema, f"{model.schema}.{model.name}"} & set(NOT_INCREMENTAL)
    )


def _published(warehouse: SmallWarehouse, variant: str) -> dict[str, Rows]:
    return {name: in_order(warehouse.rows(name, "*")) for name in targets(variant)}
