"""Rejected records: from their place in a batch to ``raw.rejected_rows``, worded for a person.

Belongs here: reasons, their wording, record numbers. Does not belong here: what is refused
(casting, readers).
"""

from dataclasses import dataclass

import duckdb

from orchestration.landing.contract import CONTRACT, LARGEST_LINE_AMOUNT, LARGEST_QUANTITY
from orchestration.landing.expressions import quote_text
from orchestration.landing.scans import REJECTED_LINES, REJECTED_SCANS, Scan

#: For each reason: what is wrong (after the column and the value) and what to do about it.
REASONS: dict[str, tuple[str, str]] = {
    "missing_value": (
        "is empty",
        "Fill it in, or map another column to it in the profile.",
    ),
    "not_a_number": (
        "is not a plain number",
        "Take out thousands separators, currency signs and decimal commas, in the file or with an "
        "expression in the profile such as replace(\"Price\", ',', '').",
    ),
    "not_a_whole_number": (
        "is not a whole number of pieces",
        "Map it to a smaller unit in the profile, such as grams instead of kilograms: "
        'try_cast("Quantity" as double) * 1000.',
    ),
    "number_out_of_range": (
        "lies outside of what is possible",
        f"Quantities lie within plus or minus {LARGEST_QUANTITY}, amounts from 0 to below "
        "1000000000. Correct the value at its source.",
    ),
    "amount_out_of_range": (
        "makes an amount, times the quantity, that is not possible",
        f"The amount of a line lies below {LARGEST_LINE_AMOUNT}. Correct quantity or price at the "
        "source.",
    ),
    "not_a_timestamp": (
        "is not a date or time in a known format",
        "Write it as 2024-03-31 or 2024-03-31 18:05:00, or add its format to `timestamp_formats` "
        "in the profile, such as %d.%m.%Y %H:%M.",
    ),
    "date_out_of_range": (
        "lies outside of the dates that are accepted",
        "Correct the value at its source, or set `valid_dates` in the profile.",
    ),
    "unknown_value": (
        "is not one of the accepted values",
        "Translate it with an expression in the profile, such as case when \"Type\" = 'Pageview' "
        "then 'view' end.",
    ),
    "not_an_email": (
        "is not an e-mail address",
        "Correct it at its source, or empty it with an expression in the profile. The value itself "
        "is not kept.",
    ),
    "not_a_phone_number": (
        "is not a phone number with its country code",
        "Write it as +44 20 7946 0000, or set `phone_country_code` in the profile for numbers that "
        "begin otherwise. The value itself is not kept.",
    ),
    "not_a_hash": (
        "is not a hash (32 to 128 hexadecimal digits)",
        "Say `holds: plain` in the profile where values are to be hashed while they are read. The "
        "value itself is not kept.",
    ),
    "nul_character": (
        "holds NUL characters",
        "The file is damaged or in another encoding: set `encoding` in the profile.",
    ),
    "invalid_json": (
        "The line is not a JSON object",
        "Write one object per line, without commas or brackets around them.",
    ),
    "too_many_columns": (
        "The line has more fields than the header",
        "Put values that hold the delimiter into double quotes.",
    ),
    "too_few_columns": (
        "The line has fewer fields than the header",
        "Complete the line; it may be cut short.",
    ),
    "invalid_encoding": (
        "The line is not in the encoding that the file is read with",
        "Set `encoding` in the profile, such as latin-1, cp1252 or gb18030.",
    ),
    "broken_quotes": (
        "The line has a quote in the wrong place",
        "Double a quote inside a quoted value, or set `quote` in the profile.",
    ),
    "line_too_long": (
        "The line is longer than 2 MB",
        "Look for a quote that is never closed.",
    ),
    "unreadable_line": (
        "The line cannot be read",
        "Compare it with the lines around it.",
    ),
}

