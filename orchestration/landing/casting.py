"""Casting: the SQL that turns a scan of text columns into rows of a raw table, or into rejects.

Belongs here: text to value, and what makes a value unacceptable. Does not belong here: where rows
go, and what a reject says to a person (rejects).

A record that is refused keeps its place in the raw table until its batch is settled: its file id
is negative, and its first column (an id in every dataset) holds a JSON text with the column,
reason, value and original record, without columns that the profile does not map and without direct
identifiers. So one pass over the file does everything, and the position of
a row in the table gives its record number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestration.landing.contract import CONTRACT, LARGEST_LINE_AMOUNT, Column, Dataset, Kind
from orchestration.landing.expressions import as_select_item, quote_name, quote_text
from orchestration.landing.identifiers import REASONS, identifier_sql, is_no_hash_sql, reason_of
from orchestration.landing.profile import Profile, Source
from orchestration.landing.rejects import HIDDEN_VALUES, withheld_line_sql
from orchestration.landing.scans import Scan, struct_sql
from orchestration.landing.sources import FILE_INDEX
from orchestration.landing.suppression import is_erased_sql, mentions_sql, replacements
from orchestration.landing.timestamps import utc_timestamp_sql

#: Characters taken off both ends of a text: the usual blanks, no-break and ideographic space, BOM.
_BLANKS = " \t\n\r\v\f\u00a0\u3000\ufeff"
#: Those that are looked for at the end of a text that begins with a plain character.
_ENDING_BLANKS = " \t\n\r\u00a0\u3000"


@dataclass(frozen=True)
class _Check:
    """One way to refuse a record: the column, the reason and the SQL condition for it."""

    column: str
    reason: str
    condition: str


def raw_rows_sql(
    dataset: Dataset,
    profile: Profile,
    sources: dict[str, Source | None],
    scan: Scan,
    first_file_id: int,
    *,
    shows_lines: bool = True,
    suppresses: bool = False,
) -> str:
    """Return SQL for the rows of a raw table, in file and record order, refused ones included.

    Args:
        dataset: whose rows they are.
        profile: how the files are read.
        sources: where each column comes from; None: the files do not have it.
        scan: the records.
        first_file_id: id of the first file.
        shows_lines: whether a line that is no record may be kept as it stands.
        suppresses: whether erased customers are replaced; the connection must know the list.
    """
    columns = [column for column in dataset.columns if sources[column.name] is not None]
    texts = [_text_item(column, sources[column.name]) for column in columns]
    mapped = (
        f"select {', '.join(texts)}, {_shown_record(dataset, sources)} as record, "
        f"{scan.record if shows_lines else 'null'} as line, {scan.broken} as broken, "
        f"{quote_name(FILE_INDEX)}::bigint + {first_file_id} as file_id "
        f"from ({_with_expressions(sources, scan)})"
    )
    values = ", ".join(_value_item(column, profile, sources[column.name]) for column in columns)
    typed = f"select *, {values} from ({mapped})"
    checks = list(_checks(columns, profile, sources))
    judged = f"select *, {_first_failed(checks)} as failed from ({typed})"
    key, *others = dataset.columns
    kept = {column.name: _value(column) for column in columns}
    kept |= {
        column.name: f"null::{column.type}" for column in dataset.columns if column not in columns
    }
    kept[key.name] = _key_value(dataset, columns)
    line = scan.record_json.format(record="line") if shows_lines else withheld_line_sql("''")
    record = f"case when broken is null then to_json(record)::varchar else {line} end"
    withheld = [_is_personal(dataset, columns)]
    if "value" in kept:
        # What is refused stands in the raw table until its batch is settled, and in freed blocks.
        kept["value"] = f"case when not {withheld[0]} then {kept['value']} end"
    if suppresses:
        withheld += [is_erased_sql(dataset.name, kept.__getitem__), mentions_sql(record)]
        kept |= replacements(dataset.name, kept.__getitem__)
    reject = _reject_json(checks, record, f"({' or '.join(withheld)})")
    fields = ", ".join(kept[column.name] for column in others)
    kept_key = kept[key.name]
    return (
        f"select case when failed is null then {kept_key} else {reject} end as "
        f"{quote_name(key.name)}, {fields}, "
        f"case when failed is null then file_id else -file_id end as _file_id from ({judged})"
    )


def money_sql() -> str:
    """Return SQL for the money of an order line that can be computed, refused or not."""
    return (
        "case when abs(quantity) <= 1000000000000 and abs(unit_price) <= 1000000000000 "
        "then quantity * unit_price end"
    )


def _with_expressions(sources: dict[str, Source | None], scan: Scan) -> str:
    """Return the scan with the profile's expressions, each exactly as it was checked."""
    items = [
        as_select_item(source.expression, _computed(name))
        for name, source in sources.items()
        if source is not None and source.expression is not None
    ]
    return f"select {', '.join(['*', *items])} from ({scan.sql}) as source_file"


