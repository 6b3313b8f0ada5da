"""Runs that follow another: nothing new, a file more, changed or gone, other names and orders.

Whatever the way, the tables are those of one run over the files as they stand.
"""

import csv
import gzip
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import Settings
from tests.building import Builder, Built, run_command
from tests.compiled_builds import CompiledBuild
from tests.published_tables import NOT_INCREMENTAL, differences
from tests.small_shops import LATE_FILE, copy_of, grown_shop, short_shop, small_shop

CHANGED_FILE = "canonical/order_lines_2024-06.csv"
GONE_FILE = "canonical/order_lines_2023-03.csv"


def _ledger(settings: Settings) -> dict[str, tuple[Any, ...]]:
    rows = Built(settings, "").warehouse(
        "select path, dataset, file_id, sha256, status, rows_kept, loaded_at from raw.loaded_files"
    )
    found = {f"{path} {dataset}": tuple(rest) for path, dataset, *rest in rows}
    assert len(found) == len(rows), "a file stands twice in the ledger"
    return found


def _assert_raw_rows_are_those_of_the_ledger(settings: Settings) -> None:
    built = Built(settings, "")
    for dataset in ("order_lines", "customers", "products"):
        assert (
            built.warehouse(
                f"""
                select file_id, rows_kept from raw.loaded_files
                where dataset = '{dataset}' and rows_kept > 0
                except
                select _file_id, count(*) from raw.{dataset} group by all
                """
            )
            == []
        )


def test_nothing_new_loads_nothing(build: Builder, tmp_path: Path) -> None:
    settings = copy_of(short_shop(build), tmp_path)
    before, published = _ledger(settings), settings.marts_path.read_bytes()

    done = run_command(["run"], settings)
    assert "nothing new" in done.stderr
    assert "nothing loaded" in done.stderr
    assert _ledger(settings) == before
    assert settings.marts_path.read_bytes() == published


def test_a_new_file_is_loaded_alone(build: Builder) -> None:
    grown = grown_shop(build)
    before, after = _ledger(short_shop(build).settings), _ledger(grown.settings)
    assert f"1 file loaded, {len(before)} unchanged" in grown.output
    (added,) = after.keys() - before.keys()
    assert added == f"{LATE_FILE} order_lines"
    assert {name: row for name, row in after.items() if name != added} == before
    _assert_raw_rows_are_those_of_the_ledger(grown.settings)


def test_tables_of_a_new_file_are_those_of_one_run(build: Builder) -> None:
    grown = grown_shop(build)
    assert grown.warehouse("select mode from changes.last_build") == [("incremental",)]
    assert differences(grown.marts_path, small_shop(build).marts_path, NOT_INCREMENTAL) == []


@pytest.mark.soak
def test_a_changed_file_replaces_its_rows_and_a_gone_file_keeps_them(
    build: Builder, tmp_path: Path
) -> None:
    """Built anew from the same files, the tables are the same."""
    settings = copy_of(small_shop(build), tmp_path)
    landing = settings.resolved_landing_dir
    before = _ledger(settings)
    changed, gone = landing / CHANGED_FILE, landing / GONE_FILE
    lines = changed.read_text().splitlines()
    dropped = lines[1].split(",")[0]
    kept = [line for line in lines if not line.startswith(f"{dropped},")]
    changed.write_text("\n".join(kept) + "\n")
    aside = tmp_path / gone.name
    shutil.move(gone, aside)

    done = run_command(["run"], settings)
    assert f"1 file loaded, {len(before) - 2} unchanged" in done.stderr
    assert f"{GONE_FILE} is gone from the landing folder; its rows are kept." in done.stderr

    after = _ledger(settings)
    assert after.keys() == before.keys()
    moved = {name for name in after if after[name] != before[name]}
    assert moved == {f"{CHANGED_FILE} order_lines", f"{GONE_FILE} order_lines"}
    assert after[f"{CHANGED_FILE} order_lines"][2:4] == ("loaded", len(kept) - 1)
    assert after[f"{GONE_FILE} order_lines"][2] == "gone"
    _assert_raw_rows_are_those_of_the_ledger(settings)
    built = Built(settings, "")
    is_published = "select count(*) from core.fct_orders where order_id = ?"
    assert built.marts(is_published, [dropped]) == [(0,)]
    assert small_shop(build).marts(is_published, [dropped]) == [(1,)]

    step_by_step = Path(shutil.copy(settings.marts_path, tmp_path / "step_by_step.duckdb"))
    shutil.move(aside, gone)
    done = run_command(["run", "--full-refresh"], settings)
    assert f"{len(before)} files loaded (" in done.stderr
    assert differences(settings.marts_path, step_by_step) == []
    assert differences(settings.marts_path, small_shop(build).marts_path) != []


