"""Corrections of landed data: what is in force, what is refused and why, and the way back.

Rules are tried on a small shop in memory, built with the project's own SQL; the command is run
once over files, with a correction and without it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import pytest

from orchestration.landing.contract import CONTRACT, Kind
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.settings import DBT_PROJECT_DIR
from tests.building import Builder, Built, run_command
from tests.compiled_models import SmallWarehouse, small_warehouse
from tests.published_tables import differences
from tests.small_shops import copy_of, small_shop

Rows = list[tuple[Any, ...]]

START = datetime(2024, 1, 1)
LINE_COLUMNS = (
    "order_id", "line_number", "product_id", "ordered_at", "quantity", "unit_price", "customer_id",
)  # fmt: skip
LINES: list[tuple[Any, ...]] = [
    # Numbered by their source.
    ("A1", 1, "cup", "2024-01-05 10:00", 2, "5.00", "ann"),
    ("A1", 2, "pot", "2024-01-05 10:00", 1, "20.00", "ann"),
    ("A2", 1, "cup", "2024-02-10 10:00", 4, "5.00", "bob"),
    # Not numbered, with two equal lines: pan 1, pan 2 (twice), cup 3 by content.
    ("B1", None, "pan", "2024-03-01 09:00", 3, "7.00", "ann"),
    ("B1", None, "pan", "2024-03-01 09:00", 5, "7.00", "ann"),
    ("B1", None, "pan", "2024-03-01 09:00", 5, "7.00", "ann"),
    ("B1", None, "cup", "2024-03-02 09:00", 1, "5.00", "ann"),
    # Partly numbered: the line without a number comes after number 4.
    ("B2", 4, "pan", "2024-03-05 09:00", 1, "7.00", "bob"),
    ("B2", None, "cup", "2024-03-05 09:00", 9, "5.00", "bob"),
    # Ids that hold a slash; C/1 is an order and could be line 1 of order C.
    ("C", 1, "pot", "2024-03-10 09:00", 1, "20.00", "eve"),
    ("C/1", 1, "cup", "2024-03-11 09:00", 1, "5.00", "eve"),
    ("C/1", 2, "cup", "2024-03-11 09:00", 2, "5.00", "eve"),
    # Nothing is corrected here, and it is the last date.
    ("D1", 1, "pot", "2024-04-01 09:00", 1, "20.00", "dan"),
]


def _raw_lines() -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(LINES):
        row = dict(zip(LINE_COLUMNS, line, strict=True))
        row["ordered_at"] = datetime.fromisoformat(row["ordered_at"])
        row["unit_price"] = Decimal(row["unit_price"])
        # The order that nobody corrects shares a file with others; D1 has one of its own.
        rows.append({**row, "_file_id": 2 if row["order_id"] == "D1" else 1 + 2 * (number % 2)})
    return rows


def _ledger() -> list[dict[str, Any]]:
    lines = _raw_lines()
    rows = []
    for file_id in (1, 2, 3):
        mine = [line for line in lines if line["_file_id"] == file_id]
        money = sum(line["quantity"] * line["unit_price"] for line in mine)
        rows.append({
            "file_id": file_id, "path": f"{file_id}.csv", "dataset": "order_lines",
            "profile": "canonical", "status": "loaded", "rows_read": len(mine),
            "rows_kept": len(mine), "rows_rejected": 0, "money_read": money, "money_kept": money,
            "money_rejected": Decimal(0),
        })  # fmt: skip
    return rows


def correction(
    key: str, column: str | None = None, value: str | None = None, **other: Any
) -> dict[str, Any]:
    """A row of the corrections dataset; without a column it deletes."""
    return {
        "dataset": "order_lines", "key": key, "action": "set" if column else "delete",
        "reason": "typing error", "author": "kim", '"column"': column, "value": value,
        "_file_id": 9, **other,
    }  # fmt: skip


def numbered(corrections: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The corrections with ids and moments, each a minute after the one before."""
    return [
        {
            "correction_id": f"k{number}",
            "corrected_at": START + timedelta(minutes=number),
            **dict(row),
        }
        for number, row in enumerate(corrections, start=1)
    ]


