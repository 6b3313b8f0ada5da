"""What real files suffer: rows that come late, rows that come twice, rows that are broken.

Belongs here: deciding which file a row stands in, and damaging copies of rows. Does not belong
here: writing files.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from orchestration.demo.calendar import DAY_SECONDS, ShopCalendar
from orchestration.demo.matching import BoolArray

NO_FAULT = -1
_DUPLICATE_SHARE = 0.004
_OTHER_FILE_SHARE = 0.3
_BROKEN_SHARE = 0.0006
_LATE_DAYS = 3
_LATE_SHARE = 0.15
#: A broken row is a line of its own: its line number lies this far above the original's.
_BROKEN_LINE_OFFSET = 500
#: A block of fewer lines gets broken rows by chance only, larger ones at least one of each kind.
_EVERY_FAULT_FROM = 100


class Fault(NamedTuple):
    """One way in which a row of order_lines is broken."""

    name: str
    column: str
    #: The text that stands in the file in place of the right one.
    value: str
    #: Why the load rejects the row.
    reason: str


FAULTS = (
    Fault("order_id_missing", "order_id", "", "missing_value"),
    Fault("product_id_missing", "product_id", "", "missing_value"),
    Fault("quantity_missing", "quantity", "", "missing_value"),
    Fault("quantity_no_number", "quantity", "two", "not_a_number"),
    Fault("quantity_not_whole", "quantity", "1.5", "not_a_whole_number"),
    Fault("quantity_too_large", "quantity", "1e30", "number_out_of_range"),
    Fault("unit_price_no_number", "unit_price", "n/a", "not_a_number"),
    Fault("unit_price_negative", "unit_price", "-4.20", "number_out_of_range"),
    Fault("ordered_at_no_date", "ordered_at", "2023-02-31 10:00:00", "not_a_timestamp"),
    Fault("ordered_at_too_late", "ordered_at", "2999-01-01 00:00:00", "date_out_of_range"),
    Fault("ordered_at_too_early", "ordered_at", "1900-01-01 00:00:00", "date_out_of_range"),
    Fault("status_unknown", "status", "lost in post", "unknown_value"),
)


def late_months(months: int) -> tuple[int, ...]:
    """Months of which some rows come in a late file of their own; none in a very short shop."""
    if months < 3:
        return ()
    return tuple(sorted({months // 4, months // 2, (3 * months) // 4} - {months - 1}))


def file_names(calendar: ShopCalendar) -> tuple[str, ...]:
    """Names of the order line files: one per month, then the late ones."""
    monthly = [f"order_lines_{calendar.month_name(i)}.csv" for i in range(calendar.months)]
    late = [f"order_lines_late_{calendar.month_name(i)}.csv" for i in late_months(calendar.months)]
    return (*monthly, *late)


def make_rows(
    rng: np.random.Generator, calendar: ShopCalendar, lines: pd.DataFrame, is_sale: BoolArray
) -> pd.DataFrame:
    """The rows that stand in the files: every line once, then copies and broken rows.

    Returns:
        the columns of ``lines`` and file (index into file_names), fault (index into FAULTS or
        NO_FAULT), is_copy.
    """
    rows = lines.assign(file=_files(calendar, lines), fault=NO_FAULT, is_copy=False)
    copies = rows[rng.random(len(rows)) < _DUPLICATE_SHARE].copy()
    goes_elsewhere = rng.random(len(copies)) < _OTHER_FILE_SHARE
    next_month = np.minimum(copies["month"] + 1, calendar.months - 1)
    copies["file"] = np.where(goes_elsewhere, next_month, copies["file"])
    copies["is_copy"] = True
    broken = _broken_rows(rng, rows[is_sale])
    return pd.concat([rows, copies, broken], ignore_index=True)


def _files(calendar: ShopCalendar, lines: pd.DataFrame) -> pd.Series:
    """The month's file, or its late file for some orders of the month's last days."""
    file = lines["month"].copy()
    # Spread over the running numbers, which stand close together at a month's end.
    is_chosen = lines["order_no"] * 37 % 100 < _LATE_SHARE * 100
    day = (lines["second"] - calendar.first_second) // DAY_SECONDS
    for position, month in enumerate(late_months(calendar.months)):
        end = int(np.searchsorted(calendar.month_of_day, month, side="right"))
        is_late = is_chosen & (lines["month"] == month) & (day >= end - _LATE_DAYS)
        file[is_late] = calendar.months + position
    return file


def _broken_rows(rng: np.random.Generator, sales: pd.DataFrame) -> pd.DataFrame:
    count = int(rng.binomial(len(sales), _BROKEN_SHARE))
    if len(sales) >= _EVERY_FAULT_FROM:
        count = max(count, len(FAULTS))
    broken = sales.iloc[np.sort(rng.choice(len(sales), count, replace=False))].copy()
    broken["line_number"] += _BROKEN_LINE_OFFSET
    broken["fault"] = rng.permutation(np.arange(count) % len(FAULTS))
    return broken
