"""Random sequences of landings: files that are new, late, changed, emptied, repeated or gone.

Belongs here: hypothesis strategies for what becomes of landing files, and writing it to the raw
tables as landing does. Does not belong here: building, and any expectation.

Lines come from the shops of ``reference_strategies``. They are dealt to files by customer, by month
or by chance, the files arrive in any order, and later ones of their rows are changed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import duckdb
from hypothesis import strategies as st

from orchestration.landing.ledger import (
    HELD,
    LedgerRow,
    add_ledger_rows,
    drop_ledger_rows,
    drop_raw_rows,
    next_file_id,
    read_ledger,
)
from tests.reference_lines import RawLine
from tests.reference_strategies import (
    DAYS,
    DISCOUNTS,
    FIRST_DAY,
    PRICES,
    PRODUCTS,
    REGISTERED,
    SALE_QUANTITIES,
    SECONDS,
    STATUSES,
    shops,
)

#: Whether corrections land too. Only useful while staging applies them.
WITH_CORRECTIONS = True

FILES = 5
LANDINGS = 4
_NOON = datetime(2024, 7, 1, 12)

Row = Mapping[str, Any]
Lines = tuple[RawLine, ...]


@dataclass(frozen=True)
class FileChange:
    """What becomes of one landing file: it holds these rows now; None: it is gone."""

    path: str
    dataset: str
    rows: tuple[Row, ...] | None


#: What happens between one build and the next, in order.
Landing = tuple[FileChange, ...]


@dataclass(frozen=True)
class _Edit:
    """A change of one line of a file: what is done to the line at ``place``, with which values."""

    place: int
    what: str
    other_place: int
    day: int
    second: int
    values: Mapping[str, Any]


_edits = st.builds(
    _Edit,
    place=st.integers(0, 99),
    what=st.sampled_from(
        ("drop", "drop", "customer", "customer", "guest", "date", "order", "values", "repeat")
    ),
    other_place=st.integers(0, 99),
    day=st.sampled_from((-40, -1, *DAYS, 200)),
    second=st.sampled_from(SECONDS),
    values=st.fixed_dictionaries(
        {
            "product_id": st.sampled_from(PRODUCTS),
            "quantity": st.sampled_from(SALE_QUANTITIES),
            "unit_price": st.sampled_from(PRICES),
            "discount_amount": st.sampled_from(DISCOUNTS),
            "status": st.sampled_from(STATUSES),
            "channel": st.sampled_from((None, "web", "shop")),
        }
    ),
)
_late_changes = st.tuples(
    st.integers(1, LANDINGS),
    st.integers(0, FILES - 1),
    st.sampled_from(("edit", "edit", "edit", "empty", "gone")),
    st.lists(_edits, min_size=1, max_size=3),
)


@st.composite
def landed_histories(draw: st.DrawFn) -> list[Landing]:
    """A first landing and what lands after it."""
    lines = _numbered(draw(st.sampled_from(("all", "all", "none", "some"))), _lines(draw))
    files = _dealt(draw, lines)
    customers = sorted({line.customer_id for line in lines if line.customer_id} | {"new1", "new2"})
    steps: list[tuple[int, int, Callable[[], list[FileChange]]]] = []
    arrivals = draw(st.lists(st.integers(0, LANDINGS - 1), min_size=FILES, max_size=FILES))
    steps += [
        (arrival, 0, partial(_order_file, files, file)) for file, arrival in enumerate(arrivals)
    ]
    for landing, file, how, edits in draw(st.lists(_late_changes, max_size=4)):
        steps.append(
            (
                max(landing, arrivals[file]),
                1,
                partial(_changed_order_file, files, file, how, edits, customers),
            )
        )
    for dataset, rows in (
        ("customers", _customers(customers)),
        ("products", _products()),
        ("events", _events(customers)),
    ):
        for landing, file, version in draw(
            st.lists(st.tuples(st.integers(0, LANDINGS), st.integers(1, 2), rows), max_size=3)
        ):
            change = FileChange(f"{dataset}_{file}.csv", dataset, tuple(version))
            steps.append((landing, 0, partial(list, [change])))
    if WITH_CORRECTIONS:
        for landing, file, version in draw(_correction_files(lines, customers)):
            change = FileChange(f"corrections_{file}.csv", "corrections", tuple(version))
            steps.append((landing, 2, partial(list, [change])))
    landings: list[Landing] = []
    for number in range(LANDINGS + 1):
        due = sorted((step for step in steps if step[0] == number), key=lambda step: step[1])
        changes = tuple(change for _, _, happen in due for change in happen())
        if changes:
            landings.append(changes)
    return landings


def _lines(draw: st.DrawFn) -> Lines:
    """Lines of a shop, ids as landing writes them, some orders naming two customers."""
    lines = [
        replace(
            line,
            customer_id=_normalised(line.customer_id),
            product_id=_normalised(line.product_id) or "",
        )
        for line in draw(shops()).lines
    ]
    for place, other in draw(
        st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=3)
    ):
        taken_from = lines[other % len(lines)]
        lines[place % len(lines)] = replace(
            lines[place % len(lines)], customer_id=taken_from.customer_id
        )
    return tuple(lines)


def _normalised(value: str | None) -> str | None:
    return value and re.sub(r"^([0-9]+)\.0$", r"\1", value)


def _numbered(which: str, lines: Lines) -> Lines:
    """Lines of a source that numbers all, none or some of them."""
    return tuple(
        line
        if which == "all" or (which == "some" and len(line.order_id) % 2)
        else replace(line, line_number=None)
        for line in lines
    )


def _dealt(draw: st.DrawFn, lines: Lines) -> dict[int, Lines]:
    """Lines by file; a few stand in two files."""
    how = draw(st.sampled_from(("customer", "customer", "month", "chance")))
    if how == "chance":
        file_of = draw(
            st.lists(st.integers(0, FILES - 1), min_size=len(lines), max_size=len(lines))
        )
    elif how == "month":
        file_of = [(line.ordered_at.year * 12 + line.ordered_at.month) % FILES for line in lines]
    else:
        # The histories of a shop are told apart by the end of their order ids.
        file_of = [int(line.order_id[-1]) % FILES for line in lines]
    files = {
        file: tuple(line for line, own in zip(lines, file_of, strict=True) if own == file)
        for file in range(FILES)
    }
    copies = st.lists(st.tuples(st.integers(0, 99), st.integers(0, FILES - 1)), max_size=3)
    for place, file in draw(copies):
        files[file] += (lines[place % len(lines)],)
    return files


def _order_file(files: Mapping[int, Lines], file: int) -> list[FileChange]:
    return [
        FileChange(
            f"order_lines_{file}.csv", "order_lines", tuple(asdict(line) for line in files[file])
        )
    ]


def _changed_order_file(
    files: dict[int, Lines],
    file: int,
    how: str,
    edits: Sequence[_Edit],
    customers: Sequence[str],
) -> list[FileChange]:
    """Change a file's lines in place, and say so."""
    if how == "gone":
        return [FileChange(f"order_lines_{file}.csv", "order_lines", None)]
    lines = list(files[file])
    everything = [line for known in files.values() for line in known]
    for edit in edits:
        if lines and everything:
            lines = _edited(lines, edit, everything, customers)
    files[file] = () if how == "empty" else _with_free_numbers(lines, files, file)
    return _order_file(files, file)


