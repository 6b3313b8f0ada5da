"""Workbooks (XLSX and its relatives): one sheet becomes a Parquet file of text columns.

Belongs here: cells to text. Does not belong here: any other format.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from orchestration.errors import CustomerValueError
from orchestration.landing.sources import Header, make_header

_BATCH_ROWS = 50_000
_TOO_LARGE_FOR_WHOLE = 2**53


def copy_workbook(path: Path, sheet: str | None, has_header: bool, target: Path) -> Header:
    """Write the rows of a sheet to a Parquet file of text columns; return the columns.

    The first row that is not empty is the header; rows without any value are left out. Whole
    numbers have no decimal point, dates are ISO text, empty cells are null.

    Raises:
        CustomerValueError: the file is no workbook, has no such sheet, or the sheet is empty.
    """
    rows = _filled_rows(_open_sheet(path, sheet))
    first = next(rows, None)
    if first is None:
        raise CustomerValueError(
            "The sheet is empty: it has not even a header row.",
            "Name the right sheet with `sheet` in the profile, or remove the file.",
        )
    header = make_header([_text(cell) if has_header else None for cell in first])
    schema = pa.schema([(name, pa.string()) for name in header.columns])
    with parquet.ParquetWriter(target, schema) as writer:
        for batch in _batches(rows if has_header else chain([first], rows), schema):
            writer.write_batch(batch)
    return header


def _open_sheet(path: Path, sheet: str | None) -> CalamineSheet:
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = workbook.sheet_names
        if sheet is not None and sheet not in names:
            raise CustomerValueError(
                f"The workbook has no sheet {sheet!r}; it has: {', '.join(names)}.",
                "Correct `sheet` in the profile.",
            )
        return workbook.get_sheet_by_name(sheet if sheet is not None else names[0])
    except (CalamineError, OSError, IndexError, ValueError) as error:
        raise CustomerValueError(
            f"The workbook cannot be opened ({str(error).splitlines()[0]}).",
            "It is damaged or cut short: save or copy it again. If it is a text file, rename it "
            "to end in .csv.",
        ) from error


def _filled_rows(sheet: CalamineSheet) -> Iterator[list[Any]]:
    return (row for row in sheet.iter_rows() if any(cell != "" for cell in row))


def _batches(rows: Iterator[list[Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while block := list(islice(rows, _BATCH_ROWS)):
        columns = zip(*block, strict=True)
        yield pa.record_batch([_column(cells) for cells in columns], schema=schema)


def _column(cells: Sequence[Any]) -> pa.Array:
    return pa.array([_text(cell) for cell in cells], pa.string())


def _text(cell: Any) -> str | None:
    kind = type(cell)
    if kind is str:
        return cell or None
    return _WRITERS.get(kind, str)(cell)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < _TOO_LARGE_FOR_WHOLE:
        return str(int(value))
    return repr(value)


def _moment(value: datetime) -> str:
    # Excel keeps times as fractions of a day: the nearest millisecond is what was entered.
    rounded = value + timedelta(microseconds=500)
    rounded -= timedelta(microseconds=rounded.microsecond % 1000)
    return rounded.isoformat(sep=" ")


def _day(value: date) -> str:
    return value.isoformat()


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _time_of_day(value: time) -> str:
    return value.isoformat()


_WRITERS: dict[type, Callable[[Any], str]] = {
    float: _number,
    int: str,
    bool: _truth,
    datetime: _moment,
    date: _day,
    time: _time_of_day,
}
