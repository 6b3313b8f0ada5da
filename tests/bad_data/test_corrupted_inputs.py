"""Files as they go wrong in practice, each with the check that catches it.

A shop of five months with a hundred orders a day is written, one thing in its files is spoiled, and
the files are loaded. What catches it is a landing rule (the rows are rejected, or the file is), an
expectation, a check of the landing or a test of dbt, for which the models it reads are built.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.landing.rejects import REASONS
from tests.spoiled_shop import LandedShop

Files = dict[str, list[str]]
Edit = Callable[[Files], None]

HEADER = (
    "order_id,line_number,product_id,product_name,ordered_at,quantity,unit_price,customer_id,"
    "status,currency,paid_at"
)
FIRST_DAY = date(2024, 1, 1)
DAYS = 150
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
LAST_FILE = "order_lines_2024-05.csv"
MIDDLE_FILE = "order_lines_2024-03.csv"


def _line(day: date, number: int) -> str:
    """One order of one line; who orders what repeats, so that figures stay as they are."""
    customer = f"c{number % 60 if number % 2 else 60 + (number * 7 + day.toordinal()) % 400}"
    return (
        f"{day:%y%m%d}{number:03},1,P{number % 20},Cup {number % 20},{day} 10:{number % 60:02}:00,"
        f"{1 + number % 3},{5 + number % 20}.50,{customer},,EUR,{day} 11:00:00"
    )


def _files(days: int = DAYS, orders: int = 100) -> Files:
    """A sound shop: a file for each month."""
    files: Files = {}
    for offset in range(days):
        day = FIRST_DAY + timedelta(days=offset)
        lines = files.setdefault(f"order_lines_{day:%Y-%m}.csv", [HEADER])
        lines += [_line(day, number) for number in range(orders)]
    return files


def _set(column: str, value: str | Callable[[str], str], every: int = 1, name: str = "") -> Edit:
    """Change a column of some lines of one file, or of all."""

    def edit(files: Files) -> None:
        place = HEADER.split(",").index(column)
        for file in [name] if name else sorted(files):
            for number in range(1, len(files[file]), every):
                fields = files[file][number].split(",")
                fields[place] = value(fields[place]) if callable(value) else value
                files[file][number] = ",".join(fields)

    return edit


def _set_day(column: str, value: str | Callable[[str], str], day: date = LAST_DAY) -> Edit:
    """Change a column of the lines of one day."""

    def edit(files: Files) -> None:
        place = HEADER.split(",").index(column)
        for lines in files.values():
            for number, line in enumerate(lines):
                fields = line.split(",")
                if fields[4].startswith(str(day)):
                    fields[place] = value(fields[place]) if callable(value) else value
                    lines[number] = ",".join(fields)

    return edit


def _swap(one: str, other: str) -> Edit:
    """Two columns stand in each other's place, under the old header."""

    def edit(files: Files) -> None:
        places = [HEADER.split(",").index(column) for column in (one, other)]
        for lines in files.values():
            for number in range(1, len(lines)):
                fields = lines[number].split(",")
                fields[places[0]], fields[places[1]] = fields[places[1]], fields[places[0]]
                lines[number] = ",".join(fields)

    return edit


def _add(name: str, *lines: str) -> Edit:
    """Another file."""

    def edit(files: Files) -> None:
        files[name] = list(lines)

    return edit


def _without_day(day: date, every: int = 1) -> Edit:
    """Some of the orders of a day, or all, are not delivered."""

    def edit(files: Files) -> None:
        for name, lines in files.items():
            of_day = [line for line in lines if f",{day} " in line]
            gone = set(of_day[::every])
            files[name] = [line for line in lines if line not in gone]

    return edit


def _order_twice(files: Files) -> None:
    files[LAST_FILE].append(files[LAST_FILE][-1].replace(".50,", ".75,"))


def _file_twice(files: Files) -> None:
    files["order_lines_copy.csv"] = list(files[MIDDLE_FILE])


