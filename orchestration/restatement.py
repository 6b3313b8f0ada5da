"""What a build compares its figures of closed months with: those of the last publication.

Belongs here: copying the published figures into schema ``changes`` and noting what is new since, as
causes of restated figures. Does not belong here: the comparison
(``dbt_project/models/quality/rpt_restatements.sql``).
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import duckdb

from orchestration.fingerprint import Fingerprint
from orchestration.landing.ledger import read_marks
from orchestration.publishing.kept import next_number
from orchestration.publishing.run_manifest import RunManifest
from orchestration.settings import Settings

_TABLES = {
    "publication": "publication_number bigint, closed_until date",
    "published_figures": "order_month date, table_name varchar, metric varchar, "
    "dimension_value varchar, value decimal(38, 4)",
    "published_restatements": "publication_number bigint, as_of_date date, order_month date, "
    "table_name varchar, metric varchar, dimension_value varchar, before_value decimal(38, 4), "
    "after_value decimal(38, 4), difference decimal(38, 4), cause varchar, sources varchar",
    "added_files": "file_id bigint, dataset varchar, path varchar",
    "other_causes": "cause varchar, cause_month date, source varchar",
}


def write_first_publication(con: duckdb.DuckDBPyConnection) -> None:
    """Write that nothing is published yet, so that nothing can be restated."""
    con.execute("create schema if not exists changes")
    for table, columns in _TABLES.items():
        con.execute(f"create or replace table changes.{table} ({columns})")
    con.execute("insert into changes.publication values (1, null)")


def write_last_publication(
    con: duckdb.DuckDBPyConnection,
    database: str,
    base: RunManifest,
    settings: Settings,
    made_from: Fingerprint,
) -> None:
    """Write the published figures of closed months, and what is new since they were published.

    Args:
        con: the warehouse, with the landing files loaded.
        database: name the publication is attached under.
        base: its manifest.
        settings: the settings of the build to come.
        made_from: what that build will follow from.
    """
    write_first_publication(con)
    con.execute(
        "update changes.publication set publication_number = $1, closed_until = $2",
        [next_number(settings, base.publication_number), closed_until(base.as_of_date)],
    )
    for table, published in (
        ("published_figures", "rpt_monthly_figures"),
        ("published_restatements", "rpt_restatements"),
    ):
        if _has_table(con, database, published):
            con.execute(f"insert into changes.{table} by name from {database}.quality.{published}")
    con.execute(
        f"""
        insert into changes.added_files
        select file_id, dataset, path
        from raw.loaded_files
        where
            status in ('loaded', 'gone')
            and (dataset, sha256) not in (
                select (dataset, sha256) from {database}.meta.input_files
                where status in ('loaded', 'gone')
            )
        """
    )
    _write_other_causes(con, database, base, settings, made_from)


def closed_until(as_of_date: date | None) -> date | None:
    """Last day of the last month that was complete at an as-of date."""
    if as_of_date is None:
        return None
    tomorrow = as_of_date + timedelta(days=1)
    return tomorrow.replace(day=1) - timedelta(days=1)


def _write_other_causes(
    con: duckdb.DuckDBPyConnection,
    database: str,
    base: RunManifest,
    settings: Settings,
    made_from: Fingerprint,
) -> None:
    causes: list[tuple[str, str]] = []
    if base.settings_digest != made_from.settings:
        changed = _changed_settings(base.settings, settings)
        # No figure that is restated follows from how customers are clustered.
        moved = [text for text in changed if not text.startswith("cluster")]
        causes += [("changed_setting", text) for text in (moved if changed else ["profiles"])]
    if base.code_digest != made_from.code:
        causes.append(("changed_code", "models, lookup tables or code"))
    for cause, source in causes:
        con.execute("insert into changes.other_causes values ($1, null, $2)", [cause, source])
    con.execute(
        """
        insert into changes.other_causes
        select 'changed_registrations', null, path
        from changes.added_files
        where dataset in ('customers', 'products')
        """
    )
    # Content that is gone: a file that was changed, or one that is no longer in the ledger.
    con.execute(
        f"""
        insert into changes.other_causes
        select 'changed_file', null, path
        from {database}.meta.input_files
        where
            status in ('loaded', 'gone')
            and dataset = 'order_lines'
            and (dataset, sha256) not in (
                select (dataset, sha256) from raw.loaded_files where status in ('loaded', 'gone')
            )
        """
    )
    _write_corrections(con, database, base)


def _write_corrections(con: duckdb.DuckDBPyConnection, database: str, base: RunManifest) -> None:
    """Corrections that are new or gone, each from the first month its lines lie in."""
    con.execute(
        """
        create or replace temp table changed_corrections as
        select
            corrections."key" as record_key,
            'correction ' || corrections.correction_id as source,
            case when corrections."column" = 'ordered_at' then try_cast("value" as timestamp) end
                as new_moment
        from raw.corrections as corrections
        inner join changes.added_files as added_files
            on corrections._file_id = added_files.file_id
        where corrections.dataset = 'order_lines'
        """
    )
    if base.marks.warehouse_id == read_marks(con).warehouse_id:
        con.execute(
            """
            insert into changed_corrections
            select record_key, 'correction of ' || record_key || ' taken back', null
            from raw.removed_rows
            where dataset = 'corrections' and removal_number > $1 and record_key is not null
            """,
            [base.marks.last_removal],
        )
    con.execute(
        f"""
        insert into changes.other_causes
        with corrected_orders as (
            select source, record_key as order_id from changed_corrections
            union
            select source, regexp_replace(record_key, '/[0-9]+$', '') from changed_corrections
        ),
        moments as (
            select corrected_orders.source, lines.ordered_at
            from corrected_orders
            inner join raw.order_lines as lines on corrected_orders.order_id = lines.order_id
            union all
            select corrected_orders.source, lines.order_date
            from corrected_orders
            inner join {database}.core.fct_order_lines as lines
                on corrected_orders.order_id = lines.order_id
            union all
            select source, new_moment from changed_corrections where new_moment is not null
        )
        select 'correction', cast(date_trunc('month', min(ordered_at)) as date), source
        from moments
        group by source
        """
    )


def _changed_settings(before: Mapping[str, Any], settings: Settings) -> list[str]:
    told = settings.dbt_vars() | settings.model_settings() | {"profile": settings.profile}
    now = json.loads(json.dumps(told))
    return [
        f"{name}: {json.dumps(before.get(name))} -> {json.dumps(value)}"
        for name, value in sorted(now.items())
        if before.get(name) != value
    ]


def _has_table(con: duckdb.DuckDBPyConnection, database: str, name: str) -> bool:
    row = con.execute(
        """
        select count(*) from duckdb_tables()
        where database_name = $1 and schema_name = 'quality' and table_name = $2
        """,
        [database, name],
    ).fetchone()
    return bool(row and row[0])
