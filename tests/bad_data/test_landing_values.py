"""Values that a landing file should not hold: each is set aside with its place and a way out."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.landing_folder import GOOD_LINE, HEADER, LandingFolder, order_line


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    folder = LandingFolder(tmp_path)
    yield folder
    folder.con.close()


@pytest.mark.parametrize(
    ("column", "value", "reason", "way_out"),
    [
        ("quantity", "1e30", "number_out_of_range", "plus or minus 1000000000"),
        ("quantity", "1000000001", "number_out_of_range", "plus or minus 1000000000"),
        ("quantity", "1.5", "not_a_whole_number", "smaller unit in the profile"),
        ("quantity", "two", "not_a_number", "expression in the profile"),
        ("quantity", "nan", "not_a_number", "plain number"),
        ("quantity", "inf", "not_a_number", "plain number"),
        ("quantity", "1_000", "not_a_number", "thousands separators"),
        ("quantity", "", "missing_value", "Fill it in"),
        ("quantity", "   ", "missing_value", "Fill it in"),
        ("unit_price", '"1,234.50"', "not_a_number", "thousands separators"),
        ("unit_price", "1.234.50", "not_a_number", "thousands separators"),
        ("unit_price", "€ 5.00", "not_a_number", "currency signs"),
        ("unit_price", "$5", "not_a_number", "currency signs"),
        ("unit_price", "5 USD", "not_a_number", "currency signs"),
        ("unit_price", "-0.01", "number_out_of_range", "from 0 to below"),
        ("unit_price", "1e9", "number_out_of_range", "from 0 to below"),
        ("unit_price", "1e30", "number_out_of_range", "from 0 to below"),
        ("ordered_at", "1900-01-01", "date_out_of_range", "valid_dates"),
        ("ordered_at", "2999-12-31 23:59:59", "date_out_of_range", "valid_dates"),
        ("ordered_at", "2100-01-01", "date_out_of_range", "valid_dates"),
        ("ordered_at", "31.03.2024 18:05", "not_a_timestamp", "timestamp_formats"),
        ("ordered_at", "2024-02-30", "not_a_timestamp", "timestamp_formats"),
        ("ordered_at", "infinity", "not_a_timestamp", "timestamp_formats"),
        ("ordered_at", "45352.75", "not_a_timestamp", "timestamp_formats"),
        ("order_id", "", "missing_value", "map another column"),
        ("order_id", "10\0 01", "nul_character", "encoding"),
        ("product_name", "Cup\0", "nul_character", "encoding"),
    ],
)
def test_a_value_that_is_none_is_set_aside_with_its_place(
    folder: LandingFolder, column: str, value: str, reason: str, way_out: str
) -> None:
    folder.write_lines("order_lines.csv", GOOD_LINE, order_line(**{column: value}), GOOD_LINE)

    report = folder.report("order_lines.csv")

    plain = value.strip().strip('"') or None
    assert (report.action, report.rows_read) == ("loaded", 3)
    assert (report.rows_kept, report.rows_rejected) == (2, 1)
    assert folder.rejects() == [("order_lines.csv", 2, column, plain, reason)]
    assert len(folder.rows("order_id")) == 2
    (message,) = folder.con.execute("select message from raw.rejected_rows").fetchone() or ("",)
    assert way_out in message
    assert column in message
    assert plain is None or f"'{plain}'" in message


def test_an_amount_that_no_sum_could_hold_is_set_aside(folder: LandingFolder) -> None:
    huge = order_line(quantity="1000000", unit_price="1000000")
    folder.write_lines("order_lines.csv", GOOD_LINE, huge)

    assert folder.report("order_lines.csv").rows_rejected == 1
    assert folder.rejects() == [
        ("order_lines.csv", 2, "unit_price", "1000000", "amount_out_of_range")
    ]


def test_the_original_row_is_kept_as_json(folder: LandingFolder) -> None:
    folder.write_lines(
        "order_lines.csv", GOOD_LINE, order_line(quantity="x", product_name='"a ""b"""')
    )
    folder.load()

    row = folder.con.execute(
        "select row_json->>'order_id', row_json->>'quantity', row_json->>'product_name' "
        "from raw.rejected_rows"
    ).fetchone()

    assert row == ("1001", "x", 'a "b"')


