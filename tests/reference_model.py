"""The slow, obvious reference: order lines in, everything that must follow from them out.

Belongs here: the one call that the tests make, and its result. Does not belong here: the rules,
which stand in the ``reference_*`` modules in the order in which they apply: ``reference_lines``
(ids, duplicates, kinds, roles), ``reference_matching``, ``reference_customers`` (orders, months,
rates, RFM) and ``reference_scores``.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.reference_customers import (
    CustomerMonth,
    Order,
    RfmRow,
    build_orders,
    customer_months,
    lifecycle_by_month,
    rfm_snapshot,
)
from tests.reference_lines import (
    Options,
    OrderLine,
    RawCustomer,
    RawLine,
    known_from,
    prepare_lines,
)
from tests.reference_matching import Match, match_cancellations
from tests.reference_scores import (
    Scores,
    fixed_band_scores,
    mean_split_scores,
    quintile_scores,
)


@dataclass
class Reference:
    """Everything that follows from a set of order lines under one set of options."""

    options: Options
    as_of_date: date | None
    duplicate_count: int
    lines: list[OrderLine]
    matches: list[Match]
    orders: list[Order]
    months: list[CustomerMonth]
    by_month: list[dict[str, Any]]
    rfm: list[RfmRow]
    scores: dict[str, list[Scores]]

    def returned_of(self, line: OrderLine) -> Decimal:
        """Revenue undone of a sale line; for a cancelling line what found no sale."""
        return sum(
            (match.revenue for match in self.matches if line is (match.sale or match.cancellation)),
            Decimal(0),
        )


def run_reference(
    raw_lines: list[RawLine],
    options: Options | None = None,
    raw_customers: list[RawCustomer] | None = None,
) -> Reference:
    """Apply all rules; the order of the lines and customers does not matter."""
    options = options or Options()
    prepared = prepare_lines(raw_lines, options)
    lines = prepared.lines
    matches = match_cancellations(lines, options)
    months: list[CustomerMonth] = []
    by_month: list[dict[str, Any]] = []
    rfm: list[RfmRow] = []
    if lines and prepared.as_of_date is not None:
        known = known_from(raw_customers or [], options, prepared.as_of_date)
        months = customer_months(lines, matches, known, prepared.as_of_date, options)
        first_date = min(line.order_date for line in lines)
        by_month = lifecycle_by_month(months, first_date, prepared.as_of_date)
        rfm = rfm_snapshot(lines, matches, prepared.as_of_date, options)
    return Reference(
        options=options,
        as_of_date=prepared.as_of_date,
        duplicate_count=prepared.duplicate_count,
        lines=lines,
        matches=matches,
        orders=build_orders(lines, matches),
        months=months,
        by_month=by_month,
        rfm=rfm,
        scores={
            "quintile": quintile_scores(rfm, options.rfm_quantile_bins),
            "mean_split": mean_split_scores(rfm),
            "fixed_bands": fixed_band_scores(rfm),
        },
    )
