"""Reference, step 2: which cancellation undoes which sale, and how many pieces of it.

Belongs here: the four match rules, as queues and loops. Does not belong here: what follows from
a match for an order or a customer.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tests.reference_lines import Options, OrderLine


@dataclass(eq=False)
class Match:
    """So many pieces of a sale line that a cancelling line undoes; no sale when unmatched.

    ``quantity`` counts pieces of the sale, ``first_piece`` how many of its pieces were undone
    before. Unmatched pieces are pieces of the cancelling line.
    """

    cancellation: OrderLine
    sale: OrderLine | None
    quantity: int
    match_rule: str
    first_piece: int = 0

    @property
    def revenue(self) -> Decimal:
        """What the pieces were sold for; when unmatched, what the cancelling line says."""
        if self.sale is None:
            return self.quantity * self.cancellation.unit_price
        last_piece = self.first_piece + self.quantity
        return _worth(self.sale, last_piece) - _worth(self.sale, self.first_piece)


@dataclass
class _OpenSale:
    line: OrderLine
    pieces_left: int


def match_cancellations(lines: list[OrderLine], options: Options) -> list[Match]:
    """Match every cancellation line, wholly or in parts; the quantities of each line add up.

    A refunded sale line undoes itself. Lines without a customer match nothing else.
    """
    matches = [
        Match(cancellation=line, sale=line, quantity=line.quantity, match_rule="refunded_status")
        for line in lines
        if line.is_refunded
    ]
    sales = [line for line in lines if line.role == "sale" and not line.is_refunded]
    cancellations = [line for line in lines if line.role == "cancellation"]

    credit_matches = _match_manual_credits(sales, cancellations, options)
    credited_sales = [match.sale for match in credit_matches]
    credits = [match.cancellation for match in credit_matches]
    matches += credit_matches

    matches += _match_first_in_first_out(
        [line for line in sales if line not in credited_sales],
        [line for line in cancellations if line not in credits],
    )
    return matches


def _match_manual_credits(
    sales: list[OrderLine], cancellations: list[OrderLine], options: Options
) -> list[Match]:
    """Match manual credits that found nothing at all among the customer's manual charges."""
    on_own_key = _match_first_in_first_out(
        [line for line in sales if line.line_kind == "manual"],
        [line for line in cancellations if line.line_kind == "manual"],
    )
    found_something = [match.cancellation for match in on_own_key if match.sale is not None]
    open_credits = [
        line
        for line in cancellations
        if line.line_kind == "manual"
        and line.customer_id is not None
        and line not in found_something
    ]

    matches: list[Match] = []
    taken: list[OrderLine] = []
    for credit in sorted(open_credits, key=lambda line: line.in_time_order):
        for sale in sorted(sales, key=lambda line: line.in_time_order):
            if sale not in taken and _is_reversed_by(sale, credit, cancellations, options):
                taken.append(sale)
                matches.append(Match(credit, sale, sale.quantity, "manual_credit"))
                break
    return matches


def _is_reversed_by(
    sale: OrderLine, credit: OrderLine, cancellations: list[OrderLine], options: Options
) -> bool:
    if sale.customer_id != credit.customer_id or sale.line_kind == "manual":
        return False
    if sale.amount != credit.amount:
        return False
    if not sale.ordered_at <= credit.ordered_at <= sale.ordered_at + options.manual_credit_window:
        return False
    return not any(
        _queue_key(other) == _queue_key(sale)
        and sale.ordered_at <= other.ordered_at <= credit.ordered_at
        for other in cancellations
    )


def _match_first_in_first_out(
    sales: list[OrderLine], cancellations: list[OrderLine]
) -> list[Match]:
    """Walk through time with one queue of open pieces per customer, product and unit price."""
    open_sales: dict[tuple[str | None, str, Decimal], list[_OpenSale]] = {}
    matches: list[Match] = []
    for line in sorted(sales + cancellations, key=_sales_first_on_a_tie):
        queue = open_sales.setdefault(_queue_key(line), [])
        if line.role == "sale":
            if line.customer_id is not None:
                queue.append(_OpenSale(line, line.quantity))
            continue
        wanted = abs(line.quantity)
        while wanted > 0 and queue:
            sale, left = queue[0].line, queue[0].pieces_left
            taken = min(wanted, left)
            undone_before = sale.quantity - left
            matches.append(Match(line, sale, taken, "same_product_and_price", undone_before))
            wanted -= taken
            queue[0].pieces_left -= taken
            if queue[0].pieces_left == 0:
                queue.pop(0)
        if wanted > 0:
            matches.append(Match(line, None, wanted, "unmatched"))
    return matches


def _worth(sale: OrderLine, pieces: int) -> Decimal:
    """Worth of the first pieces of a sale line after its discount, cut to four decimals."""
    ten_thousandths = int((sale.gross - sale.discount) * 10_000)
    return Decimal(ten_thousandths * pieces // sale.quantity) / 10_000


def _queue_key(line: OrderLine) -> tuple[str | None, str, Decimal]:
    return (line.customer_id, line.product_id, line.unit_price)


def _sales_first_on_a_tie(line: OrderLine) -> tuple[datetime, bool, str, int]:
    is_cancellation = line.role == "cancellation"
    return (line.ordered_at, is_cancellation, line.order_id, line.line_number)