def test_money_of_rejected_rows_is_counted_where_it_can_be(folder: LandingFolder) -> None:
    folder.write_lines(
        "order_lines.csv",
        GOOD_LINE,  # 19.80
        order_line(ordered_at="never"),  # 19.80, rejected
        order_line(unit_price="-3"),  # -6.00, rejected
        order_line(quantity="1e30"),  # cannot be computed
    )

    report = folder.report("order_lines.csv")

    assert (report.money_read, report.money_kept, report.money_rejected) == (
        Decimal("33.6"),
        Decimal("19.8"),
        Decimal("13.8"),
    )


def test_a_status_that_is_not_known_is_set_aside(folder: LandingFolder) -> None:
    header = f"{HEADER},status"
    folder.write_lines(
        "order_lines.csv", f"{GOOD_LINE},Refunded", f"{GOOD_LINE},paid", header=header
    )
    folder.load()

    assert folder.rows("status") == [("refunded",)]
    assert folder.rejects() == [("order_lines.csv", 2, "status", "paid", "unknown_value")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1002,P1,2024-03-01,2", "too_few_columns"),
        (GOOD_LINE + ",x" * 20, "too_many_columns"),
        ('1002,P1,2024-03-01,2,"9"9,C1,Cup', "broken_quotes"),
    ],
)
def test_a_line_that_is_no_record_is_set_aside_and_numbers_stay_right(
    folder: LandingFolder, line: str, reason: str
) -> None:
    folder.write_lines("order_lines.csv", GOOD_LINE, line, GOOD_LINE, order_line(quantity="x"))

    report = folder.report("order_lines.csv")

    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (4, 2, 2)
    assert folder.rejects() == [
        ("order_lines.csv", 2, None, None, reason),
        ("order_lines.csv", 4, "quantity", "x", "not_a_number"),
    ]
    (text,) = folder.con.execute(
        "select row_json->>'line' from raw.rejected_rows where column_name is null"
    ).fetchone() or ("",)
    assert text == line


def test_twenty_columns_too_many_in_every_line_are_no_harm(folder: LandingFolder) -> None:
    more = [f"extra{number}" for number in range(20)]
    folder.write_lines(
        "order_lines.csv",
        ",".join([GOOD_LINE, *more]),
        header=",".join([HEADER, *more]),
    )

    assert folder.report("order_lines.csv").rows_kept == 1
    assert folder.rows("order_id, quantity") == [("1001", 2)]


def test_a_delimiter_and_a_newline_inside_quotes_belong_to_the_value(
    folder: LandingFolder,
) -> None:
    names = ['"Cup, small"', '"Cup\nof two, ""lines"""', '"9,9,9\n1,2,3\n"']
    folder.write_lines("order_lines.csv", *(order_line(product_name=name) for name in names))

    assert folder.report("order_lines.csv").rows_kept == 3
    assert folder.rows("product_name") == [
        ("9,9,9\n1,2,3",),
        ('Cup\nof two, "lines"',),
        ("Cup, small",),
    ]


def test_newlines_inside_quotes_are_right_in_a_file_that_is_read_in_parallel(
    folder: LandingFolder,
) -> None:
    # Each value looks like records of its own wherever a reader starts in the middle.
    value = '"' + "".join(f"{GOOD_LINE}\n" for _ in range(300)) + '"'
    line = order_line(product_name=value)
    folder.write_lines("order_lines.csv", *[line] * 3000)

    report = folder.report("order_lines.csv")

    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (3000, 3000, 0)


def test_a_quote_that_is_never_closed_fails_the_file(folder: LandingFolder) -> None:
    folder.write_lines(
        "order_lines.csv", GOOD_LINE, order_line(product_name='"Cup'), GOOD_LINE, GOOD_LINE
    )

    report = folder.report("order_lines.csv")

    assert report.action == "failed"
    assert "record 2" in str(report.error)
    assert "quote" in str(report.error)
    assert folder.rows("order_id") == []


def test_a_file_whose_every_record_is_rejected_fails_with_its_first_example(
    folder: LandingFolder,
) -> None:
    folder.write_lines(
        "order_lines_1.csv",
        order_line(quantity="x"),
        *[order_line(ordered_at="03/31/2024 10:00")] * 3,
    )
    folder.write_lines("order_lines_2.csv", GOOD_LINE)

    load = folder.load()
    report = folder.report("order_lines_1.csv", load)

    assert report.action == "failed"
    for part in (
        "4 records",
        "3 of them",
        "record 2",
        "ordered_at",
        "'03/31/2024 10:00'",
        "timestamp_formats",
    ):
        assert part in str(report.error)
    assert folder.report("order_lines_2.csv", load).rows_kept == 1
    assert folder.rejects() == []


