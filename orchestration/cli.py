"""The command line: ``customer-value run``, ``status``, ``restore`` and the others.

Belongs here: commands, their options, and turning errors into one readable line. Does not belong
here: what the commands do. Whatever takes long to import is imported inside the commands.
"""

import logging
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer
from rich.console import Console

from orchestration.errors import CustomerValueError

if TYPE_CHECKING:
    from orchestration.settings import Settings

app = typer.Typer(
    help="Order files in, customer value out: cleaned orders, monthly states, RFM segments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
profile_app = typer.Typer(help="Profiles: how somebody's files are read.", no_args_is_help=True)
app.add_typer(profile_app, name="profile")


class Basis(StrEnum):
    """Revenue that counts for customers."""

    NET = "net"
    GROSS = "gross"


class OutputFormat(StrEnum):
    """How query results are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


LandingOption = Annotated[
    Path | None,
    typer.Option("--landing", help="Folder or file with the orders; without it the demo shop."),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="Profile that reads them: a name or a .yml file.")
]
ProfilesDirOption = Annotated[
    Path | None, typer.Option("--profiles-dir", help="Folder with profiles of your own.")
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder for the warehouse and the marts.")
]


@app.command()
def demo(
    customers: Annotated[int, typer.Option(help="Registered customers.", min=1)] = 20_000,
    months: Annotated[int, typer.Option(help="Months with orders.", min=1)] = 24,
    seed: Annotated[int | None, typer.Option(help="Seed; another one is another shop.")] = None,
    events: Annotated[
        bool, typer.Option("--events", help="With what customers view, cart and mark, too.")
    ] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Generate the demo shop: landing files of any size, and the truth about them."""
    from orchestration.demo import generate_demo_shop
    from orchestration.terminal import TerminalReporter
    from orchestration.warehouse import warehouse_lock

    settings = _settings(data_dir=data_dir)
    if not settings.is_demo:
        raise CustomerValueError(
            "CUSTOMER_VALUE_LANDING_DIR names a landing folder, which the demo shop would not use.",
            "Unset it first.",
        )
    extra: dict[str, Any] = {} if seed is None else {"seed": seed}
    with (
        TerminalReporter(_stderr()) as reporter,
        warehouse_lock(settings, "generating the demo shop"),
    ):
        truth = generate_demo_shop(
            settings.resolved_data_dir,
            customers=customers,
            months=months,
            events=events,
            progress=reporter.now,
            **extra,
        )
        reporter.done(f"demo shop generated ({truth.customers:,} customers, {truth.months} months)")
    print(f"Landing files: {settings.resolved_landing_dir}")
    print(f"The truth about them: {settings.resolved_data_dir / 'truth'}")


@app.command()
def run(
    landing: LandingOption = None,
    profile: ProfileOption = None,
    profiles_dir: ProfilesDirOption = None,
    data_dir: DataDirOption = None,
    basis: Annotated[
        Basis | None, typer.Option(help="Customer revenue after returns (net) or before (gross).")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", formats=["%Y-%m-%d"], help="Measure to this date; default: the last one."
        ),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="The shop's time zone, an IANA name.")
    ] = None,
    window_days: Annotated[
        int | None, typer.Option("--rfm-window-days", help="Days RFM looks back; 0: all history.")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="Memory DuckDB may use, such as 4GB.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads DuckDB may use.")] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Forget the warehouse and build all of it anew.")
    ] = False,
    refit_clusters: Annotated[
        bool,
        typer.Option(
            "--refit-clusters", help="Fit the clusters again; ids are kept where they fit."
        ),
    ] = False,
    accept_drift: Annotated[
        bool,
        typer.Option("--accept-drift", help="The same, and publish whatever that moves."),
    ] = False,
) -> None:
    """Load what is new, build and check all models, publish the marts, print a summary."""
    from orchestration.cluster_model import ModelRequest
    from orchestration.refresh import refresh
    from orchestration.terminal import TerminalReporter

    settings = _settings(
        landing_dir=landing,
        profile=profile,
        profiles_dir=profiles_dir,
        data_dir=data_dir,
        monetary_basis=basis.value if basis else None,
        as_of_date=as_of.date() if as_of else None,
        shop_timezone=timezone,
        rfm_window_days=window_days,
        memory_limit=memory_limit,
        threads=threads,
    )
    with TerminalReporter(_stderr()) as reporter:
        request = ModelRequest(refit_clusters or accept_drift, accept_drift)
        refresh(settings, reporter, is_full_refresh=full_refresh, clusters=request)
    _print_summary(settings.marts_path, settings.report_path)


