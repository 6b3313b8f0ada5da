"""Reference, step 4: scores of an RFM snapshot under the three schemes.

Belongs here: cuts, thresholds and scores, in exact fractions. Does not belong here: segment
names, which are a seed.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.reference_customers import RfmRow

MEASURES = ("recency_days", "frequency", "monetary")

#: Thresholds of ``fixed_bands``, best first: recency at most, frequency and monetary at least.
FIXED_BANDS = {
    "recency_days": (7, 30, 90, 180),
    "frequency": (10, 5, 3, 1),
    "monetary": (10000, 5000, 1000, 100),
}


@dataclass(frozen=True)
class Scores:
    """Scores of one customer under one scheme; a high score is good."""

    customer_id: str
    r_score: int
    f_score: int
    m_score: int

    def rfm_code(self, bins: int) -> str:
        """The three scores as text, such as 543; with dashes once a score can have two digits."""
        dash = "-" if bins > 9 else ""
        return dash.join(str(score) for score in (self.r_score, self.f_score, self.m_score))


def quintile_scores(rows: list[RfmRow], bins: int = 5) -> list[Scores]:
    """Score = 1 + the number of cuts that the value exceeds; for recency counted from the top."""
    cuts = {measure: quantile_cuts(_values(rows, measure), bins) for measure in MEASURES}

    def exceeded(row: RfmRow, measure: str) -> int:
        return sum(Fraction(getattr(row, measure)) > cut for cut in cuts[measure])

    return [
        Scores(
            row.customer_id,
            bins - exceeded(row, "recency_days"),
            1 + exceeded(row, "frequency"),
            1 + exceeded(row, "monetary"),
        )
        for row in rows
    ]


def mean_split_scores(rows: list[RfmRow]) -> list[Scores]:
    """Score = 1 when recency is at most the mean, frequency and monetary above it; else 0."""
    mean = {measure: _mean(_values(rows, measure)) for measure in MEASURES}
    return [
        Scores(
            row.customer_id,
            int(row.recency_days <= mean["recency_days"]),
            int(row.frequency > mean["frequency"]),
            int(Fraction(row.monetary) > mean["monetary"]),
        )
        for row in rows
    ]


def fixed_band_scores(rows: list[RfmRow]) -> list[Scores]:
    """Score 5 for the best band down to 1 for what lies in none."""

    def at_least(value: Decimal | int, thresholds: tuple[int, ...]) -> int:
        return 1 + sum(value >= threshold for threshold in thresholds)

    return [
        Scores(
            row.customer_id,
            1 + sum(row.recency_days <= threshold for threshold in FIXED_BANDS["recency_days"]),
            at_least(row.frequency, FIXED_BANDS["frequency"]),
            at_least(row.monetary, FIXED_BANDS["monetary"]),
        )
        for row in rows
    ]


def quantile_cuts(values: list[Fraction], bins: int) -> list[Fraction]:
    """Cuts at the shares 1/bins, 2/bins, ...: linear between the two nearest ranks."""
    if not values:
        return []
    ordered = sorted(values)
    cuts = []
    for step in range(1, bins):
        place = Fraction(step * (len(ordered) - 1), bins)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        cuts.append(ordered[below] + (place - below) * (ordered[above] - ordered[below]))
    return cuts


def _values(rows: list[RfmRow], measure: str) -> list[Fraction]:
    return [Fraction(getattr(row, measure)) for row in rows]


def _mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / max(len(values), 1)
