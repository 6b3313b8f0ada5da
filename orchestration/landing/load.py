"""Loading: the landing folder becomes raw tables, rejected rows and ledger rows.

Belongs here: the order of steps, and what becomes of a file that fails. Does not belong here:
deciding what to load (plan), one batch's transaction (batch), reading (readers), typing (casting).
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from orchestration.landing.batch import BatchFile, load_batch, now_utc
from orchestration.landing.contract import CONTRACT
from orchestration.landing.failures import (
    FILE_ERRORS,
    describe_problem,
    is_about_the_machine,
    readable_machine_failures,
)
from orchestration.landing.identifiers import identity_key
from orchestration.landing.ledger import (
    LedgerRow,
    add_ledger_rows,
    drop_ledger_rows,
    drop_raw_rows,
    ensure_raw_tables,
    next_file_id,
    write_landing_root,
)
from orchestration.landing.plan import LandingPlan, PlannedFile, plan_landing
from orchestration.landing.readers import open_file
from orchestration.landing.rejects import settle_rejected_rows
from orchestration.landing.report import Action, FileReport, LoadReport
from orchestration.landing.settling import (
    FilesChangedError,
    has_changed,
    report_waiting,
    set_unsettled_aside,
)
from orchestration.landing.sources import choose_sources
from orchestration.landing.suppression import Suppression, read_suppression, suppressing
from orchestration.settings import Settings

__all__ = ["ensure_raw_tables", "load_landing", "plan_landing"]

#: Files are opened and loaded in portions, so that copies of compressed ones do not pile up.
_PORTION_BYTES = 2 * 1024**3
_PORTION_FILES = 2000

Progress = Callable[[str], None]


def load_landing(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    datasets: Collection[str] | None = None,
    progress: Progress | None = None,
    settle_seconds: float = 0.0,
) -> LoadReport:
    """Bring the raw tables up to date with the landing folder.

    ``con`` is a connection to the warehouse with no transaction open. ``datasets`` limits the
    load to some datasets. ``progress`` is called with short texts while files are read. A file
    that cannot be loaded is reported, and the others are loaded. So is one that changes while it
    is read or, with ``settle_seconds``, was changed less than so long ago: it waits.

    Raises:
        CustomerValueError: nothing can be loaded at all: no folder, no files, no or a wrong
            profile, a warehouse of another folder, a full disk, too little memory.
    """
    with readable_machine_failures(settings):
        con.execute("set enable_progress_bar = false")
        ensure_raw_tables(con)
        planned = plan_landing(con, settings, datasets)
        plan, waiting = set_unsettled_aside(planned, settle_seconds)
        erased = read_suppression(settings)
        with (
            _rows_in_file_order(con),
            identity_key(con, settings, (one.file for one in plan.to_load)),
            suppressing(con, erased),
            _scratch_folder(settings) as scratch,
        ):
            recovered = sum(settle_rejected_rows(con, name) for name in CONTRACT)
            reports = waiting + _note_files_not_read(con, plan)
            reports += _load_files(con, plan.to_load, scratch, progress, erased)
            duplicates = [one for one in plan.files if one.step == "duplicate_content"]
            while freed := _duplicates_of_failed(duplicates, reports):
                duplicates = _hand_over(duplicates, freed)
                again = [replace(one, step="replace" if one.held else "load") for one in freed]
                reports += _load_files(con, again, scratch, progress, erased)
            removed = _note_duplicates(con, duplicates, reports)
    reports.sort(key=lambda report: (report.path, report.dataset))
    return LoadReport(tuple(reports), plan.folder.ignored_files, recovered + removed)


@contextlib.contextmanager
def _rows_in_file_order(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Have inserts keep the order of records, which record numbers are taken from."""
    row = con.execute("select current_setting('preserve_insertion_order')").fetchone()
    con.execute("set preserve_insertion_order = true")
    try:
        yield
    finally:
        if row and not row[0]:
            with contextlib.suppress(duckdb.Error):
                con.execute("set preserve_insertion_order = false")