@app.command()
def report(
    landing: LandingOption = None,
    data_dir: DataDirOption = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write; default: report.html beside the marts.")
    ] = None,
) -> None:
    """Make the report of the published marts anew: one HTML page that can be opened and mailed."""
    from orchestration.publishing.report.write import write_report

    settings = _settings_of_last_run(landing, data_dir)
    written = write_report(settings.marts_path, output or settings.report_path)
    print(f"Report: {written.path} ({written.charts} charts, {written.size_bytes / 1e6:,.1f} MB)")


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", help="First month, such as 2011-01.")],
    last: Annotated[str, typer.Option("--to", help="Last month, such as 2011-06.")],
    landing: LandingOption = None,
    profile: ProfileOption = None,
    profiles_dir: ProfilesDirOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Compute months of the published history anew, in one run, and publish."""
    from orchestration.backfill import Months, reaching_back
    from orchestration.refresh import refresh
    from orchestration.terminal import TerminalReporter

    months = Months.parse(first, last)
    settings = _settings(
        landing_dir=landing, profile=profile, profiles_dir=profiles_dir, data_dir=data_dir
    )
    reaching = reaching_back(settings, months)
    with TerminalReporter(_stderr()) as reporter:
        if reaching.rfm_snapshot_months != settings.rfm_snapshot_months:
            reporter.warn(
                f"RFM looks back at {reaching.rfm_snapshot_months} month ends in this run. To keep "
                f"them, set CUSTOMER_VALUE_RFM_SNAPSHOT_MONTHS={reaching.rfm_snapshot_months} for "
                "the runs that follow."
            )
        refresh(reaching, reporter, recomputed=months)
    _print_summary(settings.marts_path, settings.report_path)


@app.command()
def restore(
    number: Annotated[
        int | None, typer.Option("--to", help="Number of the publication; default: the one before.")
    ] = None,
    is_listing: Annotated[
        bool, typer.Option("--list", help="List the publications that are kept; restore none.")
    ] = False,
    landing: LandingOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Make an earlier publication the published one again."""
    from orchestration.publishing.kept import kept_publications
    from orchestration.status import print_kept

    settings = _settings_of_last_run(landing, data_dir)
    if is_listing:
        print_kept(Console(), kept_publications(settings))
        return
    from orchestration.restoring import restore as put_back

    restored = put_back(settings, number)
    print(
        f"Published again: number {restored.number}, of {restored.manifest.published_at} UTC, as "
        f"of {restored.manifest.as_of_date}."
    )
    print(
        "The next run publishes what is in the landing folder again: correct the files or settings "
        "first, or switch automation off."
    )


@app.command()
def prune(landing: LandingOption = None, data_dir: DataDirOption = None) -> None:
    """Remove what earlier runs have left beyond the number that is kept."""
    from orchestration.dagster_instance import reading_instance
    from orchestration.pruning import prune as take_away

    settings = _settings_of_last_run(landing, data_dir)
    with reading_instance(settings) as instance:
        print(f"{take_away(settings, instance)}.")


@app.command()
def status(landing: LandingOption = None, data_dir: DataDirOption = None) -> None:
    """Show what is published, how fresh, what waits, what failed, and whether a run is at work."""
    from orchestration.status import print_whole_status

    print_whole_status(Console(), _settings_of_last_run(landing, data_dir))


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement on the published tables.")],
    landing: LandingOption = None,
    data_dir: DataDirOption = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON array of objects.")] = False,
    limit: Annotated[int, typer.Option(help="Rows of the table shown; CSV and JSON: all.")] = 100,
) -> None:
    """Ask the published marts; read-only, and possible while a run is under way."""
    from orchestration.query import run_query

    if csv and json:
        raise CustomerValueError("--csv and --json exclude each other.", "Choose one of them.")
    chosen = OutputFormat.CSV if csv else OutputFormat.JSON if json else OutputFormat.TABLE
    settings = _settings_of_last_run(landing, data_dir)
    run_query(settings.marts_path, sql, chosen.value, limit, Console(), sys.stdout)


@app.command()
def audiences(landing: LandingOption = None, data_dir: DataDirOption = None) -> None:
    """Write the customers of every segment of the published marts as files."""
    from orchestration.publishing.audiences import write_audiences
    from orchestration.warehouse import warehouse_lock

    settings = _settings_of_last_run(landing, data_dir)
    with warehouse_lock(settings, "writing the audiences"):
        written = write_audiences(settings)
    print(f"{len(written.customers)} files in {written.folder}")


