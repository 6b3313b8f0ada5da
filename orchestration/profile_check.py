"""What a profile makes of a file: the first rows, the rejects, the totals.

Belongs here: loading one file into a warehouse that is thrown away, and showing the result. Does
not belong here: loading itself (``landing/``).
"""

import tempfile
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.errors import CustomerValueError
from orchestration.landing.contract import CONTRACT
from orchestration.landing.load import load_landing
from orchestration.landing.report import FileReport, LoadReport
from orchestration.settings import Settings
from orchestration.warehouse import connect_warehouse

_ROWS_SHOWN = 5


def show_profile_check(settings: Settings, console: Console) -> None:
    """Load the landing file of the settings into a temporary warehouse and print what came of it.

    Raises:
        CustomerValueError: the file or the profile is not there, or no record could be read.
    """
    with tempfile.TemporaryDirectory(prefix="customer-value-") as folder:
        apart = settings.model_copy(update={"data_dir": Path(folder), "temp_dir": None})
        with connect_warehouse(apart, "checking a profile") as con:
            report = load_landing(con, apart)
            for file in report.files:
                _show_file(con, file, console)
    if report.failed:
        _refuse(report)


def _show_file(con: duckdb.DuckDBPyConnection, file: FileReport, console: Console) -> None:
    console.print(
        f"{file.path} as {file.dataset} by profile {file.profile}: {file.rows_read:,} rows read, "
        f"{file.rows_kept:,} kept, {file.rows_rejected:,} rejected",
        highlight=False,
        soft_wrap=True,
    )
    if file.money_read is not None:
        console.print(
            f"Quantity x price: {file.money_read:,.2f} read, {file.money_kept or 0:,.2f} kept, "
            f"{file.money_rejected or 0:,.2f} rejected",
            highlight=False,
        )
    if file.absent_columns:
        console.print(f"Not in the file: {', '.join(file.absent_columns)}", highlight=False)
    if file.rows_kept:
        console.print(_first_rows(con, file.dataset))
    if file.rejects:
        console.print(_rejects(file))


def _first_rows(con: duckdb.DuckDBPyConnection, dataset: str) -> Table:
    names = CONTRACT[dataset].column_names
    rows = con.execute(
        f"select {', '.join(names)} from raw.{dataset} limit {_ROWS_SHOWN}"
    ).fetchall()
    # One column per row of the file: contracts have more columns than a terminal has room for.
    table = Table(title="The first rows", title_justify="left")
    table.add_column("column", no_wrap=True)
    for number in range(1, len(rows) + 1):
        table.add_column(str(number))
    for index, name in enumerate(names):
        values = [row[index] for row in rows]
        if any(value is not None for value in values):
            table.add_row(name, *(escape("" if v is None else str(v)) for v in values))
    return table


def _rejects(file: FileReport) -> Table:
    table = Table(title="Rejected, the first of each kind", title_justify="left")
    for heading in ("rows", "first at", "column", "value", "reason", "what to do"):
        table.add_column(heading)
    for reject in file.rejects:
        table.add_row(
            f"{reject.count:,}",
            "" if reject.row_number is None else f"{reject.row_number:,}",
            escape(reject.column or ""),
            escape(reject.value or ""),
            escape(reject.reason),
            escape(reject.message),
        )
    return table


def _refuse(report: LoadReport) -> None:
    first = report.failed[0]
    raise CustomerValueError(
        f"{first.path} could not be read with profile {first.profile}: {first.error}"
    )
