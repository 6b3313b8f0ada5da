"""The demo shop's plain queue, on histories small enough to follow by hand."""

import numpy as np
import pandas as pd
import pytest

from orchestration.demo.catalogue import KIND_CODE
from orchestration.demo.matching import (
    MANUAL_CREDIT,
    NO_SALE,
    REFUNDED_STATUS,
    SAME_PRODUCT_AND_PRICE,
    UNMATCHED,
    line_roles,
    match_cancellations,
)
from orchestration.demo.sales import CANCELLATION, COMPLETED, REFUNDED

DAY = 86_400
MUG, JUG, MANUAL, DISCOUNT = range(4)
KIND_OF_PRODUCT = np.asarray(
    [KIND_CODE[kind] for kind in ("product", "product", "manual", "discount")]
)


def lines_of(*rows: tuple[int, int, int, int, float]) -> pd.DataFrame:
    """Lines from (customer, product, quantity, price in pence, day); status follows the sign."""
    frame = pd.DataFrame(rows, columns=["customer", "product", "quantity", "price", "day"])
    frame["second"] = (frame["day"] * DAY).astype(int)
    frame["order_no"] = np.arange(len(frame)) + 1
    frame["line_number"] = 1
    frame["status"] = np.where(frame["quantity"] < 0, CANCELLATION, COMPLETED)
    return frame


def matches_of(lines: pd.DataFrame) -> list[tuple[int, int, int, int, int]]:
    kind = KIND_OF_PRODUCT[lines["product"]]
    found = match_cancellations(lines, kind, line_roles(lines, kind))
    columns = ["cancellation", "sale", "from_piece", "quantity", "rule"]
    return list(found[columns].itertuples(index=False, name=None))


def test_the_oldest_open_sale_goes_first_and_in_part() -> None:
    lines = lines_of((7, MUG, 3, 250, 1), (7, MUG, 2, 250, 2), (7, MUG, -4, 250, 3))
    assert matches_of(lines) == [
        (2, 0, 0, 3, SAME_PRODUCT_AND_PRICE),
        (2, 1, 0, 1, SAME_PRODUCT_AND_PRICE),
    ]


def test_later_pieces_are_numbered_after_those_that_went_before() -> None:
    lines = lines_of((7, MUG, 3, 250, 1), (7, MUG, -1, 250, 2), (7, MUG, -2, 250, 3))
    assert matches_of(lines) == [
        (1, 0, 0, 1, SAME_PRODUCT_AND_PRICE),
        (2, 0, 1, 2, SAME_PRODUCT_AND_PRICE),
    ]


def test_a_piece_returned_before_it_was_sold_stays_unmatched() -> None:
    lines = lines_of((7, MUG, -1, 250, 1), (7, MUG, 5, 250, 2), (7, MUG, -1, 250, 3))
    assert matches_of(lines) == [
        (0, NO_SALE, 0, 1, UNMATCHED),
        (2, 1, 0, 1, SAME_PRODUCT_AND_PRICE),
    ]


def test_a_sale_comes_before_a_cancellation_of_the_same_moment() -> None:
    lines = lines_of((7, MUG, -1, 250, 1), (7, MUG, 1, 250, 1))
    assert matches_of(lines) == [(0, 1, 0, 1, SAME_PRODUCT_AND_PRICE)]


@pytest.mark.parametrize("other", [(8, MUG, 1, 250, 1), (7, JUG, 1, 250, 1), (7, MUG, 1, 245, 1)])
def test_another_customer_product_or_price_is_no_match(
    other: tuple[int, int, int, int, float],
) -> None:
    assert matches_of(lines_of(other, (7, MUG, -1, 250, 2))) == [(1, NO_SALE, 0, 1, UNMATCHED)]


def test_a_guest_is_never_matched() -> None:
    lines = lines_of((-1, MUG, 1, 250, 1), (-1, MUG, -1, 250, 2))
    assert matches_of(lines) == [(1, NO_SALE, 0, 1, UNMATCHED)]


def test_a_manual_credit_reverses_the_whole_line_of_equal_amount() -> None:
    lines = lines_of((7, MUG, 4, 250, 1), (7, MANUAL, -1, 1000, 3.9))
    assert matches_of(lines) == [(1, 0, 0, 4, MANUAL_CREDIT)]


def test_a_credited_line_leaves_the_queue() -> None:
    lines = lines_of(
        (7, MUG, 4, 250, 1), (7, MANUAL, -1, 1000, 2), (7, MUG, 1, 250, 3), (7, MUG, -2, 250, 4)
    )
    assert matches_of(lines) == [
        (1, 0, 0, 4, MANUAL_CREDIT),
        (3, NO_SALE, 0, 1, UNMATCHED),
        (3, 2, 0, 1, SAME_PRODUCT_AND_PRICE),
    ]


@pytest.mark.parametrize(
    ("sale", "credit"),
    [
        ((7, MUG, 4, 250, 1), (7, MANUAL, -1, 1000, 4.1)),
        ((7, MUG, 4, 250, 1), (7, MANUAL, -1, 1001, 2)),
        ((7, MUG, 4, 250, 2), (7, MANUAL, -1, 1000, 1)),
        ((8, MUG, 4, 250, 1), (7, MANUAL, -1, 1000, 2)),
    ],
    ids=["too late", "another amount", "before the sale", "another customer"],
)
def test_a_credit_that_fits_no_sale_stays_unmatched(
    sale: tuple[int, int, int, int, float], credit: tuple[int, int, int, int, float]
) -> None:
    lines = lines_of(sale, credit)
    assert [match[1] for match in matches_of(lines)] == [NO_SALE]


def test_a_credit_takes_no_sale_that_has_a_cancellation_in_between() -> None:
    lines = lines_of((7, MUG, 4, 250, 1), (7, MUG, -1, 250, 1.5), (7, MANUAL, -1, 1000, 2))
    assert matches_of(lines) == [
        (1, 0, 0, 1, SAME_PRODUCT_AND_PRICE),
        (2, NO_SALE, 0, 1, UNMATCHED),
    ]


def test_two_credits_take_two_sales_the_earliest_first() -> None:
    lines = lines_of(
        (7, MUG, 4, 250, 1),
        (7, JUG, 2, 500, 1.2),
        (7, MANUAL, -1, 1000, 2),
        (7, MANUAL, -1, 1000, 2.5),
    )
    assert matches_of(lines) == [(2, 0, 0, 4, MANUAL_CREDIT), (3, 1, 0, 2, MANUAL_CREDIT)]


def test_a_manual_charge_taken_back_is_matched_with_the_charge() -> None:
    lines = lines_of((7, MUG, 4, 250, 1), (7, MANUAL, 1, 1000, 1), (7, MANUAL, -1, 1000, 2))
    assert matches_of(lines) == [(2, 1, 0, 1, SAME_PRODUCT_AND_PRICE)]


def test_a_refunded_line_cancels_itself_and_is_out_of_the_queue() -> None:
    lines = lines_of((7, MUG, 2, 250, 1), (7, MUG, -1, 250, 2))
    lines.loc[0, "status"] = REFUNDED
    assert matches_of(lines) == [(0, 0, 0, 2, REFUNDED_STATUS), (1, NO_SALE, 0, 1, UNMATCHED)]


def test_a_discount_line_is_no_cancellation() -> None:
    lines = lines_of((7, MUG, 2, 250, 1), (7, DISCOUNT, -1, 100, 1))
    assert matches_of(lines) == []
