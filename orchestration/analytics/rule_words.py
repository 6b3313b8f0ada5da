"""Bounds on features as words, in English and Chinese.

Belongs here: how each known feature is spoken of, and joining conditions to a sentence. Does not
belong here: finding the bounds (``explain``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf

from orchestration.analytics.wording import plain

_ALL_EN, _ALL_ZH = "all customers", "全部客户"


@dataclass(frozen=True)
class Bound:
    """Values of one feature above ``lower`` and not above ``upper``."""

    feature: str
    lower: float = -inf
    upper: float = inf
    #: Whether the feature has whole values only.
    is_whole: bool = False

    @property
    def conditions(self) -> int:
        """How many of the two sides are bounded."""
        return int(not isinf(self.lower)) + int(not isinf(self.upper))


@dataclass(frozen=True)
class _Words:
    """Phrases of one feature: not above, above, between; {0} and {1} are values."""

    at_most: tuple[str, str]
    above: tuple[str, str]
    between: tuple[str, str]


_WORDS = {
    "recency_days": _Words(
        ("last order within {0} days", "最近一次购买在 {0} 天以内"),
        ("last order more than {0} days ago", "最近一次购买在 {0} 天以前"),
        ("last order {0} to {1} days ago", "最近一次购买在 {0} 至 {1} 天前"),
    ),
    "frequency": _Words(
        ("at most {0} orders", "订单不超过 {0} 笔"),
        ("more than {0} orders", "订单多于 {0} 笔"),
        ("{0} to {1} orders", "订单 {0} 至 {1} 笔"),
    ),
    "monetary": _Words(
        ("revenue of at most {0}", "消费不超过 {0}"),
        ("revenue above {0}", "消费高于 {0}"),
        ("revenue above {0} and up to {1}", "消费高于 {0} 且不超过 {1}"),
    ),
    "avg_order_value": _Words(
        ("average order of at most {0}", "客单价不超过 {0}"),
        ("average order above {0}", "客单价高于 {0}"),
        ("average order above {0} and up to {1}", "客单价高于 {0} 且不超过 {1}"),
    ),
}
_OTHER = _Words(
    ("{name} at most {0}", "{name} 不超过 {0}"),
    ("{name} above {0}", "{name} 高于 {0}"),
    ("{name} above {0} and up to {1}", "{name} 高于 {0} 且不超过 {1}"),
)
#: Features whose two-sided phrase names both ends as included.
_CLOSED = ("recency_days", "frequency")
_ONE_ORDER = (
    (" 1 days", " 1 day"),
    ("more than 0 orders", "at least 1 order"),
    ("at most 0 orders", "no order"),
    ("at most 1 orders", "at most 1 order"),
    ("more than 1 orders", "more than 1 order"),
    ("1 to 1 orders", "1 order"),
    ("订单多于 0 笔", "至少 1 笔订单"),
    ("订单不超过 0 笔", "没有订单"),
    ("订单 1 至 1 笔", "订单 1 笔"),
    ("within 0 days", "on the day itself"),
    ("在 0 天以内", "在当天"),
)


def rule_sentence(bounds: Sequence[Bound]) -> tuple[str, str]:
    """The conditions joined by "and", English and Chinese; without any, all customers."""
    phrases = [_phrase(bound) for bound in bounds if bound.conditions]
    if not phrases:
        return _ALL_EN, _ALL_ZH
    return " and ".join(phrase[0] for phrase in phrases), "，且".join(
        phrase[1] for phrase in phrases
    )


def _phrase(bound: Bound) -> tuple[str, str]:
    words = _WORDS.get(bound.feature, _OTHER)
    if isinf(bound.lower):
        chosen, values = words.at_most, [bound.upper]
    elif isinf(bound.upper):
        chosen, values = words.above, [bound.lower]
    else:
        # "4 to 6 orders" has both ends in it: above 3 begins at 4.
        is_closed = bound.feature in _CLOSED and bound.is_whole
        chosen = words.between if is_closed or bound.feature not in _CLOSED else _OTHER.between
        values = [bound.lower + 1 if is_closed else bound.lower, bound.upper]
    texts = [plain(value) for value in values]
    english, chinese = (each.format(*texts, name=bound.feature) for each in chosen)
    for plural, singular in _ONE_ORDER:
        english = singular if english == plural else english
        chinese = singular if chinese == plural else chinese
    return english, chinese
