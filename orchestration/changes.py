"""What has changed since the last publication: schema ``changes``, which incremental builds read.

An incremental build computes the rows of touched orders and customers. Touched are the orders with
a line that was added, removed or corrected since the publication, the customers of these orders,
all orders of these customers, and so on until nothing is added: what belongs together is computed
together, so that the result is that of a full build.

Belongs here: finding and writing these. Does not belong here: whether to build so
(``build_plan.py``) and what the models make of it (``dbt_project/macros/incremental.sql``).
"""

from datetime import date, timedelta

import duckdb

from orchestration.backfill import Months
from orchestration.landing.ledger import Marks
from orchestration.publishing.run_manifest import RunManifest

#: Name under which the last publication is attached.
BASE = "base"
_TOO_MUCH = "much of the input has changed"


def write_no_changes(con: duckdb.DuckDBPyConnection) -> None:
    """Write schema ``changes`` as a full build needs it: its tables, empty."""
    con.execute("create schema if not exists changes")
    for table, columns in (
        ("touched_orders", "order_id varchar"),
        ("touched_customers", "customer_id varchar"),
        ("touched_registrations", "customer_id varchar"),
        ("changed_period", "changed_from date, changed_month date"),
    ):
        con.execute(f"create or replace table changes.{table} ({columns})")


def write_changes(
    con: duckdb.DuckDBPyConnection,
    base: RunManifest,
    max_share: float,
    recomputed: Months | None = None,
) -> str | None:
    """Write what has changed since the publication.

    Args:
        con: the warehouse, with the publication attached as ``base``.
        base: its manifest.
        max_share: largest share of the customers, and of the lines, that may be touched.
        recomputed: months whose orders count as changed in any case.

    Returns:
        why an incremental build is not worth it, or None.
    """
    since = base.marks
    changed = _changed_datasets(con, since)
    has_corrections = _has_corrections(con, since)
    if _new_line_share(con, since) > max_share:
        return _TOO_MUCH
    con.execute(_order_ids_sql("corrections" in changed), [since.last_file_id, since.last_removal])
    if recomputed is not None:
        con.execute(_ORDERS_OF_MONTHS, [recomputed.first_day, recomputed.last_day])
    if has_corrections:
        con.execute(_RENAMED_KEYS)
    _write_changed_period(con, base, has_corrections, recomputed)
    _create_edges(con, since, has_corrections)
    if not _spread(con, max_share * max(1, base.row_counts["core.dim_customers"])):
        write_no_changes(con)
        return _TOO_MUCH
    _write_touched_registrations(con, base, changed, has_corrections)
    return None


def _changed_datasets(con: duckdb.DuckDBPyConnection, since: Marks) -> set[str]:
    rows = con.execute(
        """
        select dataset from raw.loaded_files where file_id > $1
        union
        select dataset from raw.removed_rows where removal_number > $2
        """,
        [since.last_file_id, since.last_removal],
    ).fetchall()
    return {dataset for (dataset,) in rows}


def _has_corrections(con: duckdb.DuckDBPyConnection, since: Marks) -> bool:
    """Whether lines in staging may differ from those in raw, now or in the publication."""
    row = con.execute(
        """
        select
            exists (select 1 from raw.corrections)
            or exists (
                select 1 from raw.removed_rows
                where dataset = 'corrections' and removal_number > $1
            )
        """,
        [since.last_removal],
    ).fetchone()
    return bool(row and row[0])


#: Orders with a line in certain months, in the files or published; parameters: first and last day.
#: A day more on either side, since the shop's time zone decides in which month a line lies.
_ORDERS_OF_MONTHS = f"""
    insert into changes.touched_orders
    select order_id from raw.order_lines
    where ordered_at >= $1 - interval 1 day and ordered_at < $2 + interval 2 days
    union
    select order_id from {BASE}.core.fct_order_lines where order_date between $1 and $2
    except
    select order_id from changes.touched_orders
"""

#: A key such as A/5 names a line of order A while there is no order A/5: whether there is one
#: decides about both.
_RENAMED_KEYS = """
    insert into changes.touched_orders
    select regexp_replace("key", '/[0-9]+$', '') from raw.corrections
    where "key" in (select order_id from changes.touched_orders)
    except
    select order_id from changes.touched_orders
"""


def _order_ids_sql(has_changed_corrections: bool) -> str:
    """Insert the orders whose lines have changed; parameters: last file id, last removal.

    One correction can take another out of force, so that a change of one touches what all name.
    """
    keys = """
        select "key" as record_key from raw.corrections
        union
        select record_key from raw.removed_rows
        where dataset = 'corrections' and removal_number > $2
    """
    corrected = f"""
        union
        select record_key from ({keys})
        union
        select regexp_replace(record_key, '/[0-9]+$', '') from ({keys})
    """
    return f"""
        insert into changes.touched_orders
        select order_id from raw.order_lines where _file_id > $1
        union
        select record_key from raw.removed_rows
        where dataset = 'order_lines' and removal_number > $2
        {corrected if has_changed_corrections else ""}
    """


def _new_line_share(con: duckdb.DuckDBPyConnection, since: Marks) -> float:
    """Share of the order lines that are new, which is known before any line is read."""
    row = con.execute(
        """
        select
            coalesce(sum(rows_kept) filter (file_id > $1), 0) as new_count,
            coalesce(sum(rows_kept), 0) as total_count
        from raw.loaded_files
        where dataset = 'order_lines' and status in ('loaded', 'gone')
        """,
        [since.last_file_id],
    ).fetchone()
    return float(row[0] / row[1]) if row and row[1] else 0.0


