"""Files of lines: JSON lines and fixed-width text, read as one column and taken apart in SQL.

Belongs here: taking lines apart. Does not belong here: encodings and line ends (text_files).
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestration.errors import CustomerValueError
from orchestration.landing.expressions import quote_name, quote_text
from orchestration.landing.files import LandingFile
from orchestration.landing.scans import Scan, entry_key, read_csv_sql
from orchestration.landing.sources import FILE_INDEX, LINE, Header, OpenedFile, make_header
from orchestration.landing.text_files import make_plain, read_start

#: A character that no JSON and no fixed-width text holds: lines are read as files of one column.
_UNUSED_DELIMITER = "\x1f"
_SAMPLE_LINES = 1000


def open_lines(file: LandingFile, scratch: Path) -> OpenedFile:
    """Open a file of lines: find its columns, make it plain."""
    plain = make_plain(file.path, file.entry.encoding, "", scratch)
    later: tuple[str, ...] = ()
    if file.format == "jsonl":
        header = _json_keys(read_start(file.path, file.entry.encoding))
        known = {name.casefold() for name in header.columns}
        wanted = dict.fromkeys(
            name
            for sources in file.entry.sources.values()
            for source in sources
            for name in source.reads
        )
        later = tuple(name for name in wanted if name.casefold() not in known)
    else:
        names = [field.name for field in file.entry.fixed_fields]
        header = make_header(names or file.entry.whitespace_fields)
    return OpenedFile(
        file,
        header,
        (*entry_key(file), header.columns),
        plain.path,
        later_columns=later,
        copies=(plain.path,) if plain.is_copy else (),
    )


def _json_keys(text: str) -> Header:
    keys: dict[str, None] = {}
    for line in text.splitlines()[:_SAMPLE_LINES]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            keys.update(dict.fromkeys(record))
    if not keys:
        raise CustomerValueError(
            "No line at the start of the file is a JSON object.",
            'Write one object per line, such as {"order_id": "1", ...}, without commas or '
            "brackets around them.",
        )
    return make_header(list(keys))


def scan_lines(opened: Sequence[OpenedFile]) -> Scan:
    """Return the scan of files of lines of one layout."""
    first = opened[0]
    line = quote_name(LINE)
    sql = read_csv_sql(
        opened,
        [LINE],
        _UNUSED_DELIMITER,
        "",
        first.file.entry.has_header and first.file.format == "fixed_width",
    )
    lines = (
        f"select {line}, file_index as {quote_name(FILE_INDEX)} from {sql} where trim({line}) <> ''"
    )
    line_json = "to_json({{'line': {record}}})::varchar"
    if first.file.format == "jsonl":
        return replace(_json_scan(first, lines), keeps_rejected_lines=True)
    if first.file.entry.whitespace_fields:
        count = len(first.header.columns)
        parts = ", ".join(
            f"parts[{number}] as {quote_name(name)}"
            for number, name in enumerate(first.header.columns, start=1)
        )
        lines = (
            f"select *, {parts} from (select *, string_split_regex(trim({line}), '\\s+') as parts "
            f"from ({lines}))"
        )
        broken = (
            f"case when len(parts) < {count} then 'too_few_columns' "
            f"when len(parts) > {count} then 'too_many_columns' end"
        )
        return Scan(lines, line, line_json, broken, keeps_rejected_lines=True)
    fields = ", ".join(
        f"substr({line}, {field.start}, {field.length}) as {quote_name(field.name)}"
        for field in first.file.entry.fixed_fields
    )
    return Scan(f"select *, {fields} from ({lines})", line, line_json, keeps_rejected_lines=True)


def _json_scan(first: OpenedFile, lines: str) -> Scan:
    line = quote_name(LINE)
    names = (*first.header.columns, *first.later_columns)
    shape = json.dumps(dict.fromkeys(names, "VARCHAR"), ensure_ascii=False)
    fields = ", ".join(
        f"struct_extract(parsed, {quote_text(name)}) as {quote_name(name)}" for name in names
    )
    # A case, since both sides of an `and` may be computed, and the type of no JSON is an error.
    is_object = f"case when json_valid({line}) then json_type({line}) = 'OBJECT' else false end"
    return Scan(
        f"select * exclude (parsed), {fields} from (select *, case when {is_object} "
        f"then json_transform({line}, {quote_text(shape)}) end as parsed from ({lines}))",
        line,
        "case when json_valid({record}) then {record} "
        "else to_json({{'line': {record}}})::varchar end",
        f"case when not {is_object} then 'invalid_json' end",
    )
