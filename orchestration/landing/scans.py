"""Scans: SQL that reads files of one layout together, as text columns with a file index.

Belongs here: the pieces of SQL that several formats share. Does not belong here: any one format.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.expressions import quote_name, quote_text
from orchestration.landing.files import LandingFile
from orchestration.landing.sources import OpenedFile

#: Tables (temporary) in which DuckDB puts the lines that are no records.
REJECTED_LINES = "landing_rejected_lines"
REJECTED_SCANS = "landing_rejected_scans"

#: A text that no value equals, so that an empty field and a missing one stay apart from it.
_NO_NULL = "\x01\x02\x01"


@dataclass(frozen=True)
class Scan:
    """SQL of a relation with source columns as text and ``FILE_INDEX``, in file and record order.

    ``record`` is SQL for the whole record within that relation, ``record_json`` the JSON text of
    it where it is called ``{record}``. ``broken`` is SQL for the reason why a record is none.
    ``first_line`` is the number of the first record as ``REJECTED_LINES`` counts lines.
    """

    sql: str
    record: str
    record_json: str
    broken: str = "null"
    first_line: int = 1
    keeps_rejected_lines: bool = False


def entry_key(file: LandingFile) -> tuple[str, str, int]:
    """Return what files must share, whatever their format, to be read together."""
    return (file.profile.name, file.dataset, file.profile.files.index(file.entry))


def read_csv_sql(
    opened: Sequence[OpenedFile],
    columns: Sequence[str],
    delimiter: str,
    quote: str,
    has_header: bool,
    skipped: int = 0,
) -> str:
    """Return a call of read_csv that guesses nothing and keeps the lines that are no records."""
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    # Cutting a file with newlines inside quotes into parallel pieces would give wrong records.
    parallel = not any(file.has_quoted_newlines for file in opened)
    return (
        f"read_csv({paths_sql(opened)}, auto_detect = false, "
        f"header = {has_header}, skip = {skipped}, "
        f"delim = {quote_text(delimiter)}, quote = {quote_text(quote)}, "
        f"escape = {quote_text(quote)}, nullstr = [{quote_text(_NO_NULL)}], "
        f"columns = {{{types}}}, parallel = {parallel}, store_rejects = true, "
        f"rejects_table = '{REJECTED_LINES}', rejects_scan = '{REJECTED_SCANS}')"
    )


def struct_sql(columns: Sequence[str]) -> str:
    """Return SQL that packs columns into one value."""
    return "{" + ", ".join(f"{quote_text(name)}: {quote_name(name)}" for name in columns) + "}"


def paths_sql(opened: Sequence[OpenedFile]) -> str:
    """Return the paths to read as an SQL list."""
    return "[" + ", ".join(path_sql(file.read_path) for file in opened) + "]"


def path_sql(path: Path) -> str:
    """Return a path as an SQL text in which no character stands for others."""
    plain = str(path).translate({ord(sign): f"[{sign}]" for sign in "*?["})
    return quote_text(plain)
