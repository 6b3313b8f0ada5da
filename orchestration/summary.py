"""The short summary of a publication, as the command line prints it after a run.

Belongs here: reading a handful of figures from published marts and laying them out. Does not belong
here: computing any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from orchestration.publishing.run_manifest import RunManifest, read_run_manifest
from orchestration.warehouse import connect_marts

DEFAULT_SCHEME = "quintile"


@dataclass(frozen=True)
class Summary:
    """Figures of one publication.

    ``states`` and ``segments`` hold (name, customers); ``segment_revenue`` goes with the latter.
    """

    path: Path
    report_path: Path | None
    size_bytes: int
    manifest: RunManifest | None
    customers: int
    orders: int
    gross_revenue: Decimal
    net_revenue: Decimal
    file_count: int
    rows_kept: int
    rows_rejected: int
    state_month: date | None
    states: Sequence[tuple[str, int]]
    snapshot_date: date | None
    segments: Sequence[tuple[str, int, float, Decimal]]


def read_summary(path: Path, report_path: Path | None = None) -> Summary:
    """Read the summary's figures from published marts.

    Args:
        path: the published marts.
        report_path: the report made from them, to be named; None: there is none.

    Raises:
        CustomerValueError: nothing is published there.
    """
    with connect_marts(path) as con:
        customers = _one(con, "select count(*) from core.dim_customers where order_count > 0")
        orders = _one(con, "select count(*) from core.fct_orders")
        gross, net = con.execute(
            """
            select coalesce(sum(gross_revenue), 0), coalesce(sum(net_revenue), 0)
            from sales.rpt_sales_by_month
            """
        ).fetchall()[0]
        files, kept, rejected = con.execute(
            """
            select
                count(*), coalesce(sum(rows_kept), 0), coalesce(sum(rows_rejected), 0)
            from meta.input_files
            where status in ('loaded', 'gone')
            """
        ).fetchall()[0]
        months = con.execute(
            """
            select order_month, new, active, reactivated, inactive
            from lifecycle.rpt_lifecycle_by_month
            where not is_partial_month
            order by order_month desc
            limit 1
            """
        ).fetchall()
        segments = con.execute(
            """
            select snapshot_date, segment, customers, customer_share, revenue
            from rfm.rpt_segments
            where scheme = ?
                and snapshot_date = (select max(snapshot_date) from rfm.rpt_segments)
            order by revenue desc, segment
            """,
            [DEFAULT_SCHEME],
        ).fetchall()
        return Summary(
            path=path,
            report_path=report_path,
            size_bytes=path.stat().st_size,
            manifest=read_run_manifest(con),
            customers=customers,
            orders=orders,
            gross_revenue=gross,
            net_revenue=net,
            file_count=files,
            rows_kept=int(kept),
            rows_rejected=int(rejected),
            state_month=months[0][0] if months else None,
            states=list(
                zip(("new", "active", "reactivated", "inactive"), months[0][1:], strict=True)
            )
            if months
            else [],
            snapshot_date=segments[0][0] if segments else None,
            segments=[tuple(row[1:]) for row in segments],
        )


def print_summary(console: Console, summary: Summary) -> None:
    """Print the summary as a few small tables."""
    parts: list[Any] = [_figures(summary)]
    if summary.states and summary.state_month is not None:
        states = Table(title=f"Customers in {summary.state_month:%B %Y}", title_justify="left")
        states.add_column("state")
        states.add_column("customers", justify="right")
        for state, customers in summary.states:
            states.add_row(state, f"{customers:,}")
        parts.append(states)
    if summary.segments:
        segments = Table(
            title=f"Segments at {summary.snapshot_date} ({DEFAULT_SCHEME})", title_justify="left"
        )
        segments.add_column("segment")
        for name in ("customers", "share", "revenue"):
            segments.add_column(name, justify="right")
        for segment, customers, share, revenue in summary.segments:
            segments.add_row(segment, f"{customers:,}", f"{share or 0:.1%}", f"{revenue:,.2f}")
        parts.append(segments)
    console.print(Group(*parts))
    if not summary.orders:
        console.print("There is no order up to the as-of date: check --as-of and the files.")
    console.print(f"Published: {summary.path}", soft_wrap=True, highlight=False)
    if summary.report_path is not None:
        console.print(f"Report: {summary.report_path}", soft_wrap=True, highlight=False)


def print_status(console: Console, path: Path) -> None:
    """Print what is published at ``path``: when, from what, and which tables.

    Raises:
        CustomerValueError: nothing is published there.
    """
    with connect_marts(path) as con:
        manifest = read_run_manifest(con)
        described = {
            f"{schema}.{name}": comment or ""
            for schema, name, comment in con.execute(
                """
                select schema_name, table_name, comment from duckdb_tables() where not internal
                union all
                select schema_name, view_name, comment from duckdb_views() where not internal
                """
            ).fetchall()
        }
    size = path.stat().st_size / 1e6
    console.print(f"Published: {path} ({size:,.1f} MB)", soft_wrap=True, highlight=False)
    if manifest is None:
        return
    console.print(
        f"At {manifest.published_at} UTC by run {manifest.run_id}, code {manifest.code_version}",
        highlight=False,
    )
    console.print(
        f"As of {manifest.as_of_date}, monetary basis {manifest.settings['monetary_basis']}",
        highlight=False,
    )
    table = Table()
    table.add_column("table", no_wrap=True)
    table.add_column("rows", justify="right")
    table.add_column("description")
    for name, rows in manifest.row_counts.items():
        table.add_row(name, f"{rows:,}", escape(described.get(name, "")))
    console.print(table)


def _figures(summary: Summary) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    if summary.manifest is not None:
        basis = summary.manifest.settings.get("monetary_basis")
        table.add_row("as of", f"{summary.manifest.as_of_date or 'no orders'} ({basis})")
    table.add_row("customers", f"{summary.customers:,}")
    table.add_row("orders", f"{summary.orders:,}")
    table.add_row("gross revenue", f"{summary.gross_revenue:,.2f}")
    table.add_row("net revenue", f"{summary.net_revenue:,.2f}")
    files = "file" if summary.file_count == 1 else "files"
    table.add_row("rows loaded", f"{summary.rows_kept:,} from {summary.file_count:,} {files}")
    table.add_row("rows rejected", f"{summary.rows_rejected:,}")
    return table


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])