@contextlib.contextmanager
def _scratch_folder(settings: Settings) -> Iterator[Path]:
    """Give a folder for readable copies of files; what a killed load left is removed first."""
    parent = settings.resolved_temp_dir
    parent.mkdir(parents=True, exist_ok=True)
    owner = hashlib.sha256(str(settings.resolved_data_dir).encode()).hexdigest()[:8]
    prefix = f"landing-{owner}-"
    for left_over in parent.glob(f"{prefix}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
        yield Path(name)


@contextlib.contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.execute("begin")
    try:
        yield
        con.execute("commit")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            con.execute("rollback")
        raise


def _note_files_not_read(con: duckdb.DuckDBPyConnection, plan: LandingPlan) -> list[FileReport]:
    """Write what the ledger must know of files that are gone, unchanged or not readable."""
    reports = [_report_held(row, "gone") for row in plan.gone]
    dropped = [row.file_id for row in plan.forgotten]
    added: list[LedgerRow] = []
    file_id = next_file_id(con)
    for planned in plan.files:
        if planned.step == "unchanged" and planned.held:
            reports.append(_report_held(planned.held, "unchanged"))
        elif planned.step == "failed":
            added.append(_unread_row(planned, file_id + len(added), "failed", planned.problem))
            reports.append(_report_unread(planned, "failed", planned.problem))
        else:
            continue
        dropped += [planned.noted.file_id] if planned.noted else []
    with _transaction(con):
        if plan.known_root != plan.folder.root:
            write_landing_root(con, plan.folder.root)
        _set_status(con, [row.file_id for row in plan.gone if row.status != "gone"], "gone")
        _refresh_unchanged(con, plan)
        drop_ledger_rows(con, dropped)
        add_ledger_rows(con, added)
    return reports


def _duplicates_of_failed(
    duplicates: Sequence[PlannedFile], reports: Sequence[FileReport]
) -> list[PlannedFile]:
    """Return duplicates whose twin was not loaded, one per content, to be read instead."""
    failed = {
        (report.path, report.dataset)
        for report in reports
        if report.action in ("failed", "waiting")
    }
    freed = [one for one in duplicates if (one.twin, one.file.dataset) in failed]
    return list({_content(one): one for one in reversed(freed)}.values())


def _hand_over(
    duplicates: Sequence[PlannedFile], freed: Sequence[PlannedFile]
) -> list[PlannedFile]:
    """Return the other duplicates, with the file that is read now as the twin of its copies."""
    heirs = {_content(one): one.file.relative_path for one in freed}
    return [
        replace(one, twin=heirs.get(_content(one), one.twin))
        for one in duplicates
        if one not in freed
    ]


def _content(planned: PlannedFile) -> tuple[str, str | None]:
    return (planned.file.dataset, planned.sha256)


def _note_duplicates(
    con: duckdb.DuckDBPyConnection, duplicates: Sequence[PlannedFile], reports: list[FileReport]
) -> int:
    """Write duplicates to the ledger and report them; return how many earlier rows they lose."""
    removed = 0
    file_id = next_file_id(con)
    with _transaction(con):
        for number, planned in enumerate(duplicates):
            problem = f"Its content is that of {planned.twin}, which is loaded."
            known = [row.file_id for row in (planned.noted, planned.held) if row]
            if planned.held:
                drop_raw_rows(con, planned.file.dataset, [planned.held.file_id])
                removed += planned.held.rows_kept
            drop_ledger_rows(con, known)
            row = _unread_row(planned, file_id + number, "duplicate_content", problem)
            add_ledger_rows(con, [row])
            reports.append(_report_unread(planned, "duplicate_content", problem))
    return removed


def _refresh_unchanged(con: duckdb.DuckDBPyConnection, plan: LandingPlan) -> None:
    """Note the new time of files that were touched, and files that have come back."""
    for planned in plan.files:
        row, file = planned.held, planned.file
        if planned.step != "unchanged" or row is None:
            continue
        seen = (row.size_bytes, row.modified_at, row.status)
        if seen != (file.size_bytes, file.modified_at, "loaded"):
            con.execute(
                "update raw.loaded_files set size_bytes = $1, modified_at = $2, status = 'loaded' "
                "where file_id = $3",
                [file.size_bytes, file.modified_at, row.file_id],
            )


def _set_status(con: duckdb.DuckDBPyConnection, file_ids: Sequence[int], status: str) -> None:
    if file_ids:
        con.execute(
            "update raw.loaded_files set status = $1 where file_id in (select unnest($2))",
            [status, list(file_ids)],
        )


def _load_files(
    con: duckdb.DuckDBPyConnection,
    to_load: Sequence[PlannedFile],
    scratch: Path,
    progress: Progress | None,
    erased: Suppression | None,
) -> list[FileReport]:
    tell = progress or _say_nothing
    reports: list[FileReport] = []
    for portion in _portions(to_load):
        groups: dict[Hashable, list[BatchFile]] = {}
        for planned in portion:
            tell(f"opening {planned.file.relative_path}")
            try:
                opened = open_file(con, planned.file, scratch)
                batch_file = BatchFile(planned, opened, choose_sources(opened))
            except FILE_ERRORS as error:
                reports.append(_fail(con, planned, error, erased))
            else:
                groups.setdefault(opened.layout, []).append(batch_file)
        for batch in groups.values():
            tell(
                f"loading {batch[0].planned.file.dataset}: {len(reports)} of {len(to_load)} "
                "files done"
            )
            reports += _load_or_split(con, batch, erased)
            for batch_file in batch:
                for copy in batch_file.opened.copies:
                    copy.unlink(missing_ok=True)
    return reports


def _load_or_split(
    con: duckdb.DuckDBPyConnection, batch: Sequence[BatchFile], erased: Suppression | None
) -> list[FileReport]:
    """Load a batch; when it fails, halve it until the file that fails stands alone."""
    try:
        return load_batch(con, batch, suppresses=erased is not None)
    except FilesChangedError as error:
        changed = {id(planned) for planned in error.files}
        rest = [batch_file for batch_file in batch if id(batch_file.planned) not in changed]
        reports = [report_waiting(planned) for planned in error.files]
        return reports + (_load_or_split(con, rest, erased) if rest else [])
    except FILE_ERRORS as error:
        if is_about_the_machine(error):
            raise
        if len(batch) == 1:
            return [_fail(con, batch[0].planned, error, erased)]
    middle = len(batch) // 2
    return [
        *_load_or_split(con, batch[:middle], erased),
        *_load_or_split(con, batch[middle:], erased),
    ]


def _fail(
    con: duckdb.DuckDBPyConnection,
    planned: PlannedFile,
    error: Exception,
    erased: Suppression | None,
) -> FileReport:
    """Note a file that could not be loaded; what it gave earlier stays."""
    if is_about_the_machine(error):
        raise error
    if has_changed(planned.file):
        return report_waiting(planned)
    entry = planned.file.entry
    is_private = erased is not None or any(column.identifier for column in entry.contract.columns)
    problem = describe_problem(error, withholds_values=is_private)
    with _transaction(con):
        drop_ledger_rows(con, [planned.noted.file_id] if planned.noted else [])
        add_ledger_rows(con, [_unread_row(planned, next_file_id(con), "failed", problem)])
    return _report_unread(planned, "failed", problem)


def _unread_row(planned: PlannedFile, file_id: int, status: str, error: str | None) -> LedgerRow:
    file = planned.file
    return LedgerRow(
        file_id,
        file.relative_path,
        file.profile.name,
        file.dataset,
        file.size_bytes,
        file.modified_at,
        planned.sha256,
        status=status,
        error=error,
        loaded_at=now_utc(),
        reading_key=file.reading_key,
    )


def _report_unread(planned: PlannedFile, action: Action, problem: str | None) -> FileReport:
    file = planned.file
    return FileReport(file.relative_path, file.dataset, file.profile.name, action, error=problem)


def _report_held(row: LedgerRow, action: Action) -> FileReport:
    return FileReport(
        row.path,
        row.dataset,
        row.profile,
        action,
        row.rows_read,
        row.rows_kept,
        row.rows_rejected,
        row.money_read,
        row.money_kept,
        row.money_rejected,
    )


def _portions(to_load: Sequence[PlannedFile]) -> Iterator[list[PlannedFile]]:
    portion: list[PlannedFile] = []
    size = 0
    for planned in to_load:
        if portion and (
            size + planned.file.size_bytes > _PORTION_BYTES or len(portion) >= _PORTION_FILES
        ):
            yield portion
            portion, size = [], 0
        portion.append(planned)
        size += planned.file.size_bytes
    if portion:
        yield portion


def _say_nothing(text: str) -> None:
    """Take a progress text and drop it."""