def test_rejects_of_several_files_keep_their_own_numbers(folder: LandingFolder) -> None:
    bad = order_line(quantity="x")
    folder.write_lines("order_lines_1.csv", GOOD_LINE, "1,2", bad)
    folder.write_lines("order_lines_2.csv", bad, GOOD_LINE, "1,2", "1,2,3", GOOD_LINE, bad)
    folder.load()

    assert [reject[:2] for reject in folder.rejects()] == [
        ("order_lines_1.csv", 2),
        ("order_lines_1.csv", 3),
        ("order_lines_2.csv", 1),
        ("order_lines_2.csv", 3),
        ("order_lines_2.csv", 4),
        ("order_lines_2.csv", 6),
    ]


def test_a_last_quote_that_is_never_closed_loses_no_lines_silently(folder: LandingFolder) -> None:
    # A stray quote inside a value and newlines inside quotes hide the open one from counting.
    folder.write_lines(
        "order_lines.csv",
        order_line(product_name='5" plate'),
        order_line(product_name='"Cup\nof two"'),
        GOOD_LINE,
        order_line(product_name='"Cup'),
        GOOD_LINE,
    )

    report = folder.report("order_lines.csv")

    assert report.action == "failed"
    assert "A quote that opens in record 4 is never closed" in str(report.error)


def test_a_quote_inside_a_value_is_no_harm(folder: LandingFolder) -> None:
    folder.write_lines("order_lines.csv", order_line(product_name='5" plate'), GOOD_LINE)
    assert folder.report("order_lines.csv").rows_kept == 2
    assert folder.rows("product_name") == [('5" plate',), ("Cup",)]


def test_a_line_that_is_too_long_is_set_aside(folder: LandingFolder) -> None:
    folder.write_lines(
        "order_lines.csv",
        GOOD_LINE,
        order_line(product_name="x" * 3_000_000),
        order_line(quantity="x"),
    )
    assert folder.report("order_lines.csv").rows_kept == 1
    assert folder.rejects() == [
        ("order_lines.csv", 2, None, None, "line_too_long"),
        ("order_lines.csv", 3, "quantity", "x", "not_a_number"),
    ]


@pytest.mark.parametrize("outside", ["\n", "\r\n"])
@pytest.mark.parametrize("inside", ["\n", "\r\n"])
def test_line_ends_may_differ_inside_and_outside_of_quotes(
    folder: LandingFolder, outside: str, inside: str
) -> None:
    name = f'"Cup{inside}of two"'
    lines = [HEADER, GOOD_LINE, order_line(product_name=name), GOOD_LINE]
    folder.write("order_lines.csv", outside.join(lines) + outside)
    assert folder.report("order_lines.csv").rows_kept == 3
    names = [row[0].replace("\r\n", "\n") for row in folder.rows("product_name")]
    assert names == ["Cup", "Cup", "Cup\nof two"]


def test_line_ends_may_change_within_a_file_with_quoted_newlines(folder: LandingFolder) -> None:
    quoted = order_line(product_name='"Cup\nof two"')
    folder.write("order_lines.csv", f"{HEADER}\r\n{GOOD_LINE}\n{quoted}\r\n{GOOD_LINE}\n")
    assert folder.report("order_lines.csv").rows_kept == 3


def test_a_profile_may_widen_or_narrow_the_dates(folder: LandingFolder, tmp_path: Path) -> None:
    profile = tmp_path / "own.yml"
    profile.write_text(
        "name: own\ndescription: d\nvalid_dates: {first: 2024-01-01, before: 2024-07-01}\n"
        "files: [{dataset: order_lines, pattern: '*.csv'}]\n",
        encoding="utf-8",
    )
    dates = ("2023-12-31 23:59:59", "2024-01-01", "2024-06-30 23:59:59", "2024-07-01")
    folder.write_lines("a.csv", *(order_line(ordered_at=date) for date in dates))
    folder.load(profile=str(profile))
    assert [(reject[1], reject[4]) for reject in folder.rejects()] == [
        (1, "date_out_of_range"),
        (4, "date_out_of_range"),
    ]