class Shop:
    """The shop in memory, with some corrections, as far as asked for."""

    def __init__(self, *corrections: Mapping[str, Any], variant: str = "net") -> None:
        self.warehouse: SmallWarehouse = small_warehouse(variant)
        self.warehouse.build(
            {
                "order_lines": _raw_lines(),
                "loaded_files": _ledger(),
                "customers": [
                    {"customer_id": name, "region": region, "email_hash": "e", "_file_id": 5}
                    for name, region in (("ann", "north"), ("bob", "south"))
                ],
                "products": [
                    {"product_id": "cup", "product_name": "Cup", "list_price": 6, "_file_id": 6}
                ],
                "agents": [{"agent_id": "17", "agent_name": "Li", "_file_id": 7}],
                "corrections": numbered(corrections),
            },
            tuple(
                name
                for name, model in self.warehouse.models.items()
                if model.schema in (*PUBLISHED_SCHEMAS, "staging")
            ),
        )

    def rows(self, model: str, columns: str) -> Rows:
        """Rows of a model in order."""
        return sorted(self.warehouse.rows(model, columns), key=repr)

    def lines(self, order_id: str, columns: str) -> Rows:
        """Columns of the lines of an order, by number, as analysts see them."""
        found = self.rows("fct_order_lines", f"order_id, line_number, {columns}")
        return [row[1:] for row in sorted(found, key=lambda row: row[1]) if row[0] == order_id]

    def statuses(self) -> dict[str, tuple[str, int]]:
        """Status and number of records by correction."""
        found = self.rows("rpt_corrections", "correction_id, status, records_changed")
        return {row[0]: row[1:] for row in found}

    def published(self) -> dict[str, Rows]:
        """All published tables but the one on corrections."""
        return {
            name: self.rows(name, "*")
            for name, model in self.warehouse.models.items()
            if model.schema in PUBLISHED_SCHEMAS and name != "rpt_corrections"
        }

    def assert_reconciled(self) -> None:
        """No difference in any step."""
        found = self.rows("rpt_reconciliation", "step, difference")
        assert len(found) == 23
        assert [row for row in found if row[1] != 0] == []


def test_without_corrections_lines_are_those_that_landed() -> None:
    shop = Shop()
    columns = ", ".join(LINE_COLUMNS)
    landed = sorted(
        shop.warehouse.con.execute(f"select {columns} from raw.order_lines").fetchall(), key=repr
    )
    assert shop.rows("stg_order_lines", columns) == landed
    assert shop.statuses() == {}
    shop.assert_reconciled()


def test_set_changes_one_column_of_a_line_or_of_an_order() -> None:
    shop = Shop(
        correction("A1/2", "quantity", "3"),
        correction("A2/1", "unit_price", "4.5"),
        correction("A1", "customer_id", "17850.0"),
        correction("C", "ordered_at", "2024-02-28 23:30:00-02:00"),
    )
    assert shop.lines("A1", "quantity, unit_price, customer_id") == [
        (1, 2, Decimal("5.0000"), "17850"),
        (2, 3, Decimal("20.0000"), "17850"),
    ]
    assert shop.lines("A2", "unit_price, net_revenue") == [(1, Decimal("4.5"), Decimal(18))]
    assert shop.lines("C", "ordered_at, order_date") == [
        (1, datetime(2024, 2, 29, 1, 30), datetime(2024, 2, 29).date())
    ]
    assert shop.statuses() == {
        "k1": ("applied", 1), "k2": ("applied", 1), "k3": ("applied", 2), "k4": ("applied", 1),
    }  # fmt: skip
    shop.assert_reconciled()


def test_an_order_moves_from_one_customer_to_another() -> None:
    before = {row[0]: row[1:] for row in _customers(Shop())}
    shop = Shop(correction("A1", "customer_id", "bob"))
    after = {row[0]: row[1:] for row in _customers(shop)}
    assert before["ann"] == (2, Decimal(91), datetime(2024, 1, 5).date())
    assert after["ann"] == (1, Decimal(61), datetime(2024, 3, 1).date())
    assert before["bob"] == (2, Decimal(72), datetime(2024, 2, 10).date())
    assert after["bob"] == (3, Decimal(102), datetime(2024, 1, 5).date())
    assert {name: after[name] for name in ("eve", "dan")} == {
        name: before[name] for name in ("eve", "dan")
    }
    shop.assert_reconciled()
    unknown = Shop(correction("A1", "customer_id", None))
    assert unknown.lines("A1", "customer_id") == [(1, None), (2, None)]


