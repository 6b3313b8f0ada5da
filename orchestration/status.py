"""What a person asks of a pipeline that runs by itself: is it well, and if not, why?

Belongs here: finding that out without the warehouse, and laying it out. Does not belong here: the
summary of figures after a run (``summary.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.errors import CustomerValueError
from orchestration.freshness import describe_age, publication_age
from orchestration.landing.files import find_landing_files
from orchestration.ledger_copy import read_ledger_copy, unknown_files
from orchestration.publishing.kept import KeptPublication, kept_publications
from orchestration.settings import Settings
from orchestration.sources import is_demo_missing
from orchestration.summary import print_status
from orchestration.warehouse import connect_marts, lock_holder

_SHOWN = 5


@dataclass(frozen=True)
class FailedRun:
    """A run that failed: when it ended, in UTC, and what it told."""

    run_id: str
    job: str
    ended_at: datetime
    problem: str
    way_out: str


def print_whole_status(console: Console, settings: Settings) -> None:
    """Print who is at work, what waits, what failed, what is published and what is kept.

    Raises:
        CustomerValueError: nothing is published yet.
    """
    _line(console, f"Data folder: {settings.resolved_data_dir}")
    _line(console, f"Running now: {lock_holder(settings) or 'nothing'}")
    _print_waiting(console, settings)
    _print_failures(console, last_failures(settings))
    print_status(console, settings.marts_path)
    age = publication_age(settings)
    if age is not None:
        _line(console, describe_age(age, settings))
    _print_rejects(console, settings)
    print_kept(console, kept_publications(settings))


def print_kept(console: Console, kept: Sequence[KeptPublication]) -> None:
    """Print the publications that ``customer-value restore`` can put back."""
    if not kept:
        _line(console, "Kept publications: none")
        return
    table = Table(title="Kept publications (customer-value restore --to)", title_justify="left")
    for heading in ("number", "published at (UTC)", "as of", "MB"):
        table.add_column(heading, justify="right")
    for one in kept:
        table.add_row(
            str(one.number),
            str(one.manifest.published_at),
            str(one.manifest.as_of_date or "no orders"),
            f"{one.size_bytes / 1e6:,.1f}",
        )
    console.print(table)


def last_failures(settings: Settings, limit: int = 3) -> list[FailedRun]:
    """Runs that failed since the last one that succeeded, the latest first."""
    if not (settings.dagster_home / "dagster.yaml").exists():
        return []
    import dagster as dg

    from orchestration.dagster_instance import reading_instance
    from orchestration.failures import told_by

    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    failed = []
    with reading_instance(settings) as instance:
        for record in instance.get_run_records(dg.RunsFilter(statuses=ended), limit=limit):
            run = record.dagster_run
            if run.status == dg.DagsterRunStatus.SUCCESS:
                break
            events = [
                entry.dagster_event
                for entry in instance.all_logs(
                    run.run_id,
                    of_type={dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE},
                )
                if entry.dagster_event is not None
            ]
            steps = [event for event in events if event.is_step_failure]
            others = [event.message or "" for event in events if not event.is_step_failure]
            told, reason = told_by(steps, others[-1] if others else "no step failed")
            ended_at = datetime.fromtimestamp(record.end_time or 0.0, UTC).replace(
                tzinfo=None, microsecond=0
            )
            failed.append(
                FailedRun(
                    run.run_id,
                    run.job_name,
                    ended_at,
                    told.problem if told else reason,
                    told.way_out if told else "",
                )
            )
    return failed


def _print_waiting(console: Console, settings: Settings) -> None:
    known = read_ledger_copy(settings.ledger_copy_path)
    if is_demo_missing(settings):
        _line(console, "Landing folder: the demo shop is not generated yet")
        return
    try:
        folder = find_landing_files(settings)
    except CustomerValueError as error:
        _line(console, f"Landing folder: {error.problem}")
        return
    waiting = list(dict.fromkeys(state[0] for state in unknown_files(folder, known).values()))
    files = len({file.relative_path for file in folder.files})
    text = f"{len(waiting):,} of {files:,} files wait to be loaded" if waiting else "nothing waits"
    names = f" ({', '.join(waiting[:_SHOWN])}{', ...' if len(waiting) > _SHOWN else ''})"
    _line(console, f"Landing folder: {folder.root}: {text}{names if waiting else ''}")
    for path, reason in known.failed if known else ():
        _line(console, f"  {path} could not be loaded: {reason}")


def _print_failures(console: Console, failures: Sequence[FailedRun]) -> None:
    if not failures:
        _line(console, "Failed since the last run that succeeded: none")
        return
    _line(console, "Failed since the last run that succeeded:")
    for one in failures:
        said = " ".join(f"{one.problem} {one.way_out}".split())
        _line(console, f"  {one.ended_at} UTC, {one.job} {one.run_id}: {said}")


def _print_rejects(console: Console, settings: Settings) -> None:
    with connect_marts(settings.marts_path) as con:
        try:
            rows = con.execute(
                """
                select reason, column_name, sum(rejected_count) as rejected_count
                from quality.rpt_rejected_rows
                group by reason, column_name
                order by rejected_count desc, reason, column_name
                """
            ).fetchall()
        except duckdb.CatalogException:
            return
    if not rows:
        _line(console, "Rejected rows: none")
        return
    table = Table(title="Rejected rows by reason", title_justify="left")
    table.add_column("reason")
    table.add_column("column")
    table.add_column("rows", justify="right")
    for reason, column, count in rows:
        table.add_row(escape(str(reason)), escape(str(column or "")), f"{int(count):,}")
    console.print(table)


def _line(console: Console, text: str) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)
