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


def _counted(things: str, act: str, unit: str) -> _Words:
    """Phrases of a count: English plural; Chinese act and unit."""
    return _Words(
        (f"at most {{0}} {things}", f"{act}不超过 {{0}} {unit}"),
        (f"more than {{0}} {things}", f"{act}多于 {{0}} {unit}"),
        (f"{{0}} to {{1}} {things}", f"{act} {{0}} 至 {{1}} {unit}"),
    )


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
    "view_count": _counted("views", "浏览", "次"),
    "click_count": _counted("clicks", "点击", "次"),
    "cart_count": _counted("cart additions", "加购", "次"),
    "fav_count": _counted("favourites", "收藏", "次"),
    "active_days": _counted("active days", "活跃", "天"),
    "cart_rate": _Words(
        ("cart share of events at most {0}", "加购占比不超过 {0}"),
        ("cart share of events above {0}", "加购占比高于 {0}"),
        ("cart share of events above {0} and up to {1}", "加购占比高于 {0} 且不超过 {1}"),
    ),
    "avg_dwell_seconds": _Words(
        ("stays of at most {0} seconds", "平均停留不超过 {0} 秒"),
        ("stays of more than {0} seconds", "平均停留超过 {0} 秒"),
        ("stays of more than {0} and up to {1} seconds", "平均停留超过 {0} 秒且不超过 {1} 秒"),
    ),
    "last_seen_days": _Words(
        ("last seen within {0} days", "最近一次到访在 {0} 天以内"),
        ("last seen more than {0} days ago", "最近一次到访在 {0} 天以前"),
        ("last seen {0} to {1} days ago", "最近一次到访在 {0} 至 {1} 天前"),
    ),
}
_OTHER = _Words(
    ("{name} at most {0}", "{name} 不超过 {0}"),
    ("{name} above {0}", "{name} 高于 {0}"),
    ("{name} above {0} and up to {1}", "{name} 高于 {0} 且不超过 {1}"),
)
#: Features whose two-sided phrase names both ends as included.
_CLOSED = (
    "recency_days",
    "frequency",
    "view_count",
    "click_count",
    "cart_count",
    "fav_count",
    "active_days",
    "last_seen_days",
)


def _singular(plural: str, singular: str) -> tuple[tuple[str, str], ...]:
    """Whole English phrases of a count of none or one, and what is said instead."""
    return (
        (f"more than 0 {plural}", f"at least 1 {singular}"),
        (f"at most 0 {plural}", f"no {singular}"),
        (f"at most 1 {plural}", f"at most 1 {singular}"),
        (f"more than 1 {plural}", f"more than 1 {singular}"),
        (f"1 to 1 {plural}", f"1 {singular}"),
    )


def _none_or_one(act: str, unit: str) -> tuple[tuple[str, str], ...]:
    """The same in Chinese."""
    return (
        (f"{act}多于 0 {unit}", f"至少{act} 1 {unit}"),
        (f"{act}不超过 0 {unit}", f"没有{act}"),
        (f"{act} 1 至 1 {unit}", f"{act} 1 {unit}"),
    )


def _days(since: str, since_zh: str) -> tuple[tuple[str, str], ...]:
    """The same of days since something, in both languages."""
    return (
        (f"{since} within 0 days", f"{since} on the day itself"),
        (f"{since} within 1 days", f"{since} within 1 day"),
        (f"{since} more than 0 days ago", f"{since} before the day itself"),
        (f"{since} more than 1 days ago", f"{since} more than 1 day ago"),
        (f"{since} 1 to 1 days ago", f"{since} 1 day ago"),
        (f"{since_zh}在 0 天以内", f"{since_zh}在当天"),
        (f"{since_zh}在 0 天以前", f"{since_zh}在当天以前"),
        (f"{since_zh}在 1 至 1 天前", f"{since_zh}在 1 天前"),
    )


#: Whole phrases with none or one of a thing, and what is said instead.
_NONE_OR_ONE = (
    *_singular("orders", "order"),
    *_singular("views", "view"),
    *_singular("clicks", "click"),
    *_singular("cart additions", "cart addition"),
    *_singular("favourites", "favourite"),
    *_singular("active days", "active day"),
    *_none_or_one("浏览", "次"),
    *_none_or_one("点击", "次"),
    *_none_or_one("加购", "次"),
    *_none_or_one("收藏", "次"),
    *_none_or_one("活跃", "天"),
    *_days("last order", "最近一次购买"),
    *_days("last seen", "最近一次到访"),
    ("订单多于 0 笔", "至少 1 笔订单"),
    ("订单不超过 0 笔", "没有订单"),
    ("订单 1 至 1 笔", "订单 1 笔"),
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
    for plural, singular in _NONE_OR_ONE:
        english = singular if english == plural else english
        chinese = singular if chinese == plural else chinese
    return english, chinese