def _customers(shop: Shop) -> Rows:
    return shop.rows("dim_customers", "customer_id, order_count, net_revenue, first_order_date")


def test_delete_removes_a_line_or_an_order_and_nothing_else() -> None:
    before = Shop().rows("fct_order_lines", "*")
    shop = Shop(correction("A1/1"), correction("C/1"), correction("B2/5"))
    after = shop.rows("fct_order_lines", "*")
    gone = [row[:2] for row in before if row not in after]
    assert gone == [("A1", 1), ("B2", 5), ("C/1", 1), ("C/1", 2)]
    assert [row for row in after if row not in before] == []
    assert shop.lines("A1", "product_id") == [(2, "pot")]
    assert shop.lines("B2", "product_id") == [(4, "pan")]
    assert shop.statuses() == {"k1": ("applied", 1), "k2": ("applied", 2), "k3": ("applied", 1)}
    shop.assert_reconciled()
    terms = {row[0]: row[1:] for row in shop.rows("rpt_reconciliation", "step, set_aside, terms")}
    assert terms[5] == (Decimal(4), "corrections: lines deleted")
    assert terms[6][0] == Decimal(10 + 15 + 45)


def test_deleting_every_line_leaves_empty_tables() -> None:
    orders = sorted({line[0] for line in LINES})
    shop = Shop(*(correction(order) for order in orders))
    assert shop.rows("fct_order_lines", "*") == []
    assert all(status == "applied" for status, _ in shop.statuses().values())


def test_the_later_correction_counts_whatever_its_place() -> None:
    first = correction("A1/1", "quantity", "7", correction_id="1", corrected_at=START)
    later = correction(
        "A1/1", "quantity", "8", correction_id="0", corrected_at=datetime(2024, 5, 1)
    )
    for corrections in ((first, later), (later, first)):
        shop = Shop(*corrections)
        assert shop.lines("A1", "quantity") == [(1, 8), (2, 1)]
        assert shop.statuses() == {"1": ("superseded", 0), "0": ("applied", 1)}
    tie = Shop(first, {**later, "corrected_at": START})
    assert tie.lines("A1", "quantity") == [(1, 7), (2, 1)]


def test_an_order_and_its_lines_are_set_by_the_later_of_both() -> None:
    shop = Shop(
        correction("A1/1", "country", "FR"),
        correction("A1", "country", "DE"),
        correction("A1/2", "country", "IT"),
    )
    staged = shop.rows("stg_order_lines", "order_id, line_number, country")
    assert [row[1:] for row in staged if row[0] == "A1"] == [(1, "DE"), (2, "IT")]
    assert shop.statuses() == {
        "k1": ("superseded", 0), "k2": ("applied", 1), "k3": ("applied", 1),
    }  # fmt: skip


def test_the_latest_of_set_and_delete_decides_whether_a_record_is_there() -> None:
    gone = Shop(correction("A1/1", "quantity", "7"), correction("A1/1"))
    assert gone.lines("A1", "quantity") == [(2, 1)]
    assert gone.statuses() == {"k1": ("superseded", 0), "k2": ("applied", 1)}
    back = Shop(
        correction("A1/1", "quantity", "7"),
        correction("A1/1"),
        correction("A1/1", "unit_price", "6"),
    )
    assert back.lines("A1", "quantity, unit_price") == [(1, 7, Decimal(6)), (2, 1, Decimal(20))]
    assert back.statuses() == {
        "k1": ("applied", 1), "k2": ("superseded", 0), "k3": ("applied", 1),
    }  # fmt: skip
    # A line stays out as long as its order is deleted, and the other way round.
    for corrections in (
        (correction("A1"), correction("A1/1", "quantity", "7")),
        (correction("A1/1"), correction("A1", "country", "DE"), correction("A1/2")),
    ):
        assert Shop(*corrections).lines("A1", "quantity") == []
    both = Shop(correction("A1/1"), correction("A1"))
    assert both.statuses() == {"k1": ("superseded", 0), "k2": ("applied", 2)}
    for shop in (gone, back, both):
        shop.assert_reconciled()


