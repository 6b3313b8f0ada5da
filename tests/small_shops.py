"""A small demo shop, a copy of it that lacks one file, and that after the file has come.

Each is built once, for tests that run again.

Belongs here: making and copying them. Does not belong here: assertions.
"""

import contextlib
import json
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import openpyxl

from orchestration.settings import Settings
from tests.building import Builder, Built, run_command

CUSTOMERS = 1_000
#: The file that the short shop lacks; it lies in the middle of the shop's 24 months.
LATE_FILE = "canonical/order_lines_2023-11.csv"
#: Query: how many rows of it are loaded.
LATE_ROWS = (
    "select count(*) from raw.order_lines join raw.loaded_files on _file_id = file_id "
    f"where path = '{LATE_FILE}'"
)
#: What the names of files that cannot be loaded begin with.
UNREADABLE = "order_lines_unreadable"


def small_shop(build: Builder) -> Built:
    """The shop with all its files, events among them, loaded and published in one run."""
    return build.demo(CUSTOMERS)


def small_landing(build: Builder) -> Path:
    """The landing folder of the small shop, whether it has been built or not."""
    return build.demo_landing(CUSTOMERS)


def short_shop(build: Builder) -> Built:
    """The same shop without ``LATE_FILE``."""
    landing = build.folder / "short-landing"
    if not landing.exists():
        aside = build.folder / f"short-landing-{uuid.uuid4().hex}"
        shutil.copytree(small_landing(build), aside)
        (aside / LATE_FILE).unlink()
        # Another process may have been quicker; the folders are the same.
        with contextlib.suppress(OSError):
            aside.rename(landing)
    return build(landing_dir=landing)


@dataclass(frozen=True)
class Attempt:
    """A run that failed: what it said, and what it left.

    ``ledger`` has status and error by the name of the file. ``late_rows`` are the rows of
    ``LATE_FILE`` that are loaded.
    """

    returncode: int
    stderr: str
    ledger: dict[str, tuple[str, str]]
    late_rows: int
    is_publication_untouched: bool


def grown_shop(build: Builder) -> Built:
    """A copy of the short shop in which ``LATE_FILE`` has arrived at last and been published.

    Before it two runs have failed (``attempts_before_growth``). No change is too much to be built
    incrementally. ``output`` is what the last run said of its steps.
    """
    folder = build.folder / "grown"
    settings = _copied_settings(folder).model_copy(update={"incremental_max_share": 1000})

    def run() -> str:
        # What a run that failed has left.
        shutil.rmtree(folder, ignore_errors=True)
        copy_of(short_shop(build), folder)
        landing = settings.resolved_landing_dir / "canonical"
        late = add_late_file(build, settings)
        whole = late.read_text(encoding="utf-8")
        late.write_text(whole + _with_another_quantity(whole), encoding="utf-8")
        write_unreadable_files(landing)
        attempts = [_failed(settings)]
        for path in landing.glob(f"{UNREADABLE}*"):
            path.unlink()
        attempts.append(_failed(settings))
        late.write_text(whole, encoding="utf-8")
        said = run_command(["run"], settings).stderr
        (build.folder / "attempts.json").write_text(json.dumps([asdict(one) for one in attempts]))
        return said

    return Built(settings, build.once("grown", run))


def attempts_before_growth(build: Builder) -> list[Attempt]:
    """The two runs before the grown shop was published: unreadable files, then a doubled row."""
    grown_shop(build)
    found = json.loads((build.folder / "attempts.json").read_text(encoding="utf-8"))
    return [
        Attempt(**{**one, "ledger": {name: tuple(row) for name, row in one["ledger"].items()}})
        for one in found
    ]


def write_unreadable_files(landing: Path) -> None:
    """Five files that cannot be loaded, each for another reason."""
    header = "order_id,line_number,product_id,ordered_at,quantity,unit_price,customer_id,currency"
    days = [f"95{day},1,P1,{day}.13.2024,1,3.00,c1,EUR" for day in range(1, 6)]
    (landing / f"{UNREADABLE}_a.csv").write_text("order_id,product_id,price\n902,P1,x\n")
    (landing / f"{UNREADABLE}_b.csv").write_text("\n".join([header, *days]) + "\n")
    openpyxl.Workbook().save(landing / "book.xlsx")
    (landing / "book.xlsx").rename(landing / f"{UNREADABLE}_c.csv")
    cut = landing / f"{UNREADABLE}_d.parquet"
    with duckdb.connect() as con:
        con.execute(
            "copy (select 'x' || range as order_id, 'P' as product_id, 1 as quantity, "
            f"'2024-01-01' as ordered_at, 2.5 as unit_price from range(9999)) to '{cut}'"
        )
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (landing / f"{UNREADABLE}_e.csv").symlink_to(landing / "nowhere")


def _with_another_quantity(whole: str) -> str:
    """The first line of a file of order lines once more, as it cannot be true as well."""
    header, first, *_ = whole.splitlines()
    place = header.split(",").index("quantity")
    fields = first.split(",")
    return ",".join([*fields[:place], str(int(fields[place]) + 1), *fields[place + 1 :]]) + "\n"


def _failed(settings: Settings) -> Attempt:
    published = settings.marts_path.read_bytes()
    done = run_command(["run"], settings, check=False)
    built = Built(settings, "")
    ledger = built.warehouse(
        "select parse_filename(path), status, coalesce(error, '') from raw.loaded_files"
    )
    return Attempt(
        returncode=done.returncode,
        stderr=done.stderr,
        ledger={name: (status, error) for name, status, error in ledger},
        late_rows=built.warehouse(LATE_ROWS)[0][0],
        is_publication_untouched=settings.marts_path.read_bytes() == published,
    )


def copy_of(built: Built, folder: Path) -> Settings:
    """Settings of a copy of warehouse, publication and landing folder, with a home of its own."""
    settings = _copied_settings(folder)
    shutil.copytree(built.settings.resolved_landing_dir, settings.resolved_landing_dir)
    without_landing = shutil.ignore_patterns("landing")
    shutil.copytree(
        built.settings.resolved_data_dir, settings.resolved_data_dir, ignore=without_landing
    )
    return settings


def add_late_file(build: Builder, settings: Settings) -> Path:
    """Put the missing file into the landing folder of a copy of the short shop."""
    source = small_landing(build) / LATE_FILE
    return Path(shutil.copy2(source, settings.resolved_landing_dir / LATE_FILE))


def _copied_settings(folder: Path) -> Settings:
    return Settings(
        data_dir=folder / "data", home_dir=folder / "home", landing_dir=folder / "landing"
    )