def _file_twice_with_new_prices(files: Files) -> None:
    files["order_lines_copy.csv"] = [line.replace(".50,", ".75,") for line in files[MIDDLE_FILE]]


def _day_twice(files: Files) -> None:
    lines = [line for line in files[LAST_FILE] if f",{LAST_DAY} " in line]
    files["order_lines_again.csv"] = [HEADER, *(f"9{line}" for line in lines)]


def _file_gone(files: Files) -> None:
    del files[MIDDLE_FILE]


def _regular_customers_gone(files: Files) -> None:
    """Those who order daily are missing from the last weeks."""
    since = LAST_DAY - timedelta(days=45)
    for name, lines in files.items():
        kept = [
            line
            for line in lines[1:]
            if date.fromisoformat(line.split(",")[4][:10]) <= since
            or int(line.split(",")[7][1:]) >= 60
        ]
        files[name] = [HEADER, *kept]


def _header_alone(files: Files) -> None:
    for name in files:
        files[name] = [HEADER]


def _one_order(files: Files) -> None:
    for lines in files.values():
        for number in range(1, min(len(lines), 2100)):
            _, _, rest = lines[number].split(",", 2)
            lines[number] = f"till,{number},{rest}"
        break


#: What is spoiled -> how, and the reason that its rows are rejected for.
CUSTOMERS = "customer_id,registered_at,email_hash,phone_hash"

REJECTED: dict[str, tuple[Edit, str]] = {
    "e-mail addresses in the clear": (
        _add("customers.csv", CUSTOMERS, "c1,2024-01-01,ada@example.org,", "c2,2024-01-01,,"),
        "not_a_hash",
    ),
    "phone numbers in the clear": (
        _add("customers.csv", CUSTOMERS, "c1,2024-01-01,,0441 20 7946", "c2,2024-01-01,,"),
        "not_a_hash",
    ),
    "a negative price": (_set("unit_price", "-9.50", 5), "number_out_of_range"),
    "a price in words": (_set("unit_price", "nine", 5), "not_a_number"),
    "a price with its currency": (_set("unit_price", "EUR 9.50", 5), "not_a_number"),
    "a price left out": (_set("unit_price", "", 5), "missing_value"),
    "an order without an id": (_set("order_id", "", 5), "missing_value"),
    "half a piece": (_set("quantity", "0.5", 5), "not_a_whole_number"),
    "more pieces than there are": (_set("quantity", "1e12", 5), "number_out_of_range"),
    "a line worth a state": (
        lambda files: (_set("quantity", "900000000", 5)(files),
                       _set("unit_price", "9999", 5)(files))[0],
        "amount_out_of_range",
    ),
    "a day that is none": (_set("ordered_at", "2024-02-31", 5), "not_a_timestamp"),
    "day and month swapped": (_set("ordered_at", "2024-31-01", 5), "not_a_timestamp"),
    "a date in the far future": (_set("ordered_at", "2924-01-31", 5), "date_out_of_range"),
    "a date before the shop": (_set("ordered_at", "1924-01-31", 5), "date_out_of_range"),
    "a status nobody knows": (_set("status", "lost in post", 5), "unknown_value"),
    "a delimiter too many": (_set("product_name", "Cup, blue", 5), "too_many_columns"),
    "a line cut short": (_add("order_lines_x.csv", HEADER, _line(FIRST_DAY, 999), "a,1"),
                         "too_few_columns"),
    "a broken character": (_set("product_name", "Cup\0", 5), "nul_character"),
}  # fmt: skip

#: What is spoiled -> how, and what the ledger says of a file.
FILES: dict[str, tuple[Edit, str]] = {
    "a file without quantities": (_add("order_lines_x.csv", "order_id,price", "1,2"), "failed"),
    "prices in the quantities' place": (_swap("quantity", "unit_price"), "failed"),
    "an empty file": (_add("order_lines_x.csv", ""), "failed"),
    "a file doubled under another name": (_file_twice, "duplicate_content"),
}


