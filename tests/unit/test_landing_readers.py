"""Every format and encoding gives the same rows; odd but legal files are read right."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from tests.unit.landing_folder import GOOD_LINE, HEADER, LandingFolder, order_line

NAMES = HEADER.split(",")
LINES = [
    GOOD_LINE,
    order_line(order_id="1002", product_name="Tasse für Zwei 杯", unit_price="0.001"),
]
TEXT = "\n".join([HEADER, *LINES]) + "\n"
EXPECTED = [
    ("1001", "P1", datetime(2024, 3, 1, 10), 2, "9.9000", "C1", "Cup"),
    ("1002", "P1", datetime(2024, 3, 1, 10), 2, "0.0010", "C1", "Tasse für Zwei 杯"),
]
SHOWN = "order_id, product_id, ordered_at, quantity, unit_price::varchar, customer_id, product_name"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    folder = LandingFolder(tmp_path)
    yield folder
    folder.con.close()


def _profile(folder: LandingFolder, **keys: object) -> str:
    """Write a profile whose only entry has these keys; return its path."""
    entry = {"dataset": "order_lines", "pattern": "order_lines*", **keys}
    profile = {"name": "own", "description": "own", "files": [entry]}
    path = folder.root.parent / "own.yml"
    path.write_text(json.dumps(profile), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.replace("\n", "\r\n", 1),
        TEXT.rstrip("\n"),
        "\n\n" + TEXT,
        TEXT.replace("1002", "\n1002") + "\n\n",
        TEXT.replace("1001,", '"1001",').replace("Cup", '"Cup"'),
        TEXT.replace(",", ";"),
        TEXT.replace(",", "\t"),
        TEXT.replace(",", "|"),
        TEXT.replace("order_id", " Order_ID ").replace("quantity", "QUANTITY"),
        TEXT.replace("1001", " 1001.0\t").replace(",2,", ", 2.0 ,"),
    ],
    ids=[
        "plain", "bom", "crlf", "cr", "mixed ends", "no last end", "blank lines first",
        "blank lines between", "quoted", "semicolon", "tab", "pipe", "header in other case",
        "blanks and decimals",
    ],
)  # fmt: skip
def test_csv_in_its_many_ways(folder: LandingFolder, content: str) -> None:
    folder.write("order_lines.csv", content)
    report = folder.report("order_lines.csv")
    assert (report.error, report.rows_read) == (None, 2)
    assert folder.rows(SHOWN) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "gb18030", "utf-8"])
@pytest.mark.parametrize("compressed", [False, True])
def test_encodings(folder: LandingFolder, encoding: str, compressed: bool) -> None:
    content = TEXT.replace("ü", "u").encode(encoding)
    name = "order_lines.csv" + (".gz" if compressed else "")
    folder.write(name, gzip.compress(content) if compressed else content)
    report = folder.report(name, folder.load(profile=_profile(folder, encoding=encoding)))
    assert report.error is None
    assert folder.rows("product_name") == [("Cup",), ("Tasse fur Zwei 杯",)]
    assert list(folder.settings.resolved_temp_dir.glob("*")) == []


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_single_byte_encodings(folder: LandingFolder, encoding: str) -> None:
    folder.write("order_lines.csv", TEXT.replace("杯", ""), encoding=encoding)
    folder.load(profile=_profile(folder, encoding=encoding))
    assert folder.rows("product_name") == [("Cup",), ("Tasse für Zwei",)]


def test_utf_16_with_its_mark_needs_no_profile(folder: LandingFolder) -> None:
    folder.write("order_lines.csv", TEXT, encoding="utf-16")
    folder.load()
    assert folder.rows(SHOWN) == EXPECTED


def test_bytes_that_an_encoding_does_not_know_set_one_line_aside(folder: LandingFolder) -> None:
    bad = order_line(product_name="X").encode() + b"\xff\n"
    folder.write("order_lines.csv", TEXT.encode("gb18030", "replace") + bad)
    report = folder.report(
        "order_lines.csv", folder.load(profile=_profile(folder, encoding="gb18030"))
    )
    assert (report.rows_kept, report.rows_rejected) == (2, 1)
    assert folder.rejects() == [("order_lines.csv", 3, None, None, "invalid_encoding")]


def test_parquet_typed_or_text_is_the_same(folder: LandingFolder) -> None:
    folder.write("source.txt", TEXT)
    source = f"read_csv('{folder.root / 'source.txt'}', header = true, all_varchar = %s)"
    for name, as_text in (("order_lines_1.parquet", "true"), ("order_lines_2.parquet", "false")):
        folder.con.execute(
            f"copy (from {source % as_text}) to '{folder.root / name}' (format parquet)"
        )
    load = folder.load()
    assert load.rows_kept == 4
    assert folder.rows(SHOWN) == sorted(EXPECTED * 2)


def test_a_workbook_gives_whole_numbers_dates_and_blanks_as_meant(folder: LandingFolder) -> None:
    book = openpyxl.Workbook()
    other = book.active
    assert other is not None
    other.append(["nothing"])
    sheet = book.create_sheet("orders")
    sheet.append([])
    sheet.append(NAMES)
    sheet.append([1001, "P1", datetime(2024, 3, 1, 10), 2, 9.9, "C1", "Cup"])
    sheet.append([None] * 7)
    sheet.append(["1002", "P1", "2024-03-01T10:00", "2", 0.001, "C1", "Tasse für Zwei 杯"])
    sheet.append([1003, 22423, datetime(2024, 3, 1, 23, 59, 59), "x", 1, 17850.0, None])
    book.save(folder.root / "order_lines.xlsx")

    report = folder.report(
        "order_lines.xlsx", folder.load(profile=_profile(folder, sheet="orders"))
    )

    assert (report.rows_kept, report.rows_rejected) == (2, 1)
    assert folder.rows(SHOWN) == EXPECTED
    assert folder.rejects() == [("order_lines.xlsx", 3, "quantity", "x", "not_a_number")]
    row = folder.con.execute("select row_json from raw.rejected_rows").fetchone()
    assert row is not None
    assert json.loads(row[0]) == dict(
        zip(NAMES, ["1003", "22423", "2024-03-01 23:59:59", "x", "1", "17850", None], strict=True)
    )


def test_a_sheet_that_is_not_there_is_told(folder: LandingFolder) -> None:
    openpyxl.Workbook().save(folder.root / "order_lines.xlsx")
    report = folder.report(
        "order_lines.xlsx", folder.load(profile=_profile(folder, sheet="orders"))
    )
    assert "no sheet 'orders'; it has: Sheet" in str(report.error)


def test_json_lines_with_numbers_missing_keys_and_broken_lines(folder: LandingFolder) -> None:
    first = dict(zip(NAMES, [1001, "P1", "2024-03-01T10:00:00Z", 2, 9.9, "C1", "Cup"], strict=True))
    second = {**first, "order_id": "1002", "unit_price": "0.001", "product_name": None}
    third = {**first, "order_id": "1003", "country": "FR", "extra": {"a": [1]}}
    del third["customer_id"]
    lines = [json.dumps(record) for record in (first, second, third)]
    folder.write(
        "order_lines.jsonl", "\n".join([lines[0], "{broken", "", lines[1], "[1]", lines[2]])
    )

    report = folder.report("order_lines.jsonl")

    assert (report.rows_kept, report.rows_rejected) == (3, 2)
    assert folder.rows("order_id, unit_price::varchar, customer_id, product_name, country") == [
        ("1001", "9.9000", "C1", "Cup", None),
        ("1002", "0.0010", "C1", None, None),
        ("1003", "9.9000", None, "Cup", "FR"),
    ]
    assert [reject[1:] for reject in folder.rejects()] == [
        (2, None, None, "invalid_json"),
        (4, None, None, "invalid_json"),
    ]


def test_a_key_that_first_comes_late_in_json_lines_is_found(folder: LandingFolder) -> None:
    record = dict(zip(NAMES, GOOD_LINE.split(","), strict=True))
    lines = [json.dumps(record)] * 1500 + [json.dumps({**record, "country": "FR"})]
    folder.write("order_lines.jsonl.gz", gzip.compress("\n".join(lines).encode()))
    folder.load()
    assert folder.rows("count(country)") == [(1,)]


def test_a_json_array_is_told(folder: LandingFolder) -> None:
    folder.write("order_lines.jsonl", json.dumps([{"order_id": 1}], indent=1))
    assert "one object per line" in str(folder.report("order_lines.jsonl").error).lower()


def test_fixed_width_fields_by_place(folder: LandingFolder) -> None:
    places = [("order_id", 1, 4), ("product_id", 5, 3), ("ordered_at", 8, 10), ("quantity", 18, 3)]
    fields = [{"name": n, "start": s, "length": w} for n, s, w in [*places, ("unit_price", 21, 6)]]
    folder.write("order_lines.dat", "1001P1 2024-03-01  2  9.90\n1002P2 2024-03-02 -1  1.00\n")
    folder.load(profile=_profile(folder, format="fixed_width", fixed_fields=fields))
    assert folder.rows("order_id, product_id, quantity, unit_price::varchar") == [
        ("1001", "P1", 2, "9.9000"),
        ("1002", "P2", -1, "1.0000"),
    ]


def test_a_file_without_header_has_named_or_numbered_columns(folder: LandingFolder) -> None:
    folder.write("order_lines.csv", "\n".join(LINES))
    folder.load(profile=_profile(folder, header=False, column_names=NAMES))
    assert folder.rows(SHOWN) == EXPECTED

    columns = {name: f"column{number}" for number, name in enumerate(NAMES, start=1)}
    folder.load(profile=_profile(folder, header=False, columns=columns))
    assert folder.rows(SHOWN) == EXPECTED


def test_columns_may_change_places_between_files(folder: LandingFolder) -> None:
    folder.write("order_lines_1.csv", "\n".join([HEADER, LINES[0]]))
    swapped = [",".join(reversed(line.split(","))) for line in (HEADER, LINES[1])]
    folder.write("order_lines_2.csv", "\n".join(swapped))
    assert folder.load().failed == ()
    assert folder.rows(SHOWN) == EXPECTED


def test_names_that_mean_something_to_a_shell_are_plain_names(folder: LandingFolder) -> None:
    names = ["order_lines[1].csv", "order_lines1.csv", "order_lines*.csv", "order_lines 'é'?.csv"]
    for number, name in enumerate(names):
        folder.write_lines(name, order_line(order_id=str(number)), order_line(quantity="x"), "1,2")
    load = folder.load()
    assert (load.loaded_count, load.rows_kept, load.rows_rejected) == (4, 4, 8)
    assert folder.rows("order_id") == [("0",), ("1",), ("2",), ("3",)]
    assert {reject[0] for reject in folder.rejects()} == set(names)


def test_record_numbers_are_right_in_files_that_are_read_in_pieces(folder: LandingFolder) -> None:
    for name, count in (("order_lines_1.csv", 400_000), ("order_lines_2.csv", 150_000)):
        folder.con.execute(
            f"copy (select range + 1 as order_id, 'P' as product_id, '2024-01-01' as ordered_at, "
            f"case when range % 50000 = 49999 then 'x' else '1' end as quantity, 1 as unit_price, "
            f"repeat('n', 60) as product_name from range({count})) "
            f"to '{folder.root / name}' (format csv, header)"
        )
    load = folder.load()
    assert (load.rows_kept, load.rows_rejected) == (549_989, 11)
    numbers = folder.rows("path, row_number, (row_json->>'order_id')::bigint", "rejected_rows")
    assert [number for _, number, _ in numbers] == [order_id for *_, order_id in numbers]
    assert len(numbers) == 11
