"""Timestamps of a source: text in ISO or a profile's formats becomes a UTC timestamp, in SQL.

Belongs here: the SQL for it and the check of a format. Does not belong here: bounds on dates.
"""

from collections.abc import Sequence

import duckdb

from orchestration.landing.expressions import quote_text, sandbox

#: A time of day followed by an offset at the end of the text.
_HAS_OFFSET = r":\d{2}(\.\d+)?\s*([+-]\d{2}(:?\d{2})?|Z|UTC)$"
_WITHOUT_SECONDS = r"^(\S{8,10}[T ]\d{1,2}:\d{2})([+-]|Z|UTC)"


def utc_timestamp_sql(text: str, formats: Sequence[str], timezone: str) -> str:
    """Return SQL that turns the text column ``text`` into a UTC TIMESTAMP; null when it cannot.

    Formats that begin with ``%Y-`` come first, since ISO 8601 could misread their texts; then ISO
    8601, then the other formats. An offset in the text is honoured; without one the time is taken
    to be in ``timezone``.
    """
    like_iso = [format for format in formats if format.startswith("%Y-")]
    others = [format for format in formats if not format.startswith("%Y-")]
    attempts = [
        *_strptime_sql(text, like_iso, timezone),
        _iso_sql(text, timezone),
        *_strptime_sql(text, others, timezone),
    ]
    return attempts[0] if len(attempts) == 1 else f"coalesce({', '.join(attempts)})"


def format_problem(format: str) -> str:
    """Say what is wrong with a timestamp format; empty when DuckDB understands it."""
    if "%" not in format:
        return "it has no % field, such as %Y, %m or %d"
    try:
        sandbox().cursor().execute("select try_strptime('', $1)", [format]).fetchall()
    except duckdb.Error as error:
        return str(error).strip().splitlines()[0]
    return ""


def _strptime_sql(text: str, formats: Sequence[str], timezone: str) -> list[str]:
    local = [format for format in formats if not _knows_offset(format)]
    aware = [format for format in formats if _knows_offset(format)]
    attempts = []
    if local:
        attempts.append(_to_utc(f"try_strptime({text}, {_list(local)})", timezone))
    if aware:
        attempts.append(f"try_strptime({text}, {_list(aware)}) at time zone 'UTC'")
    return attempts


def _iso_sql(text: str, timezone: str) -> str:
    # The cast to TIMESTAMP drops an offset, the cast to TIMESTAMPTZ honours it. Texts that
    # plainly end in a date, a minute or a second skip the regular expression.
    offset = f"regexp_matches({text}, {quote_text(_HAS_OFFSET)})"
    tight = rf"regexp_replace({text}, '\s+([+-]\S+|Z|UTC)$', '\1')"
    with_seconds = rf"regexp_replace({tight}, {quote_text(_WITHOUT_SECONDS)}, '\1:00\2')"
    aware = f"try_cast({with_seconds} as timestamptz) at time zone 'UTC'"
    naive = _to_utc(f"try_cast({text} as timestamp)", timezone)
    plain = f"length({text}) <= 19 and substr({text}, 17, 1) in (':', '')"
    return (
        f"case when {text} not like '____-%' then null when {plain} then {naive} "
        f"when {offset} then {aware} else {naive} end"
    )


def _to_utc(timestamp: str, timezone: str) -> str:
    if timezone == "UTC":
        return timestamp
    return f"timezone({quote_text(timezone)}, {timestamp}) at time zone 'UTC'"


def _knows_offset(format: str) -> bool:
    return "%z" in format or "%Z" in format


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(quote_text(text) for text in texts) + "]"