def _computed(column: str) -> str:
    return f"~expression {column}"


def _t(column: Column | str) -> str:
    return quote_name(f"text {column if isinstance(column, str) else column.name}")


def _value(column: Column) -> str:
    return quote_name(f"value {column.name}")


def _double(column: Column) -> str:
    return quote_name(f"double {column.name}")


def _text_item(column: Column, source: Source | None) -> str:
    name = _computed(column.name)
    if source is not None and source.column is not None:
        name = source.column
    text = f"{quote_name(name)}::varchar"
    trimmed = f"nullif(trim({text}, {quote_text(_BLANKS)}), '')"
    return (
        f"case when {text} = '' then null when {_may_need_trimming(text)} then {trimmed} "
        f"else {text} end as {_t(column)}"
    )


def _may_need_trimming(text: str) -> str:
    """Return a cheap SQL condition that holds whenever trimming would change something.

    Trimming is dear and few texts need it. So is a cast that fails, which is why numbers are looked
    at in the same way.
    """
    begins = f"{text} < '!' or {text} >= '\u00a0'"
    ends = " or ".join(f"suffix({text}, {quote_text(blank)})" for blank in _ENDING_BLANKS)
    return f"{begins} or {ends}"


def _shown_record(dataset: Dataset, sources: dict[str, Source | None]) -> str:
    """SQL of what a reject shows of its record: mapped source columns, identifiers left out."""
    hidden: set[str] = set()
    shown: dict[str, str] = {}
    for column in dataset.columns:
        source = sources[column.name]
        names = {name.casefold(): name for name in source.reads} if source else {}
        if column.identifier:
            hidden |= names.keys()
        else:
            shown |= names
    return struct_sql([name for folded, name in shown.items() if folded not in hidden])


def _is_personal(dataset: Dataset, columns: Sequence[Column]) -> str:
    """SQL that holds for a correction that sets an identifier to what may be a plain value."""
    if dataset.name != "corrections" or not {"column", "value"} <= {one.name for one in columns}:
        return "false"
    name, value = (_t(dataset.column(one)) for one in ("column", "value"))
    return f"coalesce({name} in ({_identifiers()}) and {is_no_hash_sql(value)}, false)"


def _identifiers() -> str:
    return ", ".join(
        quote_text(column.name)
        for dataset in CONTRACT.values()
        for column in dataset.columns
        if column.identifier
    )


def _value_item(column: Column, profile: Profile, source: Source | None) -> str:
    text = _t(column)
    value = _value(column)
    if column.identifier and source is not None:
        return f"{identifier_sql(column, source, text, profile)} as {value}"
    if column.kind is Kind.ID:
        whole = rf"regexp_replace({text}, '^(\d+)\.0$', '\1')"
        return f"case when suffix({text}, '.0') then {whole} else {text} end as {value}"
    if column.kind is Kind.TEXT:
        return f"{f'lower({text})' if column.accepted_values else text} as {value}"
    if column.kind is Kind.TIMESTAMP:
        sql = utc_timestamp_sql(text, profile.timestamp_formats, profile.timezone)
        return f"{sql} as {value}"
    # 1_000 would be cast to 1000; nobody who writes that means it as a plain number.
    plain = f"case when not contains({text}, '_') then {text} end"
    if column.kind is Kind.MONEY:
        return f"try_cast({plain} as decimal(18, 4)) as {value}"
    double = f"try_cast({plain} as double)"
    if column.kind is Kind.NUMBER:
        return f"{double} as {value}"
    return (
        f"{double} as {_double(column)}, case when {_double(column)} = trunc({_double(column)}) "
        f"then try_cast({_double(column)} as bigint) end as {value}"
    )


