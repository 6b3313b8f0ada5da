"""Bad input through the command: one readable line, good files loaded, the publication untouched.

Then, with the input put right, the next run succeeds.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.building import Builder, Built, run_command
from tests.small_shops import (
    LATE_FILE,
    LATE_ROWS,
    UNREADABLE,
    Attempt,
    attempts_before_growth,
    copy_of,
    grown_shop,
    short_shop,
    small_shop,
)

HEADER = "order_id,line_number,product_id,ordered_at,quantity,unit_price,customer_id,currency"


def _write(path: Path, *lines: str, header: str = HEADER) -> None:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


@pytest.fixture
def settings(build: Builder, tmp_path: Path) -> Settings:
    """A copy of a small published shop, with a landing folder of its own."""
    return copy_of(small_shop(build), tmp_path)


@pytest.fixture
def landing(settings: Settings) -> Path:
    """The folder its files lie in."""
    return settings.resolved_landing_dir / "canonical"


def _run_fails(settings: Settings, *arguments: str) -> str:
    """Run, and return the one line of the error; the publication is as it was, byte for byte."""
    published = settings.marts_path.read_bytes() if settings.marts_path.exists() else None
    done = run_command(["run", *arguments], settings, check=False)
    now = settings.marts_path.read_bytes() if settings.marts_path.exists() else None
    return _error_of(Attempt(done.returncode, done.stderr, {}, 0, now == published))


def _error_of(attempt: Attempt) -> str:
    """The one line of a failed run's error, which has left the publication as it was."""
    assert attempt.returncode == 1, attempt.stderr
    assert "Traceback" not in attempt.stderr
    errors = [line for line in attempt.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, attempt.stderr
    assert attempt.stderr.splitlines()[-1] == errors[0], attempt.stderr
    assert attempt.is_publication_untouched
    return errors[0]


def _assert_says(text: str, *parts: str) -> None:
    for part in parts:
        assert part in text


def _ledger(settings: Settings) -> dict[str, tuple[str, str]]:
    """Status and error by the name of the file."""
    rows = Built(settings, "").warehouse(
        "select parse_filename(path), status, error from raw.loaded_files"
    )
    return {name: (status, error or "") for name, status, error in rows}


def _orders(settings: Settings) -> int:
    return int(Built(settings, "").marts("select count(*) from core.fct_orders")[0][0])


def _late_rows(built: Built) -> int:
    return int(built.warehouse(LATE_ROWS)[0][0])


def test_bad_files_are_told_and_the_others_loaded(build: Builder) -> None:
    attempt, _ = attempts_before_growth(build)
    error = _error_of(attempt)
    _assert_says(error, "5 landing files could not be loaded", f"{UNREADABLE}_a.csv", "quantity")
    _assert_says(
        error, "unit_price", "'price'", "put right or removed", "The other files are loaded"
    )
    assert attempt.ledger[Path(LATE_FILE).name] == ("loaded", "")
    assert attempt.late_rows > 100
    failed = {name: said for name, (status, said) in attempt.ledger.items() if status == "failed"}
    assert len(attempt.ledger) == len(_ledger(short_shop(build).settings)) + 1 + len(failed)
    _assert_says(failed[f"{UNREADABLE}_b.csv"], "ordered_at", "1.13.2024", "profile")
    _assert_says(failed[f"{UNREADABLE}_c.csv"], "Excel workbook", "Rename it", ".xlsx")
    _assert_says(failed[f"{UNREADABLE}_d.parquet"], "cut short", "again")
    _assert_says(failed[f"{UNREADABLE}_e.csv"], "cannot be read", "Check that it exists")


def test_a_row_that_stands_twice_is_told_and_nothing_is_published(build: Builder) -> None:
    _, attempt = attempts_before_growth(build)
    error = _error_of(attempt)
    lines = (small_shop(build).settings.resolved_landing_dir / LATE_FILE).read_text().splitlines()
    doubled = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    _assert_says(
        error,
        "primary_key_fct_order_lines_order_id__line_number (1 failing row: "
        f"order_id {doubled['order_id']}, line_number {doubled['line_number']}, row_count 2)",
        "correct their source",
    )
    _assert_says(error, "Nothing is published, the last publication stays", "dbt.log")
    assert {status for status, _ in attempt.ledger.values()} == {"loaded"}
    assert attempt.late_rows == _late_rows(small_shop(build)) + 1


def test_once_all_is_put_right_it_is_published(build: Builder) -> None:
    grown = grown_shop(build)
    assert _orders(grown.settings) == _orders(small_shop(build).settings)
    assert _ledger(grown.settings)[Path(LATE_FILE).name] == ("loaded", "")
    assert _late_rows(grown) == _late_rows(small_shop(build))


def test_a_profile_that_is_not_there_is_told_with_those_that_are(settings: Settings) -> None:
    error = _run_fails(settings, "--profile", "shopyfy")
    _assert_says(error, "shopyfy", "canonical", "uci_online_retail")
    assert "nothing new" in run_command(["run"], settings).stderr


def test_a_folder_without_files_is_told_with_what_is_looked_for(
    settings: Settings, tmp_path: Path
) -> None:
    empty = tmp_path / "empty" / "canonical"
    empty.mkdir(parents=True)
    (empty / "notes.txt").write_text("nothing")
    error = _run_fails(settings, "--landing", str(empty))
    _assert_says(error, "no file to read", str(empty), "order_lines*", "notes.txt", "--landing")
    error = _run_fails(settings, "--landing", str(tmp_path / "nowhere"))
    _assert_says(error, "nowhere", "does not exist", "--landing")
    assert "nothing new" in run_command(["run"], settings).stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"a small disk cannot be made here: {error}")
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.soak
def test_a_full_disk_is_told_and_leaves_the_publication(
    settings: Settings, landing: Path, small_disk: Path, tmp_path: Path
) -> None:
    orders = _orders(settings)
    shutil.copytree(settings.resolved_data_dir, small_disk / "data")
    tight = Settings(
        data_dir=small_disk / "data",
        home_dir=tmp_path / "home",
        landing_dir=settings.landing_dir,
    )
    _write(
        landing / "order_lines_many.csv",
        *(
            f"{number},1,P{number % 977},2024-03-01 10:{number % 60:02}:00,1,{number % 83}.25,"
            f"customer-{number % 20011},EUR"
            for number in range(1_000_000, 1_000_400)
        ),
    )
    filler = small_disk / "filler"
    free = shutil.disk_usage(small_disk).free
    filler.write_bytes(b"\0" * (free - 400_000))

    error = _run_fails(tight)
    _assert_says(error, "No space left", "--data-dir")

    filler.unlink()
    run_command(["run"], tight)
    assert _orders(tight) == orders + 400