@app.command()
def dev(
    landing: LandingOption = None,
    profile: ProfileOption = None,
    profiles_dir: ProfilesDirOption = None,
    data_dir: DataDirOption = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
    automation: Annotated[
        bool | None,
        typer.Option(help="Whether sensors and schedules are switched on from the start."),
    ] = None,
) -> None:
    """Open Dagster's UI on this machine: lineage, runs, checks, everything materialisable."""
    from orchestration.dev import serve

    settings = _settings(
        landing_dir=landing,
        profile=profile,
        profiles_dir=profiles_dir,
        data_dir=data_dir,
        automation=automation,
    )
    raise typer.Exit(serve(settings, port))


@app.command()
def erase(
    customer_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="CUSTOMER_ID...", help="Ids as core.dim_customers shows them."),
    ] = None,
    from_file: Annotated[
        Path | None, typer.Option("--from-file", help="A file with one id on each line.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why; kept in the list of erased customers, so name nobody.")
    ] = "request of the customer",
    landing: LandingOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Take customers out of every table, file and publication for good, and prove it."""
    from orchestration.erasure.command import erase_customers
    from orchestration.terminal import TerminalReporter

    settings = _settings_of_last_run(landing, data_dir)
    with TerminalReporter(_stderr()) as reporter:
        erase_customers(settings, customer_ids or [], from_file, reason, reporter, Console())


@profile_app.command("list")
def profile_list(profiles_dir: ProfilesDirOption = None) -> None:
    """List the profiles that can be named."""
    from rich.table import Table

    from orchestration.landing.profile_store import profile_paths, read_profile

    table = Table()
    for heading in ("profile", "datasets", "description"):
        table.add_column(heading)
    folder = _settings(profiles_dir=profiles_dir).profiles_dir
    for name, path in profile_paths(folder).items():
        loaded = read_profile(path)
        datasets = ", ".join(dict.fromkeys(entry.dataset for entry in loaded.files))
        table.add_row(name, datasets, loaded.description)
    Console().print(table)


@profile_app.command("check")
def profile_check(
    file: Annotated[Path, typer.Argument(help="A file as it would be put into landing.")],
    profile: ProfileOption = None,
    profiles_dir: ProfilesDirOption = None,
) -> None:
    """Show what a profile makes of a file: first rows, rejects, totals. Writes nothing."""
    from orchestration.landing.check import check_profile
    from orchestration.profile_check import print_profile_check

    settings = _settings(profiles_dir=profiles_dir)
    print_profile_check(check_profile(file, profile, settings), Console())


def main() -> None:
    """Entry point of the console command."""
    from orchestration.terminal import print_error

    # A log that cannot be written, for want of space, must not bury what a person has to read.
    logging.raiseExceptions = False
    try:
        sys.exit(app(standalone_mode=False))
    except CustomerValueError as error:
        print_error(_stderr(), error)
        sys.exit(1)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
    except click.ClickException as error:
        print_error(_stderr(), _usage_error(error))
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        _stderr().print("Stopped. The last publication is untouched; run again to go on.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


def _usage_error(error: click.ClickException) -> CustomerValueError:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    is_detailed = isinstance(error, click.BadParameter | click.NoSuchOption)
    text = error.format_message() if is_detailed else error.message
    return CustomerValueError(
        f"{text.rstrip('.')}.", f"`{command or 'customer-value'} --help` lists what is possible."
    )


def _stderr() -> Console:
    return Console(stderr=True)


def _settings(**options: Any) -> "Settings":
    """Settings from the environment, with the given options on top; unset options are left out."""
    from pydantic import ValidationError

    from orchestration.settings import Settings, describe_invalid

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        raise describe_invalid(error) from error


def _settings_of_last_run(landing: Path | None, data_dir: Path | None) -> "Settings":
    """Settings of the named data folder, or of the one the last run used."""
    settings = _settings(landing_dir=landing, data_dir=data_dir)
    if settings.is_demo and settings.data_dir is None:
        try:
            last = settings.current_pointer.read_text(encoding="utf-8").strip()
        except OSError:
            return settings
        if last:
            return _settings(data_dir=Path(last))
    return settings


def _print_summary(marts_path: Path, report_path: Path) -> None:
    from orchestration.summary import print_summary, read_summary

    print_summary(Console(), read_summary(marts_path, report_path))


if __name__ == "__main__":
    main()
