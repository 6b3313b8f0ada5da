"""Files that are still being written: a load leaves them alone, and a later one takes them."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from orchestration.errors import CustomerValueError
from orchestration.landing import load
from orchestration.landing.load import load_landing
from orchestration.landing.report import LoadReport
from tests.unit.landing_folder import GOOD_LINE, HEADER, LandingFolder, order_line

SETTLE_SECONDS = 60


@pytest.fixture
def folder(tmp_path: Path) -> LandingFolder:
    return LandingFolder(tmp_path)


def _age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def _load(folder: LandingFolder) -> LoadReport:
    return load_landing(folder.con, folder.settings, settle_seconds=SETTLE_SECONDS)


def test_a_young_file_waits_and_is_loaded_once_it_is_old_enough(folder: LandingFolder) -> None:
    _age(folder.write_lines("order_lines_1.csv", GOOD_LINE), 2 * SETTLE_SECONDS)
    young = folder.write_lines("order_lines_2.csv", order_line(order_id="1002"))

    report = _load(folder)

    assert (report.loaded_count, report.waiting) == (1, ("order_lines_2.csv",))
    assert report.failed == ()
    assert folder.rows("order_id") == [("1001",)]
    assert folder.rows("path", "loaded_files") == [("order_lines_1.csv",)]
    _age(young, 2 * SETTLE_SECONDS)
    report = _load(folder)
    assert (report.loaded_count, report.waiting) == (1, ())
    assert folder.rows("order_id") == [("1001",), ("1002",)]


def test_a_load_that_a_person_starts_takes_young_files(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    assert folder.load().loaded_count == 1


def test_what_a_young_file_gave_before_stays(folder: LandingFolder) -> None:
    path = folder.write_lines("order_lines_1.csv", GOOD_LINE)
    folder.load()
    path.write_text(f"{HEADER}\n{order_line(order_id='7')}\n")
    assert _load(folder).waiting == ("order_lines_1.csv",)
    assert folder.rows("order_id") == [("1001",)]


def test_a_time_in_the_future_says_nothing_of_age(folder: LandingFolder) -> None:
    path = folder.write_lines("order_lines_1.csv", GOOD_LINE)
    _age(path, -3600)
    assert _load(folder).loaded_count == 1


def test_a_copy_of_a_file_that_waits_is_loaded_in_its_place(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    _age(folder.write_lines("order_lines_2.csv", GOOD_LINE), 2 * SETTLE_SECONDS)
    report = _load(folder)
    assert report.waiting == ("order_lines_1.csv",)
    assert folder.rows("path, status", "loaded_files") == [("order_lines_2.csv", "loaded")]


def test_nothing_but_young_files_is_no_shop_without_orders(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_1.csv", GOOD_LINE)
    with pytest.raises(CustomerValueError, match=r"Every file in .* is still being written"):
        _load(folder)


@pytest.mark.parametrize("count", [1, 3])
def test_a_file_that_grows_while_it_is_read_waits(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Whatever was read of it is taken back; files of its batch are loaded."""
    for number in range(1, count + 1):
        folder.write_lines(f"order_lines_{number}.csv", order_line(order_id=str(number)))
    growing = folder.root / "order_lines_1.csv"
    opened = load.open_file

    def grow(con: Any, file: Any, scratch: Any) -> Any:
        found = opened(con, file, scratch)
        if file.path == growing:
            with growing.open("a") as target:
                target.write(order_line(order_id="late") + "\n")
        return found

    monkeypatch.setattr(load, "open_file", grow)
    report = folder.load()
    assert (report.waiting, report.failed) == (("order_lines_1.csv",), ())
    assert folder.rows("order_id") == [(str(number),) for number in range(2, count + 1)]
    monkeypatch.undo()
    folder.load()
    assert folder.rows("order_id")[-1] == ("late",)
    assert len(folder.rows("order_id")) == count + 1


def test_half_a_compressed_file_that_grows_on_is_no_failure(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    whole = gzip.compress(f"{HEADER}\n{GOOD_LINE}\n".encode())
    path = folder.write("order_lines_1.csv.gz", whole[:-10])
    opened = load.open_file

    def complete(con: Any, file: Any, scratch: Any) -> Any:
        try:
            return opened(con, file, scratch)
        finally:
            path.write_bytes(whole)

    monkeypatch.setattr(load, "open_file", complete)
    report = folder.load()
    assert (report.waiting, report.failed) == (("order_lines_1.csv.gz",), ())
    monkeypatch.undo()
    assert folder.load().loaded_count == 1
