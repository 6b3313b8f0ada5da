"""A machine that gives out in the middle of a load: one clear error, and nothing half loaded."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.errors import CustomerValueError
from orchestration.landing import batch, text_files
from orchestration.landing.load import load_landing, plan_landing
from orchestration.settings import Settings
from tests.unit.landing_folder import GOOD_LINE, HEADER, LandingFolder, order_line


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    folder = LandingFolder(tmp_path)
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    folder.load()
    folder.write_lines("order_lines_2.csv", order_line(order_id="2"))
    yield folder
    folder.con.close()


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        (
            duckdb.IOException('Could not write file "w.duckdb": No space left on device'),
            "Make room",
        ),
        (
            duckdb.OutOfMemoryException("could not allocate block of size 256.0 KiB"),
            "--memory-limit",
        ),
        (duckdb.FatalException("database has been invalidated"), "Make room"),
    ],
)
def test_a_machine_that_gives_out_stops_the_load_and_takes_the_batch_back(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch, error: Exception, way_out: str
) -> None:
    def give_out(*arguments: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(batch, "add_ledger_rows", give_out)
        with pytest.raises(CustomerValueError) as raised:
            folder.load()
    assert way_out in raised.value.way_out
    assert str(folder.settings.resolved_temp_dir) in raised.value.way_out

    assert folder.rows("order_id") == [("1001",)]
    assert folder.rows("path, status", "loaded_files") == [("order_lines_1.csv", "loaded")]
    assert folder.load().loaded_count == 1
    assert folder.rows("order_id") == [("1001",), ("2",)]


def test_a_scratch_folder_that_is_full_stops_the_load(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("order_lines_3.csv", f"{HEADER}\n{GOOD_LINE}\n", encoding="utf-16")

    def full(*arguments: Any) -> Iterator[bytes]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(text_files, "_utf8_chunks", full)
    with pytest.raises(CustomerValueError, match="No space left on device") as raised:
        folder.load()
    assert "--temp-dir" in raised.value.way_out


def test_a_kill_between_batch_and_settling_is_made_good_by_the_next_load(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_lines("order_lines_2.csv", GOOD_LINE, order_line(quantity="x"))

    def die(*arguments: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(batch, "settle_rejected_rows", die)
        with pytest.raises(KeyboardInterrupt):
            folder.load()

    assert not plan_landing(folder.con, folder.settings).is_up_to_date
    load = folder.load()

    assert (load.loaded_count, load.is_changed) == (0, True)
    assert plan_landing(folder.con, folder.settings).is_up_to_date
    assert folder.rows("order_id") == [("1001",), ("1001",)]
    assert folder.rejects() == [("order_lines_2.csv", 2, "quantity", "x", "not_a_number")]
    assert not folder.load().is_changed


def test_what_a_killed_load_left_in_the_scratch_folder_is_removed(folder: LandingFolder) -> None:
    scratch = folder.settings.resolved_temp_dir
    folder.load()
    others = [scratch / "landing-of-another" / "copy.txt", scratch / "spill.tmp"]
    owner = hashlib.sha256(str(folder.settings.resolved_data_dir).encode()).hexdigest()[:8]
    for path in (scratch / f"landing-{owner}-x" / "copy.txt", *others):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x", encoding="utf-8")
    folder.load()
    assert sorted(path for path in scratch.rglob("*") if path.is_file()) == sorted(others)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(mount)], capture_output=True
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_full_disk_is_told_and_the_warehouse_stays_as_it_was(
    tmp_path: Path, small_disk: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "order_lines_1.csv").write_text(f"{HEADER}\n{GOOD_LINE}\n", encoding="utf-8")
    settings = Settings(landing_dir=files, profile="canonical", data_dir=small_disk)
    with duckdb.connect(str(settings.warehouse_path)) as con:
        load_landing(con, settings)
        con.execute(
            "copy (select md5(range::varchar) as order_id, md5((-range)::varchar) as product_id, "
            "'2024-01-01' as ordered_at, 1 as quantity, 2 as unit_price from range(300000)) "
            f"to '{files / 'order_lines_2.csv'}' (format csv, header)"
        )
        with pytest.raises(CustomerValueError) as raised:
            load_landing(con, settings)
    assert str(small_disk) in raised.value.way_out
    with duckdb.connect(str(settings.warehouse_path)) as con:
        assert con.execute("select order_id from raw.order_lines").fetchall() == [("1001",)]
        assert con.execute("select path from raw.loaded_files").fetchall() == [
            ("order_lines_1.csv",)
        ]
