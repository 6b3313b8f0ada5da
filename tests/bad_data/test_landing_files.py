"""Files that are not what they should be: each fails by name with a way out, the others load."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from orchestration.errors import CustomerValueError
from tests.unit.landing_folder import GOOD_LINE, HEADER, LandingFolder, order_line


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    """A folder with one good file, which loads whatever happens to the others."""
    folder = LandingFolder(tmp_path)
    folder.write_lines("order_lines_good.csv", GOOD_LINE)
    yield folder
    folder.con.close()


def _workbook(path: Path) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADER.split(","), GOOD_LINE.split(",")):
        sheet.append(row)
    book.save(path)
    return path.read_bytes()


def _parquet(folder: LandingFolder, path: Path, rows: int = 50_000) -> bytes:
    folder.con.execute(
        f"copy (select range::varchar as order_id, 'P' as product_id, '2024-01-01' as ordered_at, "
        f"1 as quantity, 2.5 as unit_price from range({rows})) to '{path}' (format parquet)"
    )
    return path.read_bytes()


def _assert_only_this_fails(folder: LandingFolder, name: str, *parts: str) -> None:
    load = folder.load()
    report = folder.report(name, load)
    assert [file.path for file in load.failed] == [name]
    assert load.rows_kept == 1
    assert folder.rows("order_id") == [("1001",)]
    for part in parts:
        assert part in str(report.error), report.error
    status, error = folder.con.execute(
        "select status, error from raw.loaded_files where path = $1", [name]
    ).fetchone() or ("", "")
    assert (status, error) == ("failed", report.error)


def test_a_missing_mandatory_column_is_named_with_what_is_there(folder: LandingFolder) -> None:
    folder.write("order_lines_bad.csv", "order_id,product_id,ordered_at,price\n1,2,2024-01-01,3\n")
    _assert_only_this_fails(
        folder, "order_lines_bad.csv", "quantity", "unit_price", "'price'", "profile canonical"
    )


def test_an_empty_file_is_named(folder: LandingFolder) -> None:
    folder.write("order_lines_bad.csv", "")
    _assert_only_this_fails(folder, "order_lines_bad.csv", "empty", "remove it")


def test_a_header_alone_loads_no_rows_and_is_no_failure(folder: LandingFolder) -> None:
    folder.write("order_lines_none.csv", HEADER)
    load = folder.load()
    report = folder.report("order_lines_none.csv", load)
    assert (report.action, report.rows_read, load.failed) == ("loaded", 0, ())


@pytest.mark.parametrize("name", ["order_lines_bad.csv", "order_lines_bad.parquet"])
def test_a_workbook_under_another_name_is_told(
    folder: LandingFolder, tmp_path: Path, name: str
) -> None:
    folder.write(name, _workbook(tmp_path / "book.xlsx"))
    _assert_only_this_fails(folder, name, "Excel workbook", "Rename it", ".xlsx")


@pytest.mark.parametrize("name", ["order_lines_bad.parquet", "order_lines_bad.xlsx"])
def test_text_under_another_name_is_told(folder: LandingFolder, name: str) -> None:
    folder.write_lines(name, order_line(order_id="7"))
    _assert_only_this_fails(folder, name, "is text", "Rename it", ".csv")


def test_parquet_named_csv_is_told(folder: LandingFolder, tmp_path: Path) -> None:
    folder.write("order_lines_bad.csv", _parquet(folder, tmp_path / "a.parquet"))
    _assert_only_this_fails(folder, "order_lines_bad.csv", "Parquet", ".parquet")


def test_gzip_without_its_ending_is_told(folder: LandingFolder) -> None:
    folder.write("order_lines_bad.csv", gzip.compress(HEADER.encode()))
    _assert_only_this_fails(folder, "order_lines_bad.csv", "gzip", ".csv.gz")


def test_plain_text_that_is_called_gz_is_told(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_bad.csv.gz", GOOD_LINE)
    _assert_only_this_fails(folder, "order_lines_bad.csv.gz", "not compressed", "Rename it")


def test_a_truncated_parquet_file_is_told(folder: LandingFolder, tmp_path: Path) -> None:
    whole = _parquet(folder, tmp_path / "a.parquet")
    folder.write("order_lines_bad.parquet", whole[: len(whole) // 2])
    _assert_only_this_fails(folder, "order_lines_bad.parquet", "cut short", "again")


def test_a_parquet_file_with_damaged_pages_is_told(folder: LandingFolder, tmp_path: Path) -> None:
    damaged = bytearray(_parquet(folder, tmp_path / "a.parquet"))
    damaged[1000:60_000] = b"\xff" * 59_000
    folder.write("order_lines_bad.parquet", bytes(damaged))
    _assert_only_this_fails(folder, "order_lines_bad.parquet", "cannot be read", "damaged")


def test_a_truncated_workbook_is_told(folder: LandingFolder, tmp_path: Path) -> None:
    whole = _workbook(tmp_path / "book.xlsx")
    folder.write("order_lines_bad.xlsx", whole[: len(whole) // 2])
    _assert_only_this_fails(folder, "order_lines_bad.xlsx", "cannot be opened", "cut short")


def test_a_truncated_gzip_file_is_told_and_nothing_of_it_loads(folder: LandingFolder) -> None:
    lines = "\n".join([HEADER, *(order_line(order_id=str(n)) for n in range(5000))])
    whole = gzip.compress(lines.encode())
    folder.write("order_lines_bad.csv.gz", whole[: len(whole) * 3 // 4])
    _assert_only_this_fails(folder, "order_lines_bad.csv.gz", "cut short", "again")


def test_a_name_that_stands_twice_in_the_header_is_told_when_it_is_needed(
    folder: LandingFolder,
) -> None:
    folder.write_lines("order_lines_bad.csv", f"{GOOD_LINE},3", header=f"{HEADER},Quantity")
    _assert_only_this_fails(folder, "order_lines_bad.csv", "quantity", "more than once", "Rename")


def test_a_name_that_stands_twice_but_is_not_needed_is_no_harm(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_notes.csv", f"{GOOD_LINE},a,b", header=f"{HEADER},note,note")
    assert folder.report("order_lines_notes.csv").rows_kept == 1


def test_a_file_that_cannot_be_read_is_told(folder: LandingFolder) -> None:
    (folder.root / "order_lines_bad.csv").symlink_to(folder.root / "nowhere.csv")
    _assert_only_this_fails(folder, "order_lines_bad.csv", "cannot be read", "Check that it exists")


def test_a_file_without_permission_is_told(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.write_lines("order_lines_bad.csv", GOOD_LINE)
    opened = Path.open

    def refuse(self: Path, *args: Any, **options: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    _assert_only_this_fails(folder, "order_lines_bad.csv", "Permission denied", "may read it")


def test_a_file_that_vanishes_between_hashing_and_reading_is_told(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.write_lines("order_lines_bad.csv", GOOD_LINE + "x")
    from orchestration.landing import load

    opened = load.open_file

    def vanish(con: Any, file: Any, scratch: Any) -> Any:
        path.unlink(missing_ok=True)
        return opened(con, file, scratch)

    monkeypatch.setattr(load, "open_file", vanish)
    _assert_only_this_fails(folder, "order_lines_bad.csv", "cannot be read")


def test_lines_in_another_encoding_are_set_aside_with_the_way_out(folder: LandingFolder) -> None:
    text = "\n".join([HEADER, GOOD_LINE, order_line(product_name="Tasse für Zwei"), GOOD_LINE])
    folder.write("order_lines_latin.csv", text, encoding="latin-1")

    report = folder.report("order_lines_latin.csv")

    assert (report.rows_kept, report.rows_rejected) == (2, 1)
    assert folder.rejects() == [("order_lines_latin.csv", 2, None, None, "invalid_encoding")]
    assert "latin-1" in report.rejects[0].message


def test_utf_16_without_its_mark_is_told(folder: LandingFolder) -> None:
    folder.write("order_lines_bad.csv", f"{HEADER}\n{GOOD_LINE}\n", encoding="utf-16-le")
    _assert_only_this_fails(folder, "order_lines_bad.csv", "UTF-16", "encoding: utf-16")


def test_one_bad_file_among_many_good_ones_is_found(folder: LandingFolder, tmp_path: Path) -> None:
    for number in range(20):
        path = folder.root / f"order_lines_{number:02}.parquet"
        _parquet(folder, path, rows=100 + number)
    damaged = bytearray((folder.root / "order_lines_07.parquet").read_bytes())
    damaged[4:400] = b"\xff" * 396
    folder.write("order_lines_07.parquet", bytes(damaged))

    load = folder.load()

    assert [file.path for file in load.failed] == ["order_lines_07.parquet"]
    assert load.loaded_count == 20
    assert load.rows_kept == 1 + sum(100 + number for number in range(20) if number != 7)


def test_a_failed_file_is_tried_again_and_loads_when_it_is_put_right(
    folder: LandingFolder,
) -> None:
    folder.write("order_lines_bad.csv", "nothing\n1\n")
    assert len(folder.load().failed) == 1
    again = folder.load()
    assert [file.path for file in again.failed] == ["order_lines_bad.csv"]
    assert not again.is_changed
    assert folder.rows("count(*)", "loaded_files") == [(2,)]

    folder.write_lines("order_lines_bad.csv", order_line(order_id="1002"))
    load = folder.load()
    assert (load.loaded_count, load.failed) == (1, ())
    assert folder.rows("path, status", "loaded_files") == [
        ("order_lines_bad.csv", "loaded"),
        ("order_lines_good.csv", "loaded"),
    ]


def test_a_changed_file_that_fails_keeps_its_earlier_rows(folder: LandingFolder) -> None:
    folder.write_lines("order_lines_a.csv", order_line(order_id="7"))
    folder.load()
    folder.write_lines("order_lines_a.csv", order_line(order_id="8", quantity="x"))

    load = folder.load()

    assert [file.path for file in load.failed] == ["order_lines_a.csv"]
    assert not load.is_changed
    assert folder.rows("order_id") == [("1001",), ("7",)]
    assert folder.rows("path, status, rows_kept", "loaded_files") == [
        ("order_lines_a.csv", "failed", 0),
        ("order_lines_a.csv", "loaded", 1),
        ("order_lines_good.csv", "loaded", 1),
    ]


def test_a_folder_without_files_is_told_with_the_patterns(tmp_path: Path) -> None:
    folder = LandingFolder(tmp_path)
    folder.write("notes.pdf", b"%PDF")
    with pytest.raises(CustomerValueError) as raised:
        folder.load()
    assert str(folder.root) in raised.value.problem
    assert "order_lines*" in raised.value.problem
    assert "notes.pdf" in raised.value.problem
    assert "--profile" in raised.value.way_out


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    folder = LandingFolder(tmp_path)
    folder.root.rmdir()
    with pytest.raises(CustomerValueError, match=r"does not exist.*--landing"):
        folder.load()


def test_a_folder_with_the_name_of_a_file_is_no_harm(folder: LandingFolder) -> None:
    (folder.root / "order_lines_dir.csv").mkdir()
    load = folder.load()
    assert (load.loaded_count, load.failed) == (1, ())


def test_copies_of_a_file_that_fails_are_read_once_instead_of_it(folder: LandingFolder) -> None:
    for name in ("order_lines_a.csv.gz", "order_lines_b.csv", "order_lines_c.csv"):
        folder.write_lines(name, order_line(order_id="7"))

    load = folder.load()

    assert [file.path for file in load.failed] == ["order_lines_a.csv.gz"]
    assert folder.report("order_lines_b.csv", load).action == "loaded"
    assert folder.report("order_lines_c.csv", load).action == "duplicate_content"
    assert "order_lines_b.csv" in str(folder.report("order_lines_c.csv", load).error)
    assert folder.rows("order_id") == [("1001",), ("7",)]


def test_folders_that_lead_in_a_circle_are_walked_once(folder: LandingFolder) -> None:
    (folder.root / "more").mkdir()
    (folder.root / "more" / "again").symlink_to(folder.root)
    folder.write_lines("more/order_lines.csv", order_line(order_id="7"))
    assert folder.load().loaded_count == 2


def test_a_folder_that_cannot_be_listed_is_told(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder.root / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(closed))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CustomerValueError, match="cannot be listed") as raised:
        folder.load()
    assert str(closed) in raised.value.problem


def test_a_file_whose_name_is_no_text_is_told(folder: LandingFolder) -> None:
    os.close(os.open(os.fsencode(folder.root) + b"/order_lines_\xff.csv", os.O_CREAT))
    with pytest.raises(CustomerValueError, match="Rename the file"):
        folder.load()