#: What is spoiled -> how, and the check that catches it.
CHECKED: dict[str, tuple[Edit, str]] = {
    "an order line twice": (_order_twice, "primary_key_fct_order_lines_order_id__line_number"),
    "a file doubled and changed": (
        _file_twice_with_new_prices,
        "primary_key_fct_order_lines_order_id__line_number",
    ),
    "another currency from March on": (
        _set("currency", "USD", name=MIDDLE_FILE),
        "assert_warehouse_has_one_currency",
    ),
    "customers in the orders' place": (
        _swap("order_id", "customer_id"),
        "assert_order_has_one_customer",
    ),
    "names in the codes' place": (
        lambda files: (_set("product_name", "A cup of blue glass " * 4)(files),
                       _swap("product_id", "product_name")(files))[0],
        "product_codes_are_short",
    ),
    "customer ids turned to numbers": (
        _set("customer_id", "1.785E+04"),
        "customer_ids_are_no_spreadsheet_numbers",
    ),
    "customers left out": (_set("customer_id", ""), "most_lines_name_a_customer"),
    "signs turned round": (
        _set("quantity", lambda value: f"-{value}"),
        "more_is_sold_than_returned",
    ),
    "a barcode for a quantity": (
        _set("quantity", "4006381", 50),
        "quantities_are_plausible",
    ),
    "grams for pieces": (
        _set("quantity", lambda value: f"{value}000"),
        "most_quantities_are_counts",
    ),
    "prices all nil": (_set("unit_price", "0"), "some_lines_have_a_price"),
    "prices a thousand times ten thousand": (
        _set("unit_price", lambda value: f"{float(value) * 1e5:.2f}"),
        "most_prices_are_plausible",
    ),
    "a currency in words": (_set("currency", "Euros"), "currencies_are_codes"),
    "payments before their orders": (
        _set("paid_at", "2023-12-31 10:00:00"),
        "payments_follow_their_orders",
    ),
    "coupons that expire before they are sent": (
        _add(
            "coupon_sends.csv",
            "send_id,campaign_id,customer_id,sent_at,expires_at,discount_amount",
            "S1,K1,c1,2024-03-02,2024-03-01,5",
        ),
        "coupons_expire_after_they_are_sent",
    ),
    "stays in milliseconds": (
        _add(
            "events.csv",
            "event_id,customer_id,event_type,product_id,occurred_at,dwell_seconds",
            "E1,c1,view,P1,2024-03-02,300000",
        ),
        "visits_last_less_than_a_day",
    ),
    "a correction of an order that is not there": (
        _add(
            "corrections.csv",
            "correction_id,dataset,key,action,reason,author,corrected_at",
            "C1,order_lines,nowhere,delete,typed twice,Ada,2024-03-05",
        ),
        "assert_corrections_can_be_applied",
    ),
    "returns of what was never sold": (
        _add(
            "order_lines_returns.csv",
            HEADER,
            *(f"R{n},1,Q{n},,2024-03-02 10:00:00,-1,9,c1,cancellation,EUR," for n in range(50)),
        ),
        "some_returns_find_their_sale",
    ),
    "files of a header alone": (_header_alone, "files_hold_rows"),
    "a file that is mostly rejected": (
        _set("ordered_at", "31.05.2024", every=1, name=MIDDLE_FILE),
        "landing_files_are_read",
    ),
    "a file of which most is rejected": (
        lambda files: (_set("quantity", "x", 3, LAST_FILE)(files),
                       _set("unit_price", "x", 2, LAST_FILE)(files))[0],
        "most_rows_of_a_file_are_usable",
    ),
    "a date in another century": (
        _add("order_lines_x.csv", HEADER, _line(date(2089, 1, 1), 1)),
        "the_data_covers_a_plausible_time",
    ),
    "nothing but postage": (_set("product_id", "POST"), "there_are_goods"),
    "refunds read for orders": (_set("status", "refunded"), "most_orders_stay_orders"),
    "a till roll for an order": (_one_order, "orders_have_plausible_line_counts"),
    "a dummy for all customers": (_set("customer_id", "guest"), "customers_order_like_people"),
    "a month not delivered": (_file_gone, "months_do_not_jump"),
    "a day of sales missing": (
        _without_day(LAST_DAY - timedelta(days=3)),
        "assert_no_day_of_sales_is_missing",
    ),
    "half of the last day gone": (
        _without_day(LAST_DAY, every=2),
        "assert_latest_figures_lie_within_their_limits",
    ),
    "the last day twice, as new orders": (
        _day_twice,
        "assert_latest_figures_lie_within_their_limits",
    ),
    "the last day's prices in cents": (
        _set_day("unit_price", lambda value: value.replace(".", "")),
        "assert_latest_figures_lie_within_their_limits",
    ),
    "the last day without customers": (
        _set_day("customer_id", ""),
        "assert_latest_figures_lie_within_their_limits",
    ),
    "a third of the last file rejected": (
        _set("unit_price", "n/a", 3, LAST_FILE),
        "assert_latest_figures_lie_within_their_limits",
    ),
    "the best customers gone": (
        _regular_customers_gone,
        "assert_latest_figures_lie_within_their_limits",
    ),
}  # fmt: skip