def test_names_split_row_order_and_arrival_change_nothing(build: Builder, tmp_path: Path) -> None:
    landing = small_shop(build).settings.resolved_landing_dir
    whole = CompiledBuild(Settings(data_dir=tmp_path / "whole", landing_dir=landing), "net")
    whole.land()
    in_parts = CompiledBuild(
        Settings(data_dir=tmp_path / "parts", landing_dir=tmp_path / "files", profile="canonical"),
        "net",
    )
    pieces = _rearrange(landing, tmp_path / "aside")
    for arrival in (pieces[6:], pieces[4:6], pieces[2:4], pieces[:2]):
        _arrive(arrival, tmp_path)
        assert in_parts.land().loaded_count == len(arrival)
    tables = whole.tables("core", "lifecycle", "rfm", "sales")
    assert len(tables) > 30
    whole.build(list(tables))
    in_parts.build(list(tables))
    for table in tables.values():
        assert in_parts.in_order(table).equals(whole.in_order(table)), table
    assert whole.marts("select count(*) > 500 from core.fct_orders") == [(True,)]


def _rearrange(landing: Path, target: Path) -> list[Path]:
    """Write all rows of the shop in random order to files with other names, some compressed."""
    chance = random.Random(20_111_209)
    target.mkdir()
    written = []
    sources = (("order_lines", 7), ("customers", 2), ("products", 1), ("events", 2))
    for dataset, parts in sources:
        rows: list[list[str]] = []
        for path in sorted(landing.rglob(f"{dataset}*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                header, *body = csv.reader(file)
            rows += body
        chance.shuffle(rows)
        for part in range(parts):
            path = target / f"{dataset}_{chance.randrange(10**6)}_{part}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([header, *rows[part::parts]])
            if part % 3 == 1:
                packed = path.with_name(f"{path.name}.gz")
                packed.write_bytes(gzip.compress(path.read_bytes()))
                path.unlink()
                path = packed
            written.append(path)
    chance.shuffle(written)
    return written


def _arrive(paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "files").mkdir(exist_ok=True)
    for path in paths:
        shutil.move(path, tmp_path / "files" / path.name)


def test_two_landing_folders_do_not_mix(build: Builder, tmp_path: Path) -> None:
    settings = copy_of(small_shop(build), tmp_path)
    before, published = _ledger(settings), settings.marts_path.read_bytes()
    other = tmp_path / "other" / "canonical"
    other.mkdir(parents=True)
    (other / "order_lines.csv").write_text(
        "order_id,product_id,ordered_at,quantity,unit_price\n1,P1,2024-01-02 10:00:00,1,2.50\n"
    )
    done = run_command(["run", "--landing", str(other)], settings, check=False)
    assert done.returncode == 1
    assert str(small_shop(build).settings.resolved_landing_dir) in done.stderr
    assert str(other) in done.stderr
    assert "--data-dir" in done.stderr
    assert done.stderr.count("\n") == 1
    assert _ledger(settings) == before
    assert settings.marts_path.read_bytes() == published


@pytest.mark.parametrize("names", [("a/shop", "b/shop"), ("a/my shop", "a/my-shop")])
def test_every_landing_folder_has_a_data_folder_of_its_own(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    folders = {
        Settings(home_dir=tmp_path, landing_dir=tmp_path / name).resolved_data_dir for name in names
    }
    assert len(folders) == 2
