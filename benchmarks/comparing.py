"""Whether the pipeline's published tables say the same as those of the other contenders.

Belongs here: which columns are compared and how exactly; the hand-written script makes the same
tables, which are compared whole, the pandas script makes some of them in floating point. Does not
belong here: running any of them.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

#: Money and ratios may differ by this much: the baseline counts in floating point.
TOLERANCE = 0.001


@dataclass(frozen=True)
class TableCheck:
    """A table of both sides, selected under the same column names."""

    name: str
    ours: str
    theirs: str
    keys: tuple[str, ...]
    exact: tuple[str, ...] = ()
    close: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableResult:
    """How many rows of a table differ."""

    name: str
    rows: int
    #: Rows that only one side has.
    unpaired: int
    #: Rows of both sides in which a compared column differs.
    different: int

    @property
    def is_equal(self) -> bool:
        """Whether both sides have the same rows with the same values."""
        return self.rows > 0 and not self.unpaired and not self.different


CHECKS = (
    TableCheck(
        "sales by month",
        "select * from marts.sales.rpt_sales_by_month",
        "select * from baseline('sales_by_month')",
        ("order_month",),
        ("orders", "buyers", "units"),
        ("gross_revenue", "returned_revenue", "discount_revenue", "net_revenue"),
    ),
    TableCheck(
        "customer months",
        "select * from marts.lifecycle.fct_customer_months where state <> 'prospect'",
        "select * from baseline('customer_months')",
        ("customer_id", "order_month"),
        ("state", "order_count"),
        ("revenue",),
    ),
    TableCheck(
        "lifecycle by month",
        "select * from marts.lifecycle.rpt_lifecycle_by_month",
        "select * from baseline('lifecycle_by_month')",
        ("order_month",),
        (
            "new",
            "active",
            "reactivated",
            "inactive",
            "newly_lapsed",
            "buyers",
            "customers",
            "prospects",
        ),
    ),
    TableCheck(
        "purchase rates by month",
        "select * from marts.lifecycle.rpt_purchase_rates_by_month",
        "select * from baseline('purchase_rates_by_month')",
        ("order_month",),
        ("buyers", "orders", "repeat_buyers"),
        ("repeat_purchase_rate", "retention_rate", "reactivation_rate"),
    ),
    TableCheck(
        "cohorts",
        "select * from marts.lifecycle.rpt_cohort_retention where buyers > 0 or revenue <> 0",
        "select * from baseline('cohort_retention') where buyers > 0 or abs(revenue) > 0.00005",
        ("cohort_month", "age_months"),
        ("cohort_size", "buyers"),
        ("retention_rate", "revenue", "cumulative_revenue_per_customer"),
    ),
    TableCheck(
        "RFM snapshot",
        "select * from marts.rfm.fct_rfm_snapshots",
        "select * from baseline('rfm_snapshots_*')",
        ("customer_id", "snapshot_date"),
        ("recency_days", "frequency"),
        ("monetary",),
    ),
    TableCheck(
        "RFM scores",
        "select * from marts.rfm.fct_rfm_scores",
        "select * from baseline('rfm_scores_*')",
        ("scheme", "customer_id", "snapshot_date"),
        ("r_score", "f_score", "m_score", "rfm_code", "segment"),
    ),
    TableCheck(
        "segments",
        "select * from marts.rfm.rpt_segments where customers > 0",
        "select * from baseline('segments')",
        ("scheme", "segment", "snapshot_date"),
        ("customers",),
        ("customer_share", "revenue", "revenue_share", "mean_recency_days", "mean_frequency"),
    ),
    TableCheck(
        "segment migration",
        "select * from marts.rfm.rpt_segment_migration",
        "select * from baseline('segment_migration')",
        ("scheme", "to_snapshot", "from_segment", "to_segment"),
        ("customers",),
        ("revenue_before", "revenue_after"),
    ),
    TableCheck(
        "revenue walk",
        "select * from marts.rfm.rpt_revenue_walk where customers > 0",
        "select * from baseline('revenue_walk')",
        ("scheme", "to_snapshot", "movement"),
        ("customers",),
        ("revenue_before", "revenue_after", "revenue_change"),
    ),
    TableCheck(
        "cancellations by rule",
        "select match_rule, sum(quantity) as quantity, sum(revenue) as revenue "
        "from marts.core.fct_cancellations group by match_rule",
        "select match_rule, sum(quantity) as quantity, sum(revenue) as revenue "
        "from baseline('cancellations') group by match_rule",
        ("match_rule",),
        ("quantity",),
        ("revenue",),
    ),
)


def compare_outputs(
    marts: Path, baseline: Path, checks: tuple[TableCheck, ...] = CHECKS
) -> list[TableResult]:
    """Compare every table of ``checks``.

    Args:
        marts: the published DuckDB file.
        baseline: folder with the baseline's Parquet files.
    """
    with duckdb.connect(config={"temp_directory": str(baseline / "spill")}) as con:
        con.execute(f"attach '{marts}' as marts (read_only)")
        con.execute(
            "create macro baseline(name) as table "
            f"select * from read_parquet('{baseline}/' || name || '.parquet')"
        )
        return [_compare(con, check) for check in checks]


#: Schemas that the pipeline and the hand-written script both publish; `quality` and `meta` are the
#: pipeline's own.
PUBLISHED_SCHEMAS = ("core", "lifecycle", "rfm", "sales")
#: A view of every pair of snapshots, compared on what it says of the last one.
_PAIRS = "rfm.rpt_segment_migration_between"
#: Rows up to which all that differ are counted; of more, those of a tenth of the keys.
_COUNTED_ROWS = 2_000_000


def compare_published(marts: Path, hand_written: Path) -> list[TableResult]:
    """Compare every table and view of the published schemas, all columns of all rows.

    Numbers must be equal, those in floating point to six decimals. A column or table that only one
    side has counts as a difference. The rows' hashes are added up on both sides, which takes no
    memory; where the sums differ, the rows are compared.
    """
    with duckdb.connect(config={"temp_directory": str(hand_written.parent / "spill")}) as con:
        # Views of the built file name the database that they were made in.
        con.execute(f"attach '{marts}' as marts (read_only)")
        con.execute(f"attach '{hand_written}' as hand_written (read_only)")
        ours, theirs = _columns(con, "marts"), _columns(con, "hand_written")
        return [
            _compare_rows(con, name, ours.get(name, {}), theirs.get(name, {}))
            for name in sorted(ours.keys() | theirs.keys())
        ]


def _columns(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    """Columns with their types by `schema.table`."""
    found: dict[str, dict[str, str]] = {}
    rows = con.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where database_name = $1 and list_contains($2, schema_name) order by column_index",
        [database, list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    for table, column, data_type in rows:
        found.setdefault(table, {})[column] = data_type
    return found


def _compare_rows(
    con: duckdb.DuckDBPyConnection, table: str, ours: dict[str, str], theirs: dict[str, str]
) -> TableResult:
    if ours != theirs:
        return TableResult(table, 1, 0, len(ours.items() ^ theirs.items()))
    items = ", ".join(
        f"round({name}, 6) as {name}" if data_type == "DOUBLE" else name
        for name, data_type in ours.items()
    )
    condition = _last_snapshot(con) if table == _PAIRS else "true"

    def rows(database: str) -> str:
        return f"select {items} from {database}.{table} where {condition}"

    def digest(database: str) -> tuple[int, ...]:
        # A struct, as nulls beside each other must not pass for one another.
        hashes = f"select hash(rows) as row_hash from ({rows(database)}) as rows"
        return con.execute(
            f"select count(*), sum(row_hash), bit_xor(row_hash) from ({hashes})"
        ).fetchall()[0]

    digests = digest("marts"), digest("hand_written")
    if digests[0] == digests[1]:
        return TableResult(table, digests[0][0], 0, 0)
    key = next((name for name in ("order_id", "customer_id") if name in ours), None)
    if key is not None and max(digest[0] for digest in digests) > _COUNTED_ROWS:
        condition = f"hash({key}) % 10 = 0"
    query = f"""
        select
            (select count(*) from ({rows("marts")})),
            (select count(*) from ({rows("marts")} except all {rows("hand_written")})),
            (select count(*) from ({rows("hand_written")} except all {rows("marts")}))
    """
    count, only_ours, only_theirs = con.execute(query).fetchall()[0]
    # Where none of a tenth differs, at least one of the others does.
    return TableResult(table, count, only_ours + only_theirs or 1, 0)


def _last_snapshot(con: duckdb.DuckDBPyConnection) -> str:
    """A condition on a view of pairs of snapshots."""
    last = con.execute("select max(snapshot_date) from marts.rfm.dim_snapshots").fetchall()
    return f"to_snapshot = date '{last[0][0]}'"


def _compare(con: duckdb.DuckDBPyConnection, check: TableCheck) -> TableResult:
    keys = ", ".join(_key(name) for name in check.keys)
    columns = ", ".join([*check.exact, *check.close])
    differs = [f"ours.{name} is distinct from theirs.{name}" for name in check.exact]
    differs += [
        f"(ours.{name} is null) <> (theirs.{name} is null) "
        f"or abs(cast(ours.{name} as double) - theirs.{name}) > {TOLERANCE}"
        for name in check.close
    ]
    unpaired = "ours.side is null or theirs.side is null"
    query = f"""
        with ours as (select {keys}, {columns}, 1 as side from ({check.ours})),
        theirs as (select {keys}, {columns}, 1 as side from ({check.theirs}))
        select
            count(*),
            count(*) filter (where {unpaired}),
            count(*) filter (where not ({unpaired}) and ({" or ".join(differs)}))
        from ours full join theirs using ({", ".join(check.keys)})
    """
    try:
        rows, alone, different = con.execute(query).fetchall()[0]
    except duckdb.CatalogException:
        # No such table: nothing is shown to be equal.
        rows, alone, different = 0, 0, 0
    return TableResult(check.name, rows, alone, different)


def _key(name: str) -> str:
    is_date = name.endswith(("_month", "_date", "_snapshot"))
    return f"cast({name} as date) as {name}" if is_date else name