def _edited(
    lines: list[RawLine], edit: _Edit, everything: Sequence[RawLine], customers: Sequence[str]
) -> list[RawLine]:
    place = edit.place % len(lines)
    line, other = lines[place], everything[edit.other_place % len(everything)]
    changed = {
        "drop": [],
        "customer": [replace(line, customer_id=customers[edit.other_place % len(customers)])],
        "guest": [replace(line, customer_id=None)],
        "date": [
            replace(line, ordered_at=FIRST_DAY + timedelta(days=edit.day, seconds=edit.second))
        ],
        "order": [replace(line, order_id=other.order_id)],
        "values": [replace(line, **edit.values)],
        "repeat": [line, line],
    }[edit.what]
    return [*lines[:place], *changed, *lines[place + 1 :]]


def _with_free_numbers(lines: Iterable[RawLine], files: Mapping[int, Lines], file: int) -> Lines:
    """Lines whose number another line of the order bears get one of their own.

    Two different lines with one number break the key of the published lines, so that nothing
    would be published.
    """
    holders = {
        _key(line): line for other, known in files.items() if other != file for line in known
    }
    freed: list[RawLine] = []
    for line in lines:
        free = line
        while free.line_number is not None and holders.get(_key(free), free) != free:
            free = replace(free, line_number=free.line_number + 100)
        holders[_key(free)] = free
        freed.append(free)
    return tuple(freed)


def _key(line: RawLine) -> tuple[str, int | None]:
    return (line.order_id, line.line_number)


def _customers(customers: Sequence[str]) -> st.SearchStrategy[list[Row]]:
    return st.lists(
        st.tuples(
            st.sampled_from([*customers, "eve", "flo"]),
            st.sampled_from((*REGISTERED, 0, 60, 129, 199)),
            st.sampled_from((None, "north", "south")),
        ).map(
            lambda drawn: {
                "customer_id": drawn[0],
                "registered_at": None
                if drawn[1] is None
                else FIRST_DAY + timedelta(days=drawn[1], hours=3),
                "region": drawn[2],
            }
        ),
        max_size=5,
    )


PRODUCT_COLUMNS = ("product_id", "product_name", "list_price")


