"""From the generator's compact parts to landing files and truth tables, by DuckDB.

Belongs here: how ids, money and moments are written. Does not belong here: any decision about
what the shop holds.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.demo.calendar import ShopCalendar
from orchestration.demo.catalogue import Catalogue
from orchestration.demo.events import EVENT_COPY_EVERY, EVENT_TYPES, event_file
from orchestration.demo.matching import RULES
from orchestration.demo.mess import FAULTS
from orchestration.demo.population import CHANNELS, COUNTRIES, PLATFORMS, REGIONS
from orchestration.demo.sales import STATUSES
from orchestration.demo.truth import STATES

#: Customer ids are this number plus the customer's position.
FIRST_CUSTOMER_ID = 100_000
#: Every so many customers one row of customers.csv has lost its id.
CUSTOMER_FAULT_EVERY = 5_000
_CUSTOMER_FAULT_AT = 17
_ROW_GROUP = 20_000
_MEMORY_LIMIT = "2GB"

LINE_COLUMNS = (
    "order_id",
    "line_number",
    "customer_id",
    "product_id",
    "product_name",
    "ordered_at",
    "quantity",
    "unit_price",
    "discount_amount",
    "status",
    "channel",
    "platform",
    "country",
)


def write_part(work: Path, name: str, block: int, frame: pd.DataFrame) -> None:
    """Keep one block's frame in the work folder until the files are rendered."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, folder / f"{block:06d}.parquet", row_group_size=_ROW_GROUP)


def broken_customer_rows(customers: int) -> int:
    """Rows of customers.csv without an id, in a shop of this many customers."""
    return len(range(_CUSTOMER_FAULT_AT, customers, CUSTOMER_FAULT_EVERY))


def render_landing(
    work: Path,
    out: Path,
    file_rows: dict[str, int],
    catalogue: Catalogue,
    seed: int,
    progress: Callable[[str], None],
) -> None:
    """Write the landing files from the parts in ``work``, each in a fixed row order.

    Args:
        file_rows: names of the order line files, in the order of their numbers in the parts, with
            their rows; one without rows is not written.
    """
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config=_config(work)) as con:
        _register_names(con, catalogue)
        lines = f"read_parquet({_text(str(work / 'lines' / '*.parquet'))})"
        for file, (name, rows) in enumerate(file_rows.items()):
            if rows:
                con.execute(_lines_query(lines, file, out / name))
                progress(f"wrote {name}")
        people = f"read_parquet({_text(str(work / 'customers' / '*.parquet'))})"
        con.execute(_customers_query(people, seed, out / "customers.csv"))
        con.execute(
            "copy (select product_id, product_name, category, "
            f"{_money('list_price')} as list_price from catalogue where is_listed order by code) "
            f"to {_text(str(out / 'products.csv'))} (format csv, header)"
        )


def render_events(
    work: Path,
    out: Path,
    month_names: Sequence[str],
    catalogue: Catalogue,
    progress: Callable[[str], None],
) -> None:
    """Write the files of events from the parts in ``work``, one per month.

    Args:
        month_names: of the shop's months, in order.
    """
    with duckdb.connect(config=_config(work)) as con:
        _register_names(con, catalogue)
        source = f"read_parquet({_text(str(work / 'events' / '*.parquet'))})"
        for month, name in enumerate(month_names):
            con.execute(_events_query(source, month, out / event_file(name)))
        progress("wrote the events")


def render_truth(work: Path, out: Path, calendar: ShopCalendar) -> None:
    """Write the truth tables from the parts in ``work``, sorted by key."""
    out.mkdir(parents=True, exist_ok=True)
    rules = "['" + "', '".join(RULES) + "']"
    states = "['" + "', '".join(STATES) + "']"
    month = f"(date '{calendar.first_month}' + to_months(month::integer))::date"
    queries = {
        "orders": f"""
            select {_order_id("order_no", "0")} as order_id, {_customer_id()} as customer_id,
                make_timestamp(second * 1000000) as ordered_at,
                make_timestamp(second * 1000000)::date as order_date,
                {_decimal("gross")} as gross_revenue, {_decimal("discount")} as discounts,
                {_decimal("returned")} as returned_revenue,
                {_decimal("gross_value")} as gross_value, {_decimal("value")} as value,
                is_positive_at_month_end, is_fully_cancelled
            from parts order by 1""",
        "cancellations": f"""
            select
                {_order_id("cancellation_order_no", "cancellation_is_return")}
                    as cancelling_order_id,
                cancellation_line_number as cancelling_line_number,
                case when sale_order_no > 0 then {_order_id("sale_order_no", "sale_is_return")} end
                    as cancelled_order_id,
                nullif(sale_line_number, 0) as cancelled_line_number,
                quantity, {_decimal("amount")} as revenue, {rules}[rule + 1] as match_rule
            from parts order by 1, 2, 3 nulls last, 4""",
        "customer_months": f"""
            select {_customer_id()} as customer_id, {month} as order_month,
                {states}[state + 1] as state, order_count, {_decimal("revenue")} as revenue,
                {states}[gross_state + 1] as gross_state, gross_order_count,
                {_decimal("gross_revenue")} as gross_revenue
            from parts""",
        "behaviour": f"""
            select {_customer_id("customer_number")} as customer_id, event_count, view_count,
                cart_count, fav_count, active_days, dwell_seconds,
                date '1970-01-01' + last_event_day::integer as last_event_date
            from parts order by customer_number""",
        "groups": f"""
            select {_customer_id("customer_number")} as customer_id, customer_group
            from parts order by customer_number""",
    }
    with duckdb.connect(config=_config(work)) as con:
        # Several threads would cut large files into row groups differently from run to run.
        con.execute("set threads = 1")
        for name, query in queries.items():
            files = sorted(str(path) for path in (work / name).glob("*.parquet"))
            if not files:
                continue
            source = f"read_parquet([{', '.join(map(_text, files))}])"
            con.execute(
                f"copy (with parts as (select * from {source}) {query}) "
                f"to {_text(str(out / f'{name}.parquet'))} (format parquet)"
            )