#: Of the checks above, those that need the daily figures of five months.
_LONG = {
    "assert_latest_figures_lie_within_their_limits",
    "assert_no_day_of_sales_is_missing",
    "customers_order_like_people",
    "months_do_not_jump",
    "orders_have_plausible_line_counts",
}


def _landed(folder: Path, files: Files) -> LandedShop:
    landing = folder / "landing"
    landing.mkdir()
    for name, lines in files.items():
        text = "".join(f"{line}\n" for line in lines)
        (landing / name).write_text(text, encoding="utf-8")
    return LandedShop(landing)


def test_there_are_enough_corruptions_and_reasons() -> None:
    assert len(REJECTED) + len(FILES) + len(CHECKED) >= 40
    # Files of other formats and encodings, and plain identifiers, have the other reasons; tests of
    # the landing show them.
    others = {"invalid_json", "invalid_encoding", "broken_quotes", "line_too_long",
              "unreadable_line", "not_an_email", "not_a_phone_number"}  # fmt: skip
    assert {reason for _, reason in REJECTED.values()} == set(REASONS) - others


@pytest.mark.parametrize("name", REJECTED)
def test_a_landing_rule_rejects_it(tmp_path: Path, name: str) -> None:
    edit, reason = REJECTED[name]
    files = {LAST_FILE: [HEADER, *(_line(LAST_DAY, number) for number in range(20))]}
    assert not _reasons(_landed(_folder(tmp_path, "sound"), files))
    edit(files)
    assert _reasons(_landed(_folder(tmp_path, "spoiled"), files)) == {reason}


@pytest.mark.parametrize("name", FILES)
def test_the_ledger_names_the_file(tmp_path: Path, name: str) -> None:
    edit, status = FILES[name]
    files = _files(days=90, orders=1)
    edit(files)
    statuses = _landed(tmp_path, files).con.execute("select status from raw.loaded_files")
    assert status in {row[0] for row in statuses.fetchall()}


@pytest.mark.parametrize("name", CHECKED)
def test_a_check_catches_it(tmp_path: Path, name: str) -> None:
    edit, check = CHECKED[name]
    files = _files(orders=100 if check in _LONG else 20)
    edit(files)
    shop = _landed(tmp_path, files)
    shop.build(shop.read_by(check))
    assert shop.finds(check)


def test_no_check_finds_anything_in_the_sound_shop(tmp_path: Path) -> None:
    shop = _landed(tmp_path, _files())
    checks = {check for _, check in CHECKED.values()}
    shop.build({model for check in checks for model in shop.read_by(check)})
    assert {check for check in checks if shop.finds(check)} == set()


def _folder(base: Path, name: str) -> Path:
    folder = base / name
    folder.mkdir()
    return folder


def _reasons(shop: LandedShop) -> set[str]:
    rows = shop.con.execute("select reason from raw.rejected_rows").fetchall()
    return {reason for (reason,) in rows}