def test_a_derived_number_is_the_one_before_the_correction_and_stays() -> None:
    before = Shop().lines("B1", "product_id, quantity")
    assert before == [(1, "pan", 3), (2, "pan", 5), (3, "cup", 1)]
    shop = Shop(
        correction("B1/1", "quantity", "50"), correction("B1/3", "ordered_at", "2024-02-01")
    )
    assert shop.lines("B1", "product_id, quantity") == [
        (1, "pan", 50), (2, "pan", 5), (3, "cup", 1),
    ]  # fmt: skip
    deleted = Shop(correction("B1/1"), correction("B2/5", "quantity", "8"))
    assert deleted.lines("B1", "product_id, quantity") == [(2, "pan", 5), (3, "cup", 1)]
    assert deleted.lines("B2", "product_id, quantity") == [(4, "pan", 1), (5, "cup", 8)]
    for each in (shop, deleted):
        each.assert_reconciled()


def test_copies_of_a_line_share_number_and_correction() -> None:
    shop = Shop(correction("B1/2", "quantity", "6"))
    assert shop.lines("B1", "quantity") == [(1, 3), (2, 6), (3, 1)]
    assert shop.statuses() == {"k1": ("applied", 2)}
    repeated = shop.rows("int_repeated_order_lines", "quantity, is_set_aside")
    assert repeated == [(6, False), (6, True)]
    shop.assert_reconciled()


def test_where_copies_count_as_lines_each_has_its_own_number() -> None:
    before = Shop(variant="article").lines("B1", "quantity")
    assert before == [(1, 3), (2, 5), (3, 5), (4, 1)]
    shop = Shop(correction("B1/3", "quantity", "6"), variant="article")
    assert shop.lines("B1", "quantity") == [(1, 3), (2, 5), (3, 6), (4, 1)]
    assert shop.statuses() == {"k1": ("applied", 1)}
    shop.assert_reconciled()


def test_a_key_that_is_an_order_as_a_whole_is_an_order() -> None:
    shop = Shop(
        correction("C/1", "unit_price", "1"),
        correction("C/1/2", "quantity", "9"),
    )
    assert shop.lines("C", "unit_price") == [(1, Decimal(20))]
    assert shop.lines("C/1", "unit_price, quantity") == [(1, Decimal(1), 1), (2, Decimal(1), 9)]
    assert shop.statuses() == {"k1": ("applied", 2), "k2": ("applied", 1)}


def test_other_datasets_are_corrected_by_their_key() -> None:
    shop = Shop(
        correction("ann", "region", "west", dataset="customers"),
        correction("bob", dataset="customers"),
        correction("cup", "list_price", "6.25", dataset="Products"),
        correction("cup", "Product_Name", "Mug", dataset="products"),
        correction("17.0", "agent_name", "Lin", dataset="agents"),
    )
    assert shop.rows("stg_customers", "customer_id, region") == [("ann", "west")]
    found = {
        row[0]: row[1:] for row in shop.rows("dim_customers", "customer_id, region, order_count")
    }
    assert found["ann"] == ("west", 2)
    assert found["bob"] == (None, 2)
    products = shop.rows("dim_products", "product_id, product_name, list_price")
    assert products[0] == ("cup", "Mug", Decimal("6.25"))
    assert shop.rows("stg_agents", "agent_id, agent_name") == [("17", "Lin")]
    assert set(shop.statuses().values()) == {("applied", 1)}
    shop.assert_reconciled()


#: Corrections that cannot be applied, and what is said of each.
REFUSED = [
    (correction("A1", "quantity", "many"), '"many" is not a whole number'),
    (correction("A1", "quantity", "1.5"), '"1.5" is not a whole number'),
    (correction("A1", "quantity", "1_000"), '"1_000" is not a whole number'),
    (correction("A1", "quantity", "2000000000"), "does not lie between -1000000000.0000 and"),
    (correction("A1", "quantity", "inf"), "not a whole number"),
    (correction("A1", "unit_price", "-1"), '"-1" does not lie between 0.0000 and'),
    (correction("A1", "unit_price", "nine"), '"nine" is not a number; write it as 1234.5'),
    (correction("A1", "unit_price", None), "unit_price cannot be empty"),
    (correction("A1", "ordered_at", "31.03.2024"), "is not a moment; write it as 2024-03-31"),
    (correction("A1", "ordered_at", "2999-01-01"), "not lie in the years 1990 to 2099"),
    (
        correction("A1", "status", "refunded, completed"),
        "is not one of completed, cancellation",
    ),
    (correction("A1", "status", "lost"), '"lost" is not one of completed, cancellation, refu'),
    (correction("A1", "order_id", "A9"), "order_id is part of the key and stays"),
    (correction("A1/1", "line_number", "9"), "line_number is part of the key and stays"),
    (correction("A1", "colour", "red"), 'has no column "colour"; name one of product_id, ord'),
    (correction("A1", "", "red", action="set", **{'"column"': None}), "set needs a column"),
    (correction("A1", "quantity", action="delete"), "leave column and value empty"),
    (correction("A1", "quantity", "1", dataset="orders"), 'no dataset "orders" can be correct'),
    (
        correction("k", "value", "1", dataset="corrections"),
        "name one of order_lines, customers",
    ),
    (correction("A9", "quantity", "1"), "no order and no line has this key"),
    (correction("A1/3", "quantity", "1"), "a line by order_id/line_number"),
    (correction("C/9"), "no order and no line has this key"),
    (correction("zoe", "region", "x", dataset="customers"), "no record of customers has this"),
]


