"""CSV files: the header is parsed here, the records by DuckDB, which is never left to guess.

Belongs here: header, delimiter, quotes. Does not belong here: encodings and line ends (text_files).
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from orchestration.errors import CustomerValueError
from orchestration.landing.expressions import quote_name
from orchestration.landing.files import LandingFile
from orchestration.landing.scans import Scan, entry_key, read_csv_sql, struct_sql
from orchestration.landing.sources import FILE_INDEX, OpenedFile, make_header
from orchestration.landing.text_files import make_plain, read_start

_DELIMITERS = (",", ";", "\t", "|")
#: A record that no file holds.
_END = "\x01end of file\x01"


def open_csv(file: LandingFile, scratch: Path) -> OpenedFile:
    """Open a CSV file: find its header and delimiter, make it plain."""
    entry = file.entry
    start = read_start(file.path, entry.encoding)
    if "\0" in start.split("\n", 1)[0]:
        raise CustomerValueError(
            "The header line holds NUL characters.",
            "The file is probably UTF-16: set `encoding: utf-16` in the profile.",
        )
    blank = len(start) - len(start.lstrip("\r\n"))
    skipped = start[:blank].count("\n") or start[:blank].count("\r")
    line = start[blank:]
    delimiter = entry.delimiter or _guess_delimiter(line, entry.quote)
    names = _first_record(line, delimiter, entry.quote)
    if not entry.has_header:
        names = list(entry.column_names) or [f"column{n + 1}" for n in range(len(names))]
    header = make_header(names)
    plain = make_plain(file.path, entry.encoding, entry.quote, scratch)
    if plain.may_be_unclosed:
        _refuse_unclosed_quote(plain.path, delimiter, entry.quote, entry.has_header)
    return OpenedFile(
        file,
        header,
        (*entry_key(file), header.columns, delimiter, skipped, plain.has_quoted_newlines),
        plain.path,
        delimiter=delimiter,
        skipped_lines=skipped,
        has_quoted_newlines=plain.has_quoted_newlines,
        copies=(plain.path,) if plain.is_copy else (),
    )


def scan_csv(opened: Sequence[OpenedFile]) -> Scan:
    """Return the scan of CSV files of one layout."""
    first = opened[0]
    columns = first.header.columns
    has_header = first.file.entry.has_header
    sql = read_csv_sql(
        opened, columns, first.delimiter, first.file.entry.quote, has_header, first.skipped_lines
    )
    return Scan(
        f"select * exclude (file_index), file_index as {quote_name(FILE_INDEX)} from ("
        f"select *, file_index from {sql})",
        struct_sql(columns),
        "to_json({record})::varchar",
        first_line=first.skipped_lines + 1 + int(has_header),
        keeps_rejected_lines=True,
    )


def _first_record(text: str, delimiter: str, quote: str) -> list[str]:
    return next(_records(io.StringIO(text, newline=""), delimiter, quote), [])


def _records(lines: Iterable[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    if quote:
        return csv.reader(lines, delimiter=delimiter, quotechar=quote)
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def _guess_delimiter(text: str, quote: str) -> str:
    """Return the delimiter that makes most columns of the first line; the comma when none does."""
    return max(_DELIMITERS, key=lambda delimiter: len(_first_record(text, delimiter, quote)))


def _refuse_unclosed_quote(path: Path, delimiter: str, quote: str, has_header: bool) -> None:
    """Refuse a file whose last quote is never closed.

    DuckDB says nothing of it when it reads without pieces, and drops the lines after that quote.
    """
    number = 0 if has_header else 1
    last: list[str] = []
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        records = _records(chain(lines, ["\n", _END]), delimiter, quote)
        try:
            for record in records:
                if record:
                    number += bool(last)
                    last = record
        except csv.Error:  # a field longer than any that is meant
            last = []
    if last != [_END]:
        raise CustomerValueError(
            f"A quote that opens in record {number} is never closed, so that the lines after it "
            "cannot be told apart.",
            "Correct that line, or set `quote` in the profile.",
        )
