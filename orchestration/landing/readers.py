"""Readers: every format becomes one relation of text columns with a file index, for DuckDB.

Belongs here: choosing the reader, refusing files that are not what their name says, Parquet and
workbooks. Does not belong here: text formats (csv_files, line_files), what a column means, types
and judgement (casting).
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.landing.csv_files import open_csv, scan_csv
from orchestration.landing.expressions import quote_name
from orchestration.landing.files import LandingFile
from orchestration.landing.line_files import open_lines, scan_lines
from orchestration.landing.scans import Scan, entry_key, path_sql, paths_sql, struct_sql
from orchestration.landing.sources import FILE_INDEX, OpenedFile, make_header
from orchestration.landing.text_files import first_bytes, scratch_path
from orchestration.landing.workbooks import copy_workbook


def open_file(con: duckdb.DuckDBPyConnection, file: LandingFile, scratch: Path) -> OpenedFile:
    """Open one file: find its columns, make it readable for DuckDB.

    Raises:
        CustomerValueError: it is empty, damaged, or not what its name says.
        OSError, duckdb.Error: it cannot be read.
    """
    _refuse_disguise(file)
    if file.format == "parquet":
        return _open_parquet(con, file)
    if file.format == "xlsx":
        return _open_workbook(file, scratch)
    if file.format == "csv":
        return open_csv(file, scratch)
    return open_lines(file, scratch)


def scan_files(opened: Sequence[OpenedFile]) -> Scan:
    """Return the scan of files of one layout; their order gives the file index from 0."""
    first = opened[0]
    if first.file.format == "csv":
        return scan_csv(opened)
    if first.file.format in ("parquet", "xlsx"):
        return _scan_parquet(opened)
    return scan_lines(opened)


def _refuse_disguise(file: LandingFile) -> None:
    """Refuse a file that is plainly of another format than its name or profile says."""
    if file.path.is_dir():
        raise CustomerValueError("This is a folder, not a file.", "Give the folder another name.")
    start = first_bytes(file.path, 8)
    if not start:
        raise CustomerValueError(
            "The file is empty: it has not even a header line.",
            "Send it again, or remove it from the landing folder.",
        )
    if start.startswith(b"PAR1"):
        actual, rename = "parquet", ".parquet"
    elif start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        actual, rename = "xlsx", ".xlsx"
    elif start.startswith(b"\x1f\x8b"):
        actual, rename = "compressed", f"{file.path.suffix}.gz"
    else:
        actual, rename = "text", ".csv"
    expected = file.format if file.format in ("parquet", "xlsx") else "text"
    if actual != expected:
        kinds = {
            "parquet": "a Parquet file",
            "xlsx": "an Excel workbook",
            "compressed": "a file compressed with gzip",
            "text": "text",
        }
        raise CustomerValueError(
            f"The file is to be read as {kinds[expected]} but is {kinds[actual]}.",
            f"Rename it to end in {rename}, or set `format` in the profile "
            f"{file.profile.name}; if its name is right, it is damaged: send it again.",
        )


def _open_parquet(con: duckdb.DuckDBPyConnection, file: LandingFile) -> OpenedFile:
    with file.path.open("rb") as source:
        source.seek(max(0, file.size_bytes - 4))
        is_whole = source.read(4) == b"PAR1" and file.size_bytes >= 12
    if not is_whole:
        raise CustomerValueError(
            "The Parquet file is cut short: its end is missing.", "Copy or download it again."
        )
    described = con.execute(
        f"describe select * from read_parquet({path_sql(file.path)}, binary_as_string = true)"
    ).fetchall()
    header = make_header([row[0] for row in described])
    types = tuple(row[1] for row in described)
    return OpenedFile(
        file, header, (*entry_key(file), tuple(row[0] for row in described), types), file.path
    )


def _open_workbook(file: LandingFile, scratch: Path) -> OpenedFile:
    copy = scratch_path(file.path, scratch, ".parquet")
    header = copy_workbook(file.path, file.entry.sheet, file.entry.has_header, copy)
    return OpenedFile(
        file, header, (*entry_key(file), "xlsx", header.columns), copy, copies=(copy,)
    )


def _scan_parquet(opened: Sequence[OpenedFile]) -> Scan:
    columns = opened[0].header.columns
    names = ", ".join(quote_name(name) for name in columns)
    fields = ", ".join(f"{quote_name(name)}::varchar as {quote_name(name)}" for name in columns)
    return Scan(
        f"select {fields}, file_index as {quote_name(FILE_INDEX)} from (select *, file_index "
        f"from read_parquet({paths_sql(opened)}, binary_as_string = true)) "
        f"as parquet_files({names}, file_index)",
        struct_sql(columns),
        "to_json({record})::varchar",
    )