def write_frame(frame: pd.DataFrame, money: tuple[str, ...], path: Path) -> None:
    """Write a small truth table; ``money`` names its columns of ten-thousandths."""
    columns = [f"{_decimal(name)} as {name}" if name in money else name for name in frame.columns]
    with duckdb.connect() as con:
        con.register("frame", frame)
        con.execute(
            f"copy (select {', '.join(columns)} from frame) to {_text(str(path))} (format parquet)"
        )


def _lines_query(source: str, file: int, path: Path) -> str:
    texts = {
        "order_id": _order_id("order_no", "is_return"),
        "line_number": "line_number::varchar",
        "customer_id": _customer_id(),
        "product_id": "product_id",
        "product_name": "product_name",
        "ordered_at": "make_timestamp(second * 1000000)::varchar",
        "quantity": "quantity::varchar",
        "unit_price": _money("price"),
        "discount_amount": f"case when discount > 0 then {_money('discount')} end",
        # The marketplace sends no status for what went well.
        "status": f"case when status > 0 or channel <> {CHANNELS.index('marketplace')} "
        f"then {_pick(STATUSES, 'status')} end",
        "channel": _pick(CHANNELS, "channel"),
        "platform": f"nullif({_pick(PLATFORMS, 'platform')}, '')",
        "country": _pick(COUNTRIES, "country"),
    }
    selected = []
    for column in LINE_COLUMNS:
        faults = [
            f"when fault = {index} then nullif({_text(fault.value)}, '')"
            for index, fault in enumerate(FAULTS)
            if fault.column == column
        ]
        text = texts[column]
        if faults:
            text = f"case {' '.join(faults)} else {text} end"
        selected.append(f"{text} as {column}")
    return f"""
        copy (
            select {", ".join(selected)}
            from {source} as parts join catalogue on product = code
            where file = {file}
            order by second, order_no, is_return, parts.line_number, fault
        ) to {_text(str(path))} (format csv, header)
    """


def _customers_query(source: str, seed: int, path: Path) -> str:
    return f"""
        copy (
            select
                case when copy_number = 0 then {_customer_id("customer_number")} end as customer_id,
                make_timestamp(registered_second * 1000000)::varchar as registered_at,
                {_pick(REGIONS, "region")} as region,
                md5('mail' || {seed} || '-' || customer_number) as email_hash,
                case when has_phone then md5('phone' || {seed} || '-' || customer_number) end
                    as phone_hash
            from {source}, (select unnest([0, 1]) as copy_number)
            where copy_number = 0
                or customer_number % {CUSTOMER_FAULT_EVERY} = {_CUSTOMER_FAULT_AT}
            order by customer_number, copy_number
        ) to {_text(str(path))} (format csv, header)
    """


def _events_query(source: str, month: int, path: Path) -> str:
    number = "lpad(block::varchar, 4, '0') || lpad({}::varchar, 9, '0')"
    return f"""
        copy (
            select
                'E' || {number.format("event")} as event_id,
                {_customer_id("customer + first_customer")} as customer_id,
                {_pick(EVENT_TYPES, "event_type")} as event_type,
                product_id,
                make_timestamp(second * 1000000)::varchar as occurred_at,
                'V' || {number.format("visit")} as session_id,
                nullif(category, '') as category,
                nullif(dwell, 0)::varchar as dwell_seconds
            from {source} as parts
            join catalogue on product = code,
            (select unnest([0, 1]) as copy_number)
            where month = {month} and (copy_number = 0 or event % {EVENT_COPY_EVERY} = 0)
            order by second, block, event
        ) to {_text(str(path))} (format csv, header)
    """


def _config(work: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {"memory_limit": _MEMORY_LIMIT, "temp_directory": str(work / "spill")}


def _register_names(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    con.register("catalogue_frame", catalogue.table)
    con.execute("create temp table catalogue as select * from catalogue_frame")


def _order_id(number: str, is_return: str) -> str:
    return (
        f"case when {is_return}::boolean then 'R' else '' end || lpad({number}::varchar, 11, '0')"
    )


def _customer_id(column: str = "customer") -> str:
    return f"case when {column} >= 0 then ({column} + {FIRST_CUSTOMER_ID})::varchar end"


def _money(pence: str) -> str:
    return f"({pence} // 100) || '.' || lpad(({pence} % 100)::varchar, 2, '0')"


def _decimal(ten_thousandths: str) -> str:
    return f"({ten_thousandths}::decimal(18,0) * 0.0001::decimal(4,4))::decimal(18,4)"


def _pick(names: tuple[str, ...], code: str) -> str:
    return "[" + ", ".join(_text(name) for name in names) + f"][{code} + 1]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