def _write_changed_period(
    con: duckdb.DuckDBPyConnection,
    base: RunManifest,
    has_corrections: bool,
    recomputed: Months | None,
) -> None:
    """The earliest date of a changed line, less a day for the shop's time zone, and the month it
    lies in or, if that is earlier, the first one that is not closed, before or after."""
    since = base.marks
    unsettled_from = _unsettled_from(con, base, has_corrections) or date(1900, 1, 1)
    moments = """
        select min(ordered_at) as moment from raw.order_lines where _file_id > $1
        union all
        select min(dated_from) from raw.removed_rows where removal_number > $2
    """
    if recomputed is not None:
        moments += f" union all select timestamp '{recomputed.first_day}'"
    if has_corrections:
        moments += f"""
        union all
        select min(ordered_at) from raw.order_lines
        where order_id in (select order_id from changes.touched_orders)
        union all
        select min(ordered_at) from {BASE}.core.fct_order_lines
        where order_id in (select order_id from changes.touched_orders)
        union all
        select min(try_cast("value" as timestamp)) from raw.corrections
        where "column" = 'ordered_at'
        """
    con.execute(
        f"""
        insert into changes.changed_period
        select
            cast(min(moment) as date) - 1 as changed_from,
            cast(date_trunc('month', least(changed_from, $3)) as date)
        from ({moments})
        having min(moment) is not null
        """,
        [since.last_file_id, since.last_removal, unsettled_from],
    )


def _create_edges(con: duckdb.DuckDBPyConnection, since: Marks, has_corrections: bool) -> None:
    """Which orders and customers belong together, before as well as after the change."""
    edges = f"""
        select order_id, customer_id from raw.order_lines
        union all
        select record_key, customer_id from raw.removed_rows
        where dataset = 'order_lines' and removal_number > {since.last_removal}
    """
    if has_corrections:
        set_customers = r"""
            select "key", regexp_replace("value", '^([0-9]+)\.0$', '\1') as customer_id
            from raw.corrections
            where dataset = 'order_lines' and "column" = 'customer_id'
        """
        edges += f"""
        union all
        select order_id, customer_id from {BASE}.core.fct_order_lines
        union all
        select "key", customer_id from ({set_customers})
        union all
        select regexp_replace("key", '/[0-9]+$', ''), customer_id from ({set_customers})
        """
    con.execute(f"create or replace temp view order_customers as {edges}")


def _spread(con: duckdb.DuckDBPyConnection, largest_count: float) -> bool:
    """Add the customers of touched orders and the orders of these, until nothing is added.

    Returns:
        False when more customers than ``largest_count`` are touched; what was added is not whole.
    """
    con.execute("create or replace temp table added_orders as from changes.touched_orders")
    while True:
        con.execute(
            """
            create or replace temp table added_customers as
            select customer_id from order_customers
            where order_id in (select order_id from added_orders) and customer_id is not null
            except
            select customer_id from changes.touched_customers
            """
        )
        con.execute("insert into changes.touched_customers from added_customers")
        if _count(con, "changes.touched_customers") > largest_count:
            return False
        if not _count(con, "added_customers"):
            return True
        con.execute(
            """
            create or replace temp table added_orders as
            select order_id from order_customers
            where customer_id in (select customer_id from added_customers)
            except
            select order_id from changes.touched_orders
            """
        )
        con.execute("insert into changes.touched_orders from added_orders")
        if not _count(con, "added_orders"):
            return True


def _write_touched_registrations(
    con: duckdb.DuckDBPyConnection, base: RunManifest, changed: set[str], has_corrections: bool
) -> None:
    """Customers whose row of the customer table may change: the touched ones, and those whose
    registration has changed or lies between the as-of date that was and the one that will be."""
    con.execute(
        """
        insert into changes.touched_registrations
        select customer_id from changes.touched_customers
        """
    )
    if changed & {"customers", "corrections"}:
        con.execute(
            f"""
            insert into changes.touched_registrations
            select customer_id from raw.customers
            union
            select customer_id from {BASE}.core.dim_customers
            except
            select customer_id from changes.touched_registrations
            """
        )
    else:
        con.execute(
            """
            insert into changes.touched_registrations
            select customer_id from raw.customers
            where $1 is null or registered_at >= $1
            union
            select "key" from raw.corrections where dataset = 'customers'
            except
            select customer_id from changes.touched_registrations
            """,
            [_unsettled_from(con, base, has_corrections)],
        )


def _unsettled_from(
    con: duckdb.DuckDBPyConnection, base: RunManifest, has_corrections: bool
) -> date | None:
    """The earlier of the as-of dates before and after, less a day for the shop's time zone.

    None when there may be no as-of date, before or after: no line, or none up to a date that is
    set. Lines that are corrected say nothing, since they may be dated otherwise.
    """
    condition = ""
    if has_corrections:
        condition = """
        where order_id not in (
            select "key" from raw.corrections
            union
            select regexp_replace("key", '/[0-9]+$', '') from raw.corrections
        )
        """
    row = con.execute(
        f"""
        select cast(min(ordered_at) as date), cast(max(ordered_at) as date)
        from raw.order_lines {condition}
        """
    ).fetchone()
    first, last = row if row else (None, None)
    had_lines = bool(base.row_counts.get("core.fct_order_lines"))
    if base.as_of_date is None or not had_lines or first is None or first >= base.as_of_date:
        return None
    return min(base.as_of_date, last) - timedelta(days=1)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0
