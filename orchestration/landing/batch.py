"""One batch: files of one layout go into a raw table in one scan and one transaction.

Belongs here: that transaction and the accounts of its files. Does not belong here: which files
make a batch, and what happens when one fails (load).
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import duckdb

from orchestration.landing.casting import money_sql, raw_rows_sql
from orchestration.landing.ledger import (
    LedgerRow,
    add_ledger_rows,
    drop_ledger_rows,
    drop_raw_rows,
    next_file_id,
)
from orchestration.landing.plan import PlannedFile
from orchestration.landing.profile import Source
from orchestration.landing.readers import scan_files
from orchestration.landing.rejects import (
    BATCH_FILES,
    RejectExample,
    drop_line_tables,
    has_swallowed_lines,
    note_rejected_lines,
    reject_examples,
    settle_rejected_rows,
)
from orchestration.landing.report import FileReport
from orchestration.landing.settling import assert_unchanged
from orchestration.landing.sources import OpenedFile, absent_columns


@dataclass(frozen=True)
class BatchFile:
    """A file that is ready to be read: planned, opened, its sources chosen."""

    planned: PlannedFile
    opened: OpenedFile
    sources: dict[str, Source | None]


@dataclass(frozen=True)
class _Account:
    """Rows and money (order lines only) that one file of the batch brought."""

    rows_kept: int = 0
    rows_rejected: int = 0
    money_kept: Decimal | None = None
    money_rejected: Decimal | None = None

    @property
    def rows_read(self) -> int:
        return self.rows_kept + self.rows_rejected

    @property
    def money_read(self) -> Decimal | None:
        if self.money_kept is None or self.money_rejected is None:
            return None
        return self.money_kept + self.money_rejected


def load_batch(
    con: duckdb.DuckDBPyConnection, batch: Sequence[BatchFile], *, suppresses: bool = False
) -> list[FileReport]:
    """Load files of one layout; all of them, or none when an error is raised.

    A file whose every record is rejected fails by itself: it is noted and reported, its earlier
    rows stay. The other files of the batch are loaded. ``suppresses`` says that customers were
    erased and that the connection knows the list.

    Raises:
        FilesChangedError: files changed while they were read; nothing of the batch is kept.
    """
    dataset = batch[0].planned.file.dataset
    con.execute("begin")
    try:
        reports = _load(con, batch, suppresses)
        assert_unchanged([batch_file.planned for batch_file in batch])
        con.execute("commit")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            con.execute("rollback")
        with contextlib.suppress(duckdb.Error):
            drop_line_tables(con)
        raise
    if any(report.rows_rejected for report in reports):
        settle_rejected_rows(con, dataset)
    return reports


def now_utc() -> datetime:
    """Return the time of loading, for the ledger: UTC without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def shows_lines(batch_file: BatchFile) -> bool:
    """Whether lines that are no records may be kept as they stand.

    Their columns cannot be told apart, so that all columns of the file must be ones that a reject
    may show: mapped by the profile, and no identifier.
    """
    entry = batch_file.planned.file.entry
    shown: set[str] = set()
    for column in entry.contract.columns:
        source = batch_file.sources[column.name]
        names = {name.casefold() for name in source.reads} if source else set()
        if column.identifier and names:
            return False
        shown |= names
    header = batch_file.opened.header.columns
    return not entry.fixed_fields and all(name.casefold() in shown for name in header)


def _load(
    con: duckdb.DuckDBPyConnection, batch: Sequence[BatchFile], suppresses: bool
) -> list[FileReport]:
    first = batch[0]
    file, dataset = first.planned.file, first.planned.file.entry.contract
    first_id = next_file_id(con)
    last_id = first_id + len(batch) - 1
    _note_batch_files(con, batch, first_id)
    scan = scan_files([batch_file.opened for batch_file in batch])
    keeps_lines = shows_lines(first) and not suppresses
    rows = raw_rows_sql(
        dataset,
        file.profile,
        first.sources,
        scan,
        first_id,
        shows_lines=keeps_lines,
        suppresses=suppresses,
    )
    con.execute(f"insert into raw.{dataset.name} {rows}")
    note_rejected_lines(con, dataset.name, scan, keeps_lines)
    accounts = _accounts(con, dataset.name, first_id, last_id)
    examples: dict[int, tuple[RejectExample, ...]] = {}
    if any(account.rows_rejected for account in accounts.values()):
        examples = reject_examples(con, dataset.name, first_id, last_id)
    swallowed = has_swallowed_lines(con, first_id, last_id)
    reports = []
    ledger_rows = []
    superseded: list[int] = []
    failed: list[int] = []
    for file_id, batch_file in enumerate(batch, start=first_id):
        account = accounts.get(file_id, _no_rows(dataset.name))
        planned = batch_file.planned
        error = _whole_file_error(account, examples.get(file_id, ()), file_id in swallowed)
        if error:
            failed.append(file_id)
            account = _no_rows(dataset.name)
        elif planned.held:
            superseded.append(planned.held.file_id)
        if planned.noted:
            drop_ledger_rows(con, [planned.noted.file_id])
        ledger_rows.append(_ledger_row(planned, file_id, account, error))
        reports.append(_report(batch_file, account, error, examples.get(file_id, ())))
    drop_raw_rows(con, dataset.name, [*failed, *superseded, *(-file_id for file_id in failed)])
    drop_ledger_rows(con, [*failed, *superseded])
    add_ledger_rows(con, ledger_rows)
    con.execute(f"drop table {BATCH_FILES}")
    return reports