def test_what_cannot_be_applied_says_why_and_changes_nothing() -> None:
    shop = Shop(*(row for row, _ in REFUSED))
    found = {
        correction_id: rest
        for correction_id, *rest in shop.rows(
            "rpt_corrections", "correction_id, status, problem, records_changed"
        )
    }
    assert len(found) == len(REFUSED)
    for number, (_, said) in enumerate(REFUSED, start=1):
        status, problem, changed = found[f"k{number}"]
        assert (status, changed) == ("rejected", 0), said
        assert said in problem
    assert shop.published() == Shop().published()


def test_corrections_that_make_an_amount_too_large_are_refused_together() -> None:
    shop = Shop(
        correction("A1/1", "quantity", "1000000000"),
        correction("A1", "unit_price", "1000"),
        correction("A2", "quantity", "1000000000"),
    )
    assert shop.lines("A1", "quantity, unit_price") == [(1, 2, Decimal(5)), (2, 1, Decimal(20))]
    assert shop.lines("A2", "quantity") == [(1, 1_000_000_000)]
    found = shop.rows("rpt_corrections", "correction_id, status, problem")
    assert [row[1] for row in found] == ["rejected", "rejected", "applied"]
    assert "price would reach 1000000000000" in found[0][2]
    shop.assert_reconciled()


def test_a_refused_correction_leaves_an_earlier_one_in_force() -> None:
    shop = Shop(correction("A1/1", "quantity", "7"), correction("A1/1", "quantity", "x"))
    assert shop.lines("A1", "quantity") == [(1, 7), (2, 1)]
    assert shop.statuses() == {"k1": ("applied", 1), "k2": ("rejected", 0)}


def test_one_id_for_two_corrections_is_refused_and_for_copies_of_one_is_not() -> None:
    row = correction("A1/1", "quantity", "7", correction_id="x", corrected_at=START)
    assert Shop(row, {**row, "_file_id": 10}).statuses() == {"x": ("applied", 1)}
    other = Shop(row, {**row, "value": "8"})
    assert other.statuses() == {"x": ("rejected", 0)}
    ((problem,),) = other.rows("rpt_corrections", "problem")
    assert "2 different corrections carry this id" in problem


def test_hashes_and_values_of_unknown_columns_are_not_published() -> None:
    shop = Shop(
        correction("ann", "email_hash", "secret", dataset="customers"),
        correction("ann", "email", "ann@example.com", dataset="customers"),
        correction("ann", "region", "west", dataset="customers"),
    )
    found = shop.rows("rpt_corrections", "column_name, column_value")
    assert found == [("email", "not shown"), ("email_hash", "not shown"), ("region", "west")]
    assert shop.rows("stg_customers", "email_hash") == [("e",), ("secret",)]


def test_a_later_correction_brings_the_old_figures_back() -> None:
    changed = Shop(correction("A1/1", "quantity", "7"), correction("A2"))
    assert changed.published() != Shop().published()
    back = Shop(
        correction("A1/1", "quantity", "7"),
        correction("A2"),
        correction("A1/1", "quantity", "2"),
        correction("A2", "quantity", "4"),
    )
    assert back.published() == Shop().published()


