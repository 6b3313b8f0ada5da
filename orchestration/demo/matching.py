"""Which sale each cancellation of the demo shop undoes, found with a plain queue.

Belongs here: the rules of cancellation matching, written as directly as they read. This is the
truth that the models are compared with, so it shares nothing with their SQL.
"""

from collections import defaultdict, deque
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.demo.calendar import DAY_SECONDS, IntArray
from orchestration.demo.catalogue import KIND_CODE
from orchestration.demo.sales import CANCELLATION, REFUNDED

BoolArray = npt.NDArray[np.bool_]

RULES = ("same_product_and_price", "manual_credit", "refunded_status", "unmatched")
SAME_PRODUCT_AND_PRICE, MANUAL_CREDIT, REFUNDED_STATUS, UNMATCHED = range(4)
NO_SALE = -1
_CREDIT_DAYS = 3


class LineRoles(NamedTuple):
    """What each line is; every array has one element per line."""

    is_sale: BoolArray
    is_cancellation: BoolArray
    is_discount: BoolArray


def line_roles(lines: pd.DataFrame, kind: IntArray) -> LineRoles:
    """Sort lines into sales, cancellations and discounts; a line may be none of them.

    Args:
        kind: kind code per line.
    """
    quantity, price = lines["quantity"].to_numpy(), lines["price"].to_numpy()
    is_taken_back = (quantity < 0) & (price > 0)
    is_discount_kind = kind == KIND_CODE["discount"]
    return LineRoles(
        (quantity > 0) & (price > 0) & (lines["status"].to_numpy() != CANCELLATION),
        is_taken_back & ~is_discount_kind,
        is_taken_back & is_discount_kind,
    )


def match_cancellations(lines: pd.DataFrame, kind: IntArray, roles: LineRoles) -> pd.DataFrame:
    """One row per matched or unmatched part of a cancellation.

    Returns:
        columns cancellation and sale (row numbers in ``lines``; NO_SALE when unmatched),
        from_piece (pieces of the sale undone before, 0 when unmatched), quantity (positive
        pieces; of the sale where there is one), rule (code, see RULES).
    """
    is_known = lines["customer"].to_numpy() >= 0
    is_refunded = roles.is_sale & (lines["status"].to_numpy() == REFUNDED)
    is_open = roles.is_sale & ~is_refunded & is_known
    is_back = roles.is_cancellation & is_known
    is_manual = kind == KIND_CODE["manual"]

    manual = _first_in_first_out(lines, is_open & is_manual, is_back & is_manual)
    credits = _wholly_unmatched(lines, manual)
    taken = _take_credited_sales(lines, credits, is_open & ~is_manual, is_back)
    is_open[list(taken.values())] = False
    goods = _first_in_first_out(lines, is_open & ~is_manual, is_back & ~is_manual)

    found = [part for part in manual if part[0] not in taken] + goods
    strangers = np.flatnonzero(roles.is_cancellation & ~is_known)
    refunded = np.flatnonzero(is_refunded)
    quantity = np.abs(lines["quantity"].to_numpy())
    matched = pd.DataFrame(
        found, columns=["cancellation", "sale", "from_piece", "quantity"], dtype=np.int64
    )
    matched["rule"] = np.where(matched["sale"] == NO_SALE, UNMATCHED, SAME_PRODUCT_AND_PRICE)
    credited = np.asarray(list(taken), dtype=np.int64)
    credited_sales = np.asarray(list(taken.values()), dtype=np.int64)
    no_sales = np.full(len(strangers), NO_SALE)
    parts = [
        matched,
        _whole_parts(credited, credited_sales, quantity[credited_sales], MANUAL_CREDIT),
        _whole_parts(refunded, refunded, quantity[refunded], REFUNDED_STATUS),
        _whole_parts(strangers, no_sales, quantity[strangers], UNMATCHED),
    ]
    return pd.concat(parts, ignore_index=True).sort_values(
        ["cancellation", "sale"], kind="stable", ignore_index=True
    )


