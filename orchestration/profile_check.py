"""Printing what a profile makes of a file: the first rows, the rejects, the totals.

Belongs here: laying it out. Does not belong here: trying the profile (``landing/check.py``).
"""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.errors import CustomerValueError
from orchestration.landing.check import DatasetCheck, ProfileCheck
from orchestration.landing.report import FileReport


def print_profile_check(check: ProfileCheck, console: Console) -> None:
    """Print what came of each dataset that the file feeds.

    Raises:
        CustomerValueError: the file could not be read at all for one of them.
    """
    for dataset in check.datasets:
        if dataset.file.action != "failed":
            _print_dataset(dataset, console)
    for dataset in check.datasets:
        if dataset.file.action == "failed":
            raise CustomerValueError(
                f"{check.path.name} cannot be loaded as {dataset.dataset} by profile "
                f"{check.profile}: {dataset.file.error}"
            )


def _print_dataset(check: DatasetCheck, console: Console) -> None:
    file = check.file
    facts = [
        f"{file.path} as {check.dataset} by profile {file.profile}: {file.rows_read:,} rows read, "
        f"{file.rows_kept:,} kept, {file.rows_rejected:,} rejected",
        f"From {check.first_at} to {check.last_at} (UTC)" if check.first_at else "",
        _counts(check),
        f"Not in the file: {', '.join(file.absent_columns)}" if file.absent_columns else "",
    ]
    for fact in facts:
        if fact:
            console.print(escape(fact), highlight=False, soft_wrap=True)
    if check.first_rows:
        console.print(_first_rows(check))
    if file.rejects:
        console.print(_rejects(file))


def _counts(check: DatasetCheck) -> str:
    counts = []
    if check.orders is not None:
        counts.append(f"{check.orders:,} orders")
    if check.customers is not None:
        counts.append(f"{check.customers:,} customers")
    if check.money is not None:
        counts.append(f"quantity x price {check.money:,.2f}")
    return ", ".join(counts)


def _first_rows(check: DatasetCheck) -> Table:
    # One column per row of the file: contracts have more columns than a terminal has room for.
    table = Table(title="The first rows", title_justify="left")
    table.add_column("column", no_wrap=True)
    for number in range(1, len(check.first_rows) + 1):
        table.add_column(str(number))
    for index, name in enumerate(check.columns):
        values = (row[index] for row in check.first_rows)
        table.add_row(name, *(escape("" if value is None else str(value)) for value in values))
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