_REASON_OF_ERROR = {
    "TOO MANY COLUMNS": "too_many_columns",
    "MISSING COLUMNS": "too_few_columns",
    "INVALID ENCODING": "invalid_encoding",
    "UNQUOTED VALUE": "broken_quotes",
    "LINE SIZE OVER MAXIMUM": "line_too_long",
}

#: Reasons for which the refused value is a direct identifier, which is not kept.
HIDDEN_VALUES = frozenset({"not_an_email", "not_a_phone_number", "not_a_hash"})


def withheld_line_sql(line: str) -> str:
    """SQL that stands for a line that is no record and may hold what the profile does not map."""
    return (
        "json_object('withheld', 'a line that is no record is not kept', "
        f"'has_line_breaks', contains({line}, chr(10)))::varchar"
    )


#: Temporary table of a batch: file_id, path (below the landing folder), read_path.
BATCH_FILES = "landing_batch_files"

CREATE_REJECTED_ROWS = """
create table if not exists raw.rejected_rows (
    file_id bigint not null, path varchar not null, dataset varchar not null,
    row_number bigint, column_name varchar, value varchar, reason varchar not null,
    message varchar not null, row_json varchar
)
"""


@dataclass(frozen=True)
class RejectExample:
    """A rejected record: number in the file (from 1), column, value, reason, what to do."""

    row_number: int | None
    column: str | None
    value: str | None
    reason: str
    message: str
    count: int


def note_rejected_lines(
    con: duckdb.DuckDBPyConnection, dataset: str, scan: Scan, shows_lines: bool
) -> None:
    """Copy the lines that the CSV reader refused in this batch to ``raw.rejected_rows``.

    ``shows_lines`` says whether their text is kept.
    """
    if not scan.keeps_rejected_lines:
        return
    reasons = " ".join(
        f"when {quote_text(error)} then {quote_text(reason)}"
        for error, reason in _REASON_OF_ERROR.items()
    )
    line = "ltrim(csv_line, chr(10) || chr(13))"
    shown = "json_object('line', line)"
    if not shows_lines:
        shown = withheld_line_sql("line")
    con.execute(
        f"""
        insert into raw.rejected_rows
        select file_id, path, {quote_text(dataset)}, row_number, null, null, reason,
            {_message_sql("null", "null")}, {shown}
        from (
            select f.file_id, f.path, min(r.line) - {scan.first_line - 1} as row_number,
                any_value(case r.error_type {reasons} else 'unreadable_line' end
                    order by r.column_idx) as reason,
                any_value({line} order by r.column_idx) as line
            from {REJECTED_LINES} r
            join {REJECTED_SCANS} s on s.scan_id = r.scan_id and s.file_id = r.file_id
            join {BATCH_FILES} f on f.read_path = s.file_path
            group by f.file_id, f.path, r.line
        ) join {_reasons_sql()} using (reason)
        """
    )
    con.execute(f"drop table {REJECTED_LINES}")
    con.execute(f"drop table {REJECTED_SCANS}")


