"""Trying a profile on one file: what would be loaded, what rejected, without any warehouse.

Belongs here: the try-out and its figures. Does not belong here: how they are printed.
"""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.landing.casting import money_sql
from orchestration.landing.contract import CONTRACT, Dataset, Kind
from orchestration.landing.expressions import quote_name
from orchestration.landing.load import load_landing
from orchestration.landing.report import FileReport
from orchestration.settings import Settings

FIRST_ROWS = 5


@dataclass(frozen=True)
class DatasetCheck:
    """What a file gives for one dataset.

    ``file`` has the counts, the error when nothing can be taken, and the rejects.
    ``first_rows`` are typed rows in file order under ``columns``; only columns with a value in
    some row of the file are listed. ``money`` is the sum of quantity x unit_price of kept order
    lines; ``first_at`` and ``last_at`` bound the dataset's main timestamp (UTC). A figure that
    the dataset does not have is None.
    """

    dataset: str
    file: FileReport
    columns: tuple[str, ...]
    first_rows: tuple[tuple[Any, ...], ...]
    money: Decimal | None
    first_at: datetime | None
    last_at: datetime | None
    customers: int | None
    orders: int | None


@dataclass(frozen=True)
class ProfileCheck:
    """What a profile makes of one file, per dataset that it feeds."""

    path: Path
    profile: str
    datasets: tuple[DatasetCheck, ...]

    @property
    def is_loadable(self) -> bool:
        """Whether the file would be loaded, if only in part, for every dataset it feeds."""
        return all(check.file.action != "failed" for check in self.datasets)


def check_profile(path: Path, profile_name: str | None, settings: Settings) -> ProfileCheck:
    """Read one file with a profile into memory and report; nothing is kept.

    ``profile_name`` is a name or the path of a .yml file; None takes the profile that the file's
    folder is named after.

    Raises:
        CustomerValueError: the file does not exist, the profile does not exist or is wrong, or
            it does not read such a file.
    """
    path = path.expanduser().resolve()
    if not path.exists():
        raise CustomerValueError(f"The file {path} does not exist.", "Check its name.")
    if not path.is_file():
        raise CustomerValueError(f"{path} is not a file.", "Name one file of the folder.")
    with tempfile.TemporaryDirectory(prefix="customer-value-") as scratch:
        trial = settings.model_copy(
            update={"landing_dir": path, "profile": profile_name, "temp_dir": Path(scratch)}
        )
        with duckdb.connect(":memory:", config={"temp_directory": scratch}) as con:
            report = load_landing(con, trial)
            checks = tuple(_check(con, file) for file in report.files)
    profile = checks[0].file.profile if checks else profile_name or ""
    return ProfileCheck(path, profile, checks)


def _check(con: duckdb.DuckDBPyConnection, file: FileReport) -> DatasetCheck:
    dataset = CONTRACT[file.dataset]
    table = f"raw.{dataset.name}"
    columns = _filled_columns(con, dataset)
    fields = ", ".join(quote_name(name) for name in columns) or "null"
    rows = con.execute(f"select {fields} from {table} order by rowid limit {FIRST_ROWS}").fetchall()
    moment = next((c.name for c in dataset.columns if c.kind is Kind.TIMESTAMP), None)
    names = dataset.column_names
    figures = (
        con.execute(
            f"select {f'sum({money_sql()})' if 'quantity' in names else 'null'}, "
            f"{f'min({moment}), max({moment})' if moment else 'null, null'}, "
            f"{'count(distinct customer_id)' if 'customer_id' in names else 'null'}, "
            f"{'count(distinct order_id)' if 'order_id' in names else 'null'} from {table}"
        ).fetchone()
        or (None,) * 5
    )
    return DatasetCheck(dataset.name, file, columns, tuple(rows), *figures)


def _filled_columns(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> tuple[str, ...]:
    counts = ", ".join(f"count({quote_name(name)})" for name in dataset.column_names)
    row = con.execute(f"select {counts} from raw.{dataset.name}").fetchone() or ()
    return tuple(name for name, count in zip(dataset.column_names, row, strict=True) if count)
