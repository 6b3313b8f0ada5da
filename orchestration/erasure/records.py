"""What is known of a customer: ids of records, and hashes of identifiers, from tables and files.

Belongs here: reading. Does not belong here: what is done with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.landing.expressions import quote_name, quote_text

_RAW_CUSTOMERS = """
    select customer_id from raw.order_lines
    union all
    select customer_id from raw.customers
    union all
    select customer_id from raw.events
    union all
    select customer_id from raw.coupon_sends
    union all
    select customer_id from raw.removed_rows
    union all
    select case dataset when 'customers' then "key" end from raw.corrections
    union all
    select case "column" when 'customer_id' then "value" end from raw.corrections
"""
_ORDERS = """
    select order_id from raw.order_lines where customer_id = $1
    union
    select record_key from raw.removed_rows where dataset = 'order_lines' and customer_id = $1
    union
    select "key" from raw.corrections
    where dataset = 'order_lines' and "column" = 'customer_id' and "value" = $1
        and "key" in (select order_id from raw.order_lines)
    union
    select regexp_replace("key", '/[0-9]+$', '') from raw.corrections
    where dataset = 'order_lines' and "column" = 'customer_id' and "value" = $1
        and "key" not in (select order_id from raw.order_lines)
"""
_PUBLISHED_ORDERS = (
    ("fct_order_lines", "order_id"),
    ("fct_orders", "order_id"),
    ("fct_cancellations", "cancelling_order_id"),
    ("fct_cancellations", "cancelled_order_id"),
)


@dataclass(frozen=True)
class Records:
    """Ids of a customer's records, sorted, and stored hashes of the e-mail address and phone.

    ``corrected`` are kind and id of further records that corrections name.
    """

    orders: tuple[str, ...]
    sends: tuple[str, ...]
    corrected: tuple[tuple[str, str], ...]
    identifiers: tuple[str, ...]


def known_customers(
    con: duckdb.DuckDBPyConnection, paths: Sequence[Path], wanted: Sequence[str]
) -> set[str]:
    """Those of some ids that stand in the raw tables, in a rejected row or in a publication.

    Args:
        con: the warehouse.
        paths: publications.
        wanted: ids.
    """
    found = set(
        _texts(
            con,
            f"select customer_id from ({_RAW_CUSTOMERS}) where customer_id in (select unnest($1))",
            [list(wanted)],
        )
    )
    found |= set(
        _texts(
            con,
            "select wanted.id from unnest($1) as wanted(id) where exists (select 1 from "
            "raw.rejected_rows as rows "
            "where contains(rows.row_json, to_json(wanted.id)::varchar))",
            [list(wanted)],
        )
    )
    for path in paths:
        found |= set(
            _published(
                con, path, "dim_customers", "customer_id", "customer_id in (select unnest($1))",
                [list(wanted)],
            )
        )  # fmt: skip
    return found


def records_of(con: duckdb.DuckDBPyConnection, paths: Sequence[Path], customer_id: str) -> Records:
    """Everything that names a customer's records, now or in a publication.

    Args:
        con: the warehouse.
        paths: publications.
        customer_id: the customer.
    """
    orders = set(_texts(con, _ORDERS, [customer_id]))
    for path in paths:
        for table, column in _PUBLISHED_ORDERS:
            orders |= set(_published(con, path, table, column, "customer_id = $1", [customer_id]))
    sends = set(
        _texts(con, "select send_id from raw.coupon_sends where customer_id = $1", [customer_id])
    )
    corrected = con.execute(
        """
        select 'event', event_id from raw.events
        where customer_id = $1 and event_id in (select "key" from raw.corrections)
        union
        select 'redemption', redemption_id from raw.coupon_redemptions
        where
            (send_id in (select unnest($2)) or order_id in (select unnest($3)))
            and redemption_id in (select "key" from raw.corrections)
        order by all
        """,
        [customer_id, sorted(sends), sorted(orders)],
    ).fetchall()
    identifiers = _texts(
        con,
        """
        select email_hash from raw.customers where customer_id = $1
        union
        select phone_hash from raw.customers where customer_id = $1
        """,
        [customer_id],
    )
    return Records(
        tuple(sorted(orders)),
        tuple(sorted(sends)),
        tuple((kind, value) for kind, value in corrected),
        tuple(sorted(identifiers)),
    )


def _texts(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[object]) -> list[str]:
    return [value for (value,) in con.execute(sql, parameters).fetchall() if value is not None]


def _published(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    table: str,
    column: str,
    condition: str,
    parameters: list[object],
) -> list[str]:
    """Values of a column of schema ``core`` of a publication, where it has that table."""
    con.execute(f"attach {quote_text(str(path))} as publication (read_only)")
    try:
        has_column = con.execute(
            "select count(*) from duckdb_columns() where database_name = 'publication' "
            "and schema_name = 'core' and table_name = $1 and column_name = $2",
            [table, column],
        ).fetchall()[0][0]
        if not has_column:
            return []
        return _texts(
            con,
            f"select distinct {quote_name(column)} from publication.core.{table} where {condition}",
            parameters,
        )
    finally:
        con.execute("detach publication")
