"""The demo shop's truth about orders and customer months, on a shop worked out by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from orchestration.demo.calendar import DAY_SECONDS, make_calendar
from orchestration.demo.catalogue import make_catalogue
from orchestration.demo.sales import CANCELLATION, COMPLETED
from orchestration.demo.truth import STATES, BlockTruth, block_truth

CALENDAR = make_calendar(date(2023, 1, 1), 3, None)
CATALOGUE = make_catalogue(np.random.default_rng(1), 3)
MUG, JUG = 0, 1
DISCOUNT, FEE, SAMPLE = (CATALOGUE.code(code) for code in ("D", "BANK CHARGES", "S"))
JAN, FEB, MAR = 10, 40, 70
ANN, BEN, CAT = range(3)

# order, customer, product, quantity, price in pence, discount in pence, day
HISTORY = (
    (1, ANN, MUG, 2, 500, 100, JAN),
    (2, BEN, MUG, 1, 500, 0, JAN),
    (3, BEN, MUG, -1, 500, 0, JAN + 1),
    (4, CAT, SAMPLE, 1, 0, 0, JAN),
    (5, ANN, MUG, -1, 500, 0, FEB),
    (6, BEN, JUG, 3, 333, 99, FEB),
    (7, CAT, FEE, 1, 1500, 0, FEB),
    (8, BEN, JUG, -3, 333, 0, MAR),
    (9, ANN, JUG, 1, 800, 0, MAR),
    (9, ANN, DISCOUNT, -1, 80, 0, MAR),
    (10, CAT, JUG, -1, 800, 0, MAR),
)


@pytest.fixture(scope="module")
def truth() -> BlockTruth:
    columns = ["order_no", "customer", "product", "quantity", "price", "discount", "day"]
    lines = pd.DataFrame(HISTORY, columns=columns)
    lines["line_number"] = lines.groupby("order_no").cumcount() + 1
    lines["second"] = CALENDAR.first_second + lines["day"] * DAY_SECONDS + 36_000
    lines["month"] = CALENDAR.months_at(lines["second"].to_numpy())
    is_back = (lines["quantity"] < 0) & (lines["product"] != DISCOUNT)
    lines["status"] = np.where(is_back, CANCELLATION, COMPLETED)
    lines["is_return"] = is_back
    return block_truth(CALENDAR, CATALOGUE, lines, np.asarray([0, 0, 1]), first_customer=100)


def test_customer_months(truth: BlockTruth) -> None:
    rows = truth.customer_months
    told = [
        (row.customer - 100, row.month, STATES[row.state], row.order_count, row.revenue / 10_000)
        for row in rows.itertuples()
    ]
    assert told == [
        (ANN, 0, "new", 1, 9.0),
        (ANN, 1, "inactive", 0, -4.5),
        (ANN, 2, "reactivated", 1, 7.2),
        (BEN, 0, "prospect", 0, 0.0),
        (BEN, 1, "new", 1, 9.0),
        (BEN, 2, "inactive", 0, -9.0),
        (CAT, 1, "prospect", 0, 0.0),
        (CAT, 2, "prospect", 0, -8.0),
    ]


def test_customer_months_on_the_gross_basis(truth: BlockTruth) -> None:
    rows = truth.customer_months
    told = [
        (STATES[row.gross_state], row.gross_order_count, row.gross_revenue / 10_000)
        for row in rows.itertuples()
    ]
    assert told == [
        ("new", 1, 10.0),
        ("inactive", 0, 0.0),
        ("reactivated", 1, 8.0),
        ("new", 1, 5.0),
        ("active", 1, 9.99),
        ("inactive", 0, 0.0),
        ("prospect", 0, 0.0),
        ("prospect", 0, 0.0),
    ]


def test_orders_and_what_is_left_of_them(truth: BlockTruth) -> None:
    told = {
        row.order_no: (
            row.gross / 10_000,
            row.discount / 10_000,
            row.returned / 10_000,
            row.value / 10_000,
            row.is_positive_at_month_end,
            row.is_fully_cancelled,
        )
        for row in truth.orders.itertuples()
    }
    assert told == {
        1: (10.0, 1.0, 4.5, 4.5, True, False),
        2: (5.0, 0.0, 5.0, 0.0, False, True),
        6: (9.99, 0.99, 9.0, 0.0, True, True),
        7: (15.0, 0.0, 0.0, 0.0, False, False),
        9: (8.0, 0.0, 0.0, 8.0, True, False),
    }


def test_months_hold_every_kind_of_line(truth: BlockTruth) -> None:
    months = truth.months.tolist()
    # sale lines, orders, units, gross, returned, discounts, buyers, new, active, reactivated,
    # inactive
    assert months == [
        [2, 2, 3, 150_000, 50_000, 10_000, 1, 1, 0, 0, 0],
        [2, 2, 4, 249_900, 45_000, 9_900, 1, 1, 0, 0, 1],
        [1, 1, 1, 80_000, 170_000, 8_000, 1, 0, 0, 1, 1],
    ]


def test_pieces_of_a_line_add_up_to_the_line() -> None:
    columns = ["order_no", "customer", "product", "quantity", "price", "discount", "day"]
    history = [(1, ANN, MUG, 3, 100, 0, 1)] + [(n, ANN, MUG, -1, 100, 0, n) for n in (2, 3, 4)]
    lines = pd.DataFrame(history, columns=columns).assign(discount=[100, 0, 0, 0])
    lines["line_number"] = 1
    lines["second"] = CALENDAR.first_second + lines["day"] * DAY_SECONDS
    lines["month"] = 0
    lines["is_return"] = lines["quantity"] < 0
    lines["status"] = np.where(lines["is_return"], CANCELLATION, COMPLETED)
    truth = block_truth(CALENDAR, CATALOGUE, lines, np.asarray([0]), first_customer=0)
    assert truth.cancellations["amount"].to_list() == [6_666, 6_667, 6_667]
