"""Numbers as people read them.

Belongs here: percentages and plain numbers in words. Does not belong here: sentences.
"""


def percent(share: float) -> str:
    """A share as a percentage with one decimal: 0.005 is ``0.5 %``."""
    return f"{100.0 * share:.1f} %"


def plain(value: float) -> str:
    """A number with thousands separators and no needless decimals: 1200.0 is ``1,200``."""
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