def _note_batch_files(
    con: duckdb.DuckDBPyConnection, batch: Sequence[BatchFile], first_id: int
) -> None:
    con.execute(
        f"create or replace temp table {BATCH_FILES} "
        "(file_id bigint, path varchar, read_path varchar)"
    )
    paths = [batch_file.planned.file.relative_path for batch_file in batch]
    read_paths = [str(batch_file.opened.read_path) for batch_file in batch]
    con.execute(
        f"insert into {BATCH_FILES} select unnest($1), unnest($2), unnest($3)",
        [list(range(first_id, first_id + len(batch))), paths, read_paths],
    )


def _accounts(
    con: duckdb.DuckDBPyConnection, dataset: str, first_id: int, last_id: int
) -> dict[int, _Account]:
    money = money_sql() if dataset == "order_lines" else "null::decimal(18, 4)"
    zero = "0" if dataset == "order_lines" else "null"
    rows = con.execute(
        f"""
        with read as (
            select abs(_file_id) as file_id, _file_id > 0 as is_kept, {money} as money
            from raw.{dataset}
            where _file_id between {first_id} and {last_id}
                or _file_id between {-last_id} and {-first_id}
        ),
        typed as (
            select file_id, count(*) filter (where is_kept) as kept,
                count(*) filter (where not is_kept) as rejected,
                coalesce(sum(money) filter (where is_kept), {zero}) as money_kept,
                coalesce(sum(money) filter (where not is_kept), {zero}) as money_rejected
            from read group by file_id
        ),
        lines as (
            select file_id, count(*) as rejected from raw.rejected_rows
            where file_id between {first_id} and {last_id} group by file_id
        )
        select file_id, coalesce(typed.kept, 0),
            coalesce(typed.rejected, 0) + coalesce(lines.rejected, 0),
            coalesce(typed.money_kept, {zero})::decimal(38, 4),
            coalesce(typed.money_rejected, {zero})::decimal(38, 4)
        from typed full join lines using (file_id)
        """
    ).fetchall()
    return {row[0]: _Account(*row[1:]) for row in rows}


def _no_rows(dataset: str) -> _Account:
    nothing = Decimal(0) if dataset == "order_lines" else None
    return _Account(money_kept=nothing, money_rejected=nothing)


def _whole_file_error(
    account: _Account, examples: Iterable[RejectExample], is_swallowed: bool
) -> str | None:
    """Say why a file fails as a whole; None when it does not."""
    if is_swallowed:
        for example in examples:
            if example.reason == "broken_quotes":
                return (
                    f"A quote that opens in record {example.row_number} is not closed there, so "
                    "that the lines after it cannot be told apart. Correct that line, or set "
                    "`quote` in the profile."
                )
    if account.rows_read and not account.rows_kept:
        first = next(iter(examples))
        where = f"record {first.row_number}"
        return (
            f"Each of its {account.rows_read} records is rejected, {first.count} of them like "
            f"{where}: {first.message}"
        )
    return None


def _ledger_row(
    planned: PlannedFile, file_id: int, account: _Account, error: str | None
) -> LedgerRow:
    file = planned.file
    return LedgerRow(
        file_id,
        file.relative_path,
        file.profile.name,
        file.dataset,
        file.size_bytes,
        file.modified_at,
        planned.sha256,
        account.rows_read,
        account.rows_kept,
        account.rows_rejected,
        account.money_read,
        account.money_kept,
        account.money_rejected,
        "failed" if error else "loaded",
        error,
        now_utc(),
        file.reading_key,
    )


def _report(
    batch_file: BatchFile,
    account: _Account,
    error: str | None,
    examples: tuple[RejectExample, ...],
) -> FileReport:
    file = batch_file.planned.file
    return FileReport(
        file.relative_path,
        file.dataset,
        file.profile.name,
        "failed" if error else "replaced" if batch_file.planned.held else "loaded",
        account.rows_read,
        account.rows_kept,
        account.rows_rejected,
        account.money_read,
        account.money_kept,
        account.money_rejected,
        error,
        examples,
        absent_columns(batch_file.opened, batch_file.sources),
    )
