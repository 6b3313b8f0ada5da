"""The pipeline's published tables made by a hand-written SQL script: what its extras cost.

Belongs here: opening the database, the order files as rows of text, and running
``hand_written.sql``. Does not belong here: any rule of the tables (they stand in the script), and
anything of the pipeline; only its lookup tables in ``seeds/`` are read. There are no rejected rows,
no ledger of files, no checks, no reconciliation and no descriptions.

Usage: python benchmarks/hand_written.py --landing DIR --profile P --basis net --out DIR
"""

import argparse
import csv
import re
import shutil
import sys
import time
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "hand_written.sql"
SEEDS = HERE.parent / "seeds"
#: The published file, under the name the pipeline gives it.
MARTS = "marts.duckdb"

_CANONICAL_LINES = (
    "order_id, line_number, customer_id, product_id, product_name, ordered_at, quantity, "
    "unit_price, discount_amount, status, channel, platform, country"
)
_UCI_LINES = """
    "InvoiceNo" as order_id,
    null::varchar as line_number,
    "CustomerID" as customer_id,
    "StockCode" as product_id,
    nullif(trim("Description"), '') as product_name,
    "InvoiceDate" as ordered_at,
    "Quantity" as quantity,
    "UnitPrice" as unit_price,
    null::varchar as discount_amount,
    if("InvoiceNo" ilike 'C%', 'cancellation', null) as status,
    null::varchar as channel,
    null::varchar as platform,
    "Country" as country
"""
_CUSTOMER_COLUMNS = ("customer_id", "registered_at", "region")
_PRODUCT_COLUMNS = ("product_id", "product_name", "category", "list_price")


def build(
    landing: Path,
    profile: str,
    basis: str,
    out: Path,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Path:
    """Make all tables anew and return the DuckDB file; the time of every step goes to stderr.

    Args:
        landing: folder with the order files.
        profile: ``canonical`` or ``uci_online_retail``.
        basis: ``net`` or ``gross``.
        out: folder for the file, emptied first.
        memory_limit: what DuckDB may use, such as ``4GB``.
        threads: None for one per core.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    config = {"temp_directory": str(out / "spill"), "preserve_insertion_order": False}
    config |= {"memory_limit": memory_limit} if memory_limit else {}
    config |= {"threads": threads} if threads else {}
    with duckdb.connect(str(out / MARTS), config=config) as con:
        con.execute("set variable basis = $1", [basis])
        _create_input_views(con, landing, profile)
        started = time.perf_counter()
        for statement in _statements():
            con.execute(statement)
            seconds = time.perf_counter() - started
            print(f"{seconds:8.2f} s  {_title(statement)}", file=sys.stderr, flush=True)
        con.execute("checkpoint")
    shutil.rmtree(out / "spill", ignore_errors=True)
    return out / MARTS


def _create_input_views(con: duckdb.DuckDBPyConnection, landing: Path, profile: str) -> None:
    is_canonical = profile == "canonical"
    lines = _files(landing, "order_lines*.csv" if is_canonical else "*.csv")
    items = _CANONICAL_LINES if is_canonical else _UCI_LINES
    con.execute(f"create temp view order_rows as select {items} from {_reading(lines)}")
    for name, pattern, columns in (
        ("customer_rows", "customers*.csv", _CUSTOMER_COLUMNS),
        ("product_rows", "products*.csv", _PRODUCT_COLUMNS),
    ):
        files = _files(landing, pattern) if is_canonical else []
        if files:
            select = f"select {', '.join(columns)} from {_reading(files)}"
        else:
            nulls = ", ".join(f"null::varchar as {column}" for column in columns)
            select = f"select {nulls} where false"
        con.execute(f"create temp view {name} as {select}")
    for seed in (
        "line_kinds",
        "value_bands",
        "rfm_bands",
        "rfm_schemes",
        "rfm_segments",
        "segment_strategies",
    ):
        con.execute(f"create temp table {seed} as from read_csv('{SEEDS / seed}.csv', delim = ',')")


def _files(landing: Path, pattern: str) -> list[str]:
    return [str(file) for file in sorted(landing.rglob(pattern))]


def _reading(files: list[str]) -> str:
    """SQL that reads files of one form as text; to find out the form of each would take longer."""
    headers = {_header(file) for file in files}
    if len(headers) != 1:
        raise ValueError(f"The files of {Path(files[0]).parent} differ in their columns.")
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in files)
    columns = ", ".join(f"'{name}': 'varchar'" for name in headers.pop())
    return (
        f"read_csv([{names}], columns = {{{columns}}}, header = true, auto_detect = false, "
        """delim = ',', quote = '"', escape = '"')"""
    )


def _header(file: str) -> tuple[str, ...]:
    with Path(file).open(encoding="utf-8", newline="") as rows:
        return tuple(next(csv.reader(rows)))


def _statements() -> list[str]:
    """The statements of the script; none of its texts or comments holds a semicolon."""
    text = re.sub(r"^ *--.*$", "", SCRIPT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [part.strip() for part in text.split(";") if part.strip()]


def _title(statement: str) -> str:
    return " ".join(statement.split(maxsplit=5)[:4])


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--landing", type=Path, required=True, help="folder with the order files")
    parser.add_argument("--profile", choices=["uci_online_retail", "canonical"], required=True)
    parser.add_argument("--basis", choices=["net", "gross"], default="net")
    parser.add_argument("--out", type=Path, required=True, help="folder for the DuckDB file")
    parser.add_argument("--memory-limit", help="what DuckDB may use, such as 4GB")
    parser.add_argument("--threads", type=int, help="default: one per core")
    arguments = parser.parse_args()
    build(
        arguments.landing,
        arguments.profile,
        arguments.basis,
        arguments.out,
        arguments.memory_limit,
        arguments.threads,
    )


if __name__ == "__main__":
    main()