def _checks(
    columns: Sequence[Column], profile: Profile, sources: dict[str, Source | None]
) -> Iterator[_Check]:
    for column in columns:
        if column.required:
            yield _Check(column.name, "missing_value", f"{_t(column)} is null")
    for column in columns:
        source = sources[column.name]
        if column.identifier and source is not None:
            is_unusable = f"{_t(column)} is not null and {_value(column)} is null"
            yield _Check(column.name, reason_of(column, source), is_unusable)
        elif column.kind in (Kind.ID, Kind.TEXT):
            yield from _text_checks(column)
        elif column.kind is Kind.TIMESTAMP:
            yield from _timestamp_checks(column, profile)
        else:
            yield from _number_checks(column)
    by_name = {column.name: column for column in columns}
    if {"dataset", "column", "value"} <= by_name.keys():
        value = _t(by_name["value"])
        is_set = f"{_t(by_name['column'])} in ({_identifiers()})"
        yield _Check("value", REASONS["hashed"], f"{is_set} and {is_no_hash_sql(value)}")
    if {"quantity", "unit_price"} <= by_name.keys():
        amount = f"abs({_double(by_name['quantity'])} * {_value(by_name['unit_price'])}::double)"
        yield _Check("unit_price", "amount_out_of_range", f"{amount} >= {LARGEST_LINE_AMOUNT}")


def _text_checks(column: Column) -> Iterator[_Check]:
    yield _Check(column.name, "nul_character", f"contains({_t(column)}, chr(0))")
    if column.accepted_values:
        accepted = ", ".join(quote_text(value) for value in column.accepted_values)
        yield _Check(column.name, "unknown_value", f"{_value(column)} not in ({accepted})")


def _timestamp_checks(column: Column, profile: Profile) -> Iterator[_Check]:
    text, value = _t(column), _value(column)
    dates = profile.valid_dates
    yield _Check(column.name, "not_a_timestamp", f"{text} is not null and {value} is null")
    yield _Check(
        column.name,
        "date_out_of_range",
        f"{value} < timestamp '{dates.first}' or {value} >= timestamp '{dates.before}'",
    )


def _number_checks(column: Column) -> Iterator[_Check]:
    text, value = _t(column), _value(column)
    if column.kind is Kind.WHOLE:
        double = _double(column)
        yield _Check(
            column.name,
            "not_a_number",
            f"{text} is not null and ({double} is null or not isfinite({double}))",
        )
        yield _Check(column.name, "not_a_whole_number", f"{double} <> trunc({double})")
        yield _Check(column.name, "number_out_of_range", _outside(double, column))
        return
    is_none = f"{text} is not null and {value} is null"
    if column.kind is Kind.MONEY:
        too_large = f"isfinite(try_cast({text} as double)) and not contains({text}, '_')"
        # The inner case is computed for failed values alone.
        yield _Check(
            column.name,
            "number_out_of_range",
            f"case when {is_none} then coalesce({too_large}, false) else {_outside(value, column)} "
            "end",
        )
        yield _Check(column.name, "not_a_number", is_none)
        return
    yield _Check(column.name, "not_a_number", f"{is_none} or not isfinite({value})")
    yield _Check(column.name, "number_out_of_range", _outside(value, column))


def _outside(value: str, column: Column) -> str:
    return f"{value} < {column.minimum} or {value} > {column.maximum}"


def _first_failed(checks: Sequence[_Check]) -> str:
    branches = " ".join(
        f"when {check.condition} then {number}" for number, check in enumerate(checks, start=1)
    )
    return f"case when broken is not null then 0 {branches} end"


def _key_value(dataset: Dataset, columns: Sequence[Column]) -> str:
    """Return SQL of the first column; one that a source may lack is derived from the content."""
    key = dataset.columns[0]
    if key.required:
        return _value(key)
    parts = [
        f"coalesce({_value(column)}::varchar, '')" if column in columns else "''"
        for column in dataset.columns[1:]
    ]
    derived = f"md5(concat_ws(chr(31), {', '.join(parts)}))"
    return f"coalesce({_value(key)}, {derived})" if key in columns else derived


def _reject_json(checks: Sequence[_Check], record_json: str, withheld: str) -> str:
    columns = ", ".join(quote_text(check.column) for check in checks)
    reasons = ", ".join(quote_text(check.reason) for check in checks)
    by_column: dict[str, list[str]] = {}
    for number, check in enumerate(checks, start=1):
        if check.reason in HIDDEN_VALUES:
            continue
        by_column.setdefault(check.column, []).append(str(number))
    values = " ".join(
        f"when failed in ({', '.join(numbers)}) then {_t(column)}"
        for column, numbers in by_column.items()
    )
    return (
        f"json_object('column', ([{columns}])[failed], "
        f"'reason', coalesce(broken, ([{reasons}])[failed]), "
        f"'value', case when {withheld} then null {values} end, "
        f"'record', case when not {withheld} then {record_json} end)::varchar"
    )