def _first_in_first_out(
    lines: pd.DataFrame, is_sale: BoolArray, is_back: BoolArray
) -> list[tuple[int, int, int, int]]:
    """(cancellation, sale, from_piece, pieces) per customer, product and price.

    The oldest sale that is still open goes first.
    """
    key = _keys(lines)
    rows = np.flatnonzero(is_back | (is_sale & np.isin(key, key[is_back])))
    columns = [lines[name].to_numpy()[rows] for name in ("line_number", "order_no", "second")]
    rows = rows[np.lexsort([columns[0], columns[1], is_back[rows], columns[2]])]
    quantity = lines["quantity"].to_numpy()
    found: list[tuple[int, int, int, int]] = []
    queues: dict[int, deque[list[int]]] = defaultdict(deque)
    for row, row_key, pieces in zip(
        rows.tolist(), key[rows].tolist(), quantity[rows].tolist(), strict=True
    ):
        queue = queues[row_key]
        if pieces > 0:
            queue.append([row, pieces, pieces])
            continue
        wanted = -pieces
        while wanted and queue:
            oldest = queue[0]
            taken = min(wanted, oldest[1])
            found.append((row, oldest[0], oldest[2] - oldest[1], taken))
            wanted -= taken
            oldest[1] -= taken
            if not oldest[1]:
                queue.popleft()
        if wanted:
            found.append((row, NO_SALE, 0, wanted))
    return found


def _wholly_unmatched(lines: pd.DataFrame, parts: list[tuple[int, int, int, int]]) -> list[int]:
    """Cancellations of which no piece found a sale, in time order."""
    found_some = {row for row, sale, _, _ in parts if sale != NO_SALE}
    rows = np.asarray([row for row, _, _, _ in parts if row not in found_some], dtype=np.int64)
    columns = [lines[name].to_numpy()[rows] for name in ("line_number", "order_no", "second")]
    return rows[np.lexsort(columns)].tolist()


def _take_credited_sales(
    lines: pd.DataFrame, credits: list[int], is_open: BoolArray, is_back: BoolArray
) -> dict[int, int]:
    """The sale that each manual credit reverses: credit row to sale row."""
    customer = lines["customer"].to_numpy()
    is_concerned = np.isin(customer, customer[credits])
    key, second = _keys(lines), lines["second"].to_numpy()
    amount = np.abs(lines["quantity"].to_numpy() * lines["price"].to_numpy())
    rows = np.flatnonzero(is_concerned & is_open)
    columns = [lines[name].to_numpy()[rows] for name in ("line_number", "order_no", "second")]
    sales_by_amount: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in rows[np.lexsort(columns)].tolist():
        sales_by_amount[int(customer[row]), int(amount[row])].append(row)
    backs_by_key: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(is_concerned & is_back).tolist():
        backs_by_key[int(key[row])].append(int(second[row]))

    taken: dict[int, int] = {}
    gone: set[int] = set()
    for credit in credits:
        at = int(second[credit])
        for sale in sales_by_amount[int(customer[credit]), int(amount[credit])]:
            sold_at = int(second[sale])
            if sale in gone or not 0 <= at - sold_at <= _CREDIT_DAYS * DAY_SECONDS:
                continue
            if any(sold_at <= back <= at for back in backs_by_key[int(key[sale])]):
                continue
            taken[credit] = sale
            gone.add(sale)
            break
    return taken


def _keys(lines: pd.DataFrame) -> IntArray:
    """One number per customer, product and price."""
    customer = lines["customer"].to_numpy().astype(np.int64) + 1
    product = lines["product"].to_numpy().astype(np.int64)
    return ((customer << 12) + product << 32) + lines["price"].to_numpy()


def _whole_parts(
    cancellation: IntArray, sale: IntArray, quantity: IntArray, rule: int
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cancellation": cancellation,
            "sale": sale,
            "from_piece": 0,
            "quantity": quantity,
            "rule": rule,
        }
    )