def drop_line_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Forget rejected lines of a scan that did not finish."""
    con.execute(f"drop table if exists {REJECTED_LINES}")
    con.execute(f"drop table if exists {REJECTED_SCANS}")


def has_swallowed_lines(
    con: duckdb.DuckDBPyConnection, first_id: int, last_id: int
) -> frozenset[int]:
    """Return files in which a quote that is never closed has made one record of several lines."""
    rows = con.execute(
        "select distinct file_id from raw.rejected_rows where reason = 'broken_quotes' "
        f"and file_id between {first_id} and {last_id} "
        "and (contains(row_json->>'line', chr(10)) or (row_json->>'has_line_breaks') = 'true')"
    ).fetchall()
    return frozenset(row[0] for row in rows)


def settle_rejected_rows(con: duckdb.DuckDBPyConnection, dataset: str) -> int:
    """Move refused records out of a raw table into ``raw.rejected_rows``; return how many.

    Runs in a transaction of its own after that of the batch: deleting rows that are not committed
    yet would write the whole batch twice. A run that ends in between leaves refused records with
    negative file ids, which the next load settles first.
    """
    table = f"raw.{dataset}"
    found = con.execute(f"select count(*) from {table} where _file_id < 0").fetchone()
    if not found or not found[0]:
        return 0
    con.execute("begin")
    con.execute(f"insert into raw.rejected_rows {_refused_sql(dataset, 'raw.loaded_files')}")
    con.execute(f"delete from {table} where _file_id < 0")
    con.execute("commit")
    return int(found[0])


def reject_examples(
    con: duckdb.DuckDBPyConnection, dataset: str, first_id: int, last_id: int
) -> dict[int, tuple[RejectExample, ...]]:
    """Return, per file of the open batch, the first reject of each column and reason.

    The commonest comes first. Runs within the batch's transaction, before it is settled.
    """
    rows = con.execute(
        f"""
        select file_id, min(row_number), column_name, arg_min(value, row_number), reason,
            arg_min(message, row_number), count(*)
        from (
            select * from raw.rejected_rows where file_id between {first_id} and {last_id}
            union all {_refused_sql(dataset, BATCH_FILES, (first_id, last_id))}
        )
        group by file_id, column_name, reason
        order by file_id, count(*) desc, min(row_number), column_name, reason
        """
    ).fetchall()
    examples: dict[int, tuple[RejectExample, ...]] = {}
    for file_id, *example in rows:
        examples[file_id] = (*examples.get(file_id, ()), RejectExample(*example))
    return examples


def _refused_sql(dataset: str, file_table: str, ids: tuple[int, int] | None = None) -> str:
    """SQL of refused records that still stand in the raw table, shaped as rejected rows.

    ``file_table`` tells the path of each file id; ``ids`` are the first and last id to look at.
    """
    table = f"raw.{dataset}"
    key = CONTRACT[dataset].columns[0].name
    among = "true"
    if ids is not None:
        first, last = ids
        among = f"(_file_id between {first} and {last} or _file_id between {-last} and {-first})"
    return f"""
        select file_id, path, {quote_text(dataset)} as dataset, row_number, column_name, value,
            reason, {_message_sql("column_name", "value")} as message, row_json
        from (
            select refused.file_id, ledger.path, refused.value, refused.column_name,
                refused.reason, refused.row_json,
                refused.position + coalesce(lines.before, 0) as row_number
            from (
                select -rows._file_id as file_id, rows.rowid - files.first_row + 1 as position,
                    {key}->>'column' as column_name, {key}->>'reason' as reason,
                    {key}->>'value' as value, {key}->>'record' as row_json
                from (select rowid, * from {table} where _file_id < 0 and {among}) as rows
                join (
                    select abs(_file_id) as file_id, min(rowid) as first_row
                    from {table} where {among} group by abs(_file_id)
                ) as files on files.file_id = -rows._file_id
            ) as refused
            join {file_table} as ledger using (file_id)
            asof left join (
                select file_id, kept_before, max(number) as before
                from (
                    select file_id, number, row_number - number as kept_before
                    from (
                        select file_id, row_number,
                            row_number() over (partition by file_id order by row_number) as number
                        from raw.rejected_rows where column_name is null and value is null
                    )
                ) group by file_id, kept_before
            ) as lines
                on lines.file_id = refused.file_id and refused.position > lines.kept_before
        ) join {_reasons_sql()} using (reason)
    """


def _reasons_sql() -> str:
    rows = ", ".join(
        f"({quote_text(reason)}, {quote_text(problem)}, {quote_text(way_out)})"
        for reason, (problem, way_out) in REASONS.items()
    )
    return f"(values {rows}) as reasons(reason, problem, way_out)"


def _message_sql(column: str, value: str) -> str:
    return (
        f"coalesce({column} || ' ', '') || coalesce('''' || {value} || ''' ', '') || problem || "
        "'. ' || way_out"
    )