def test_the_order_of_rows_changes_nothing() -> None:
    rows = numbered([
        correction("A1", "country", "DE"), correction("A1/1", "country", "FR"),
        correction("A1/1"), correction("A1/1", "quantity", "3"),
        correction("B1/2", "quantity", "1"), correction("B1", "customer_id", "bob"),
        correction("A9"),
    ])  # fmt: skip
    one = Shop(*rows)
    first = (one.published(), one.rows("rpt_corrections", "*"))
    other = Shop(*reversed(rows))
    assert (other.published(), other.rows("rpt_corrections", "*")) == first


def test_what_can_be_corrected_is_the_landing_contract() -> None:
    returned: list[Any] = []
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=True)
    environment.globals["return"] = lambda value: returned.append(value) or ""
    text = (DBT_PROJECT_DIR / "macros" / "corrections.sql").read_text(encoding="utf-8")
    macros: Any = environment.from_string(text).module
    macros.contract_columns()
    (listed,) = returned
    found = {
        (dataset, column): (kind, use, {name: str(value) for name, value in limits.items()})
        for dataset, column, kind, use, limits in listed
    }
    expected = {}
    for dataset in CONTRACT.values():
        if dataset.name == "corrections":
            continue
        for column in dataset.columns:
            limits: dict[str, Any] = {}
            if column.accepted_values:
                limits["accepted"] = list(column.accepted_values)
            if column.kind in (Kind.MONEY, Kind.WHOLE, Kind.NUMBER):
                limits |= {"minimum": column.minimum, "maximum": column.maximum}
            use = "required" if column.required else "optional"
            if column.name in dataset.key:
                use = "key"
            expected[dataset.name, column.name] = (
                str(column.kind), use, {name: str(value) for name, value in limits.items()},
            )  # fmt: skip
    assert found == expected


HEADER = "correction_id,dataset,key,action,column,value,reason,author,corrected_at"


@pytest.mark.soak
def test_a_file_of_corrections_and_the_way_back(build: Builder, tmp_path: Path) -> None:
    settings = copy_of(small_shop(build), tmp_path)
    built = Built(settings, "")
    ((order_id, line_number, customer_id, quantity),) = small_shop(build).marts(
        "select order_id, line_number, customer_id, quantity from core.fct_order_lines "
        "where line_type = 'sale' and customer_id is not null order by all limit 1"
    )
    path = settings.resolved_landing_dir / "canonical" / "corrections.csv"
    rows = [
        HEADER,
        f"k1,order_lines,{order_id}/{line_number},set,quantity,{quantity + 3},typo,kim,2024-12-21",
        f"k2,order_lines,{order_id},set,customer_id,somebody,wrong account,kim,2024-12-21 10:00",
        "k3,order_lines,nothing,delete,,,,kim,2024-12-21 11:00",
        "k4,order_lines,nothing,delete,,,gone,kim,2024-12-21 11:00",
        "k5,order_lines,nothing,remove,,,gone,kim,2024-12-21 11:00",
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = run_command(["run"], settings)
    assert "1 file loaded" in done.stderr
    assert built.marts(
        "select correction_id, status, records_changed > 0 from quality.rpt_corrections order by 1"
    ) == [("k1", "applied", True), ("k2", "applied", True), ("k4", "rejected", False)]
    assert built.marts(
        "select column_name, reason, rejected_count from quality.rpt_rejected_rows "
        "where dataset = 'corrections' order by 1"
    ) == [("action", "unknown_value", 1), ("reason", "missing_value", 1)]
    assert built.marts(
        "select quantity, customer_id from core.fct_order_lines "
        "where order_id = ? and line_number = ?",
        [order_id, line_number],
    ) == [(quantity + 3, "somebody")]
    assert built.marts("select step from quality.rpt_reconciliation where difference <> 0") == []
    assert built.warehouse(
        "select customer_id from raw.order_lines where order_id = ? group by all", [order_id]
    ) == [(customer_id,)]

    # Without the rows that were applied, what is published is what was published before.
    path.write_text("\n".join([HEADER, rows[4]]) + "\n", encoding="utf-8")
    run_command(["run"], settings)
    with_one = differences(settings.marts_path, small_shop(build).marts_path)
    assert all("rpt_corrections" in line or "rpt_rejected" in line for line in with_one), with_one
    assert built.marts("select correction_id from quality.rpt_corrections") == [("k4",)]

    # So it is without the file, once everything is read anew.
    path.unlink()
    run_command(["run", "--full-refresh"], settings)
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