def _products() -> st.SearchStrategy[list[Row]]:
    return st.lists(
        st.tuples(
            st.sampled_from([*PRODUCTS, "P9", "C2"]),
            st.sampled_from((None, "mug", "cup")),
            st.sampled_from((None, Decimal("2.5"), Decimal(10))),
        ).map(lambda drawn: dict(zip(PRODUCT_COLUMNS, drawn, strict=True))),
        max_size=4,
    )


def _events(customers: Sequence[str]) -> st.SearchStrategy[list[Row]]:
    """Events before, in and after the shop's time; both files may hold the same ones."""
    moments = st.builds(
        lambda day, second: FIRST_DAY + timedelta(days=day, seconds=second),
        st.sampled_from((-400, -1, *DAYS, 200)),
        st.sampled_from(SECONDS),
    )
    return st.lists(
        st.tuples(
            st.sampled_from([*customers, "flo"]),
            st.sampled_from(("view", "click", "cart", "fav", "order", "review")),
            st.sampled_from(PRODUCTS),
            moments,
            st.sampled_from((None, 0.0, 2.5)),
        ).map(
            lambda drawn: {
                "event_id": "-".join(str(part) for part in drawn),
                **dict(zip(EVENT_COLUMNS, drawn, strict=True)),
            }
        ),
        max_size=6,
    )


EVENT_COLUMNS = ("customer_id", "event_type", "product_id", "occurred_at", "dwell_seconds")


def _correction_files(
    lines: Lines, customers: Sequence[str]
) -> st.SearchStrategy[list[tuple[int, int, list[Row]]]]:
    """Versions of two files of corrections, which may shrink as well as grow.

    Both give the same ids: two different corrections of one id are both out of force.
    """
    keys = sorted({line.order_id for line in lines})
    keys += sorted({f"{line.order_id}/{line.line_number}" for line in lines if line.line_number})
    values = {
        "customer_id": st.sampled_from([*customers, "12.0"]),
        "ordered_at": st.sampled_from(DAYS).map(lambda day: str(FIRST_DAY + timedelta(days=day))),
        "quantity": st.sampled_from(("1", "-1", "3", "nonsense")),
        "unit_price": st.sampled_from(("10", "5", "0")),
        "status": st.sampled_from(("completed", "refunded", "cancellation")),
    }
    setting = st.one_of(
        *(
            st.tuples(st.sampled_from(keys), st.just("set"), st.just(column), drawn)
            for column, drawn in values.items()
        )
    )
    deleting = st.tuples(st.sampled_from(keys), st.just("delete"), st.none(), st.none())
    rows = st.lists(st.one_of(setting, setting, deleting), max_size=4).map(
        lambda drawn: [
            {
                "correction_id": f"k{number}",
                "dataset": "order_lines",
                "key": key,
                "action": action,
                "reason": "by hand",
                "author": "ann",
                "corrected_at": _NOON + timedelta(hours=number),
                '"column"': column,
                "value": value,
            }
            for number, (key, action, column, value) in enumerate(drawn)
        ]
    )
    return st.lists(st.tuples(st.integers(0, LANDINGS), st.integers(1, 2), rows), max_size=4)


def land(con: duckdb.DuckDBPyConnection, landing: Landing) -> None:
    """Bring raw tables and ledger to what they are when the changed files have been loaded."""
    for change in landing:
        held = [row for row in read_ledger(con) if row.path == change.path and row.status in HELD]
        if change.rows is None:
            for row in held:
                con.execute(
                    "update raw.loaded_files set status = 'gone' where file_id = ?", [row.file_id]
                )
            continue
        file_id = next_file_id(con)
        insert_rows(con, change.dataset, [{**row, "_file_id": file_id} for row in change.rows])
        drop_raw_rows(con, change.dataset, [row.file_id for row in held])
        drop_ledger_rows(con, [row.file_id for row in held])
        add_ledger_rows(con, [_ledger_row(change, change.rows, file_id)])


def _ledger_row(change: FileChange, rows: Sequence[Row], file_id: int) -> LedgerRow:
    money = None
    if change.dataset == "order_lines":
        money = sum((row["quantity"] * row["unit_price"] for row in rows), Decimal(0))
    return LedgerRow(
        file_id,
        change.path,
        "canonical",
        change.dataset,
        size_bytes=len(rows),
        modified_at=_NOON,
        sha256=f"{file_id}",
        rows_read=len(rows),
        rows_kept=len(rows),
        money_read=money,
        money_kept=money,
        money_rejected=None if money is None else Decimal(0),
        loaded_at=_NOON,
    )


def insert_rows(con: duckdb.DuckDBPyConnection, dataset: str, rows: Sequence[Row]) -> None:
    """Insert rows into a raw table; all of them have the same columns."""
    if rows:
        columns = list(rows[0])
        marks = ", ".join("(" + ", ".join("?" * len(columns)) + ")" for _ in rows)
        con.execute(
            f"insert into raw.{dataset} ({', '.join(columns)}) values {marks}",
            [row[column] for row in rows for column in columns],
        )
