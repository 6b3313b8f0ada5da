"""What the demo shop sells, and the codes that are no products.

Belongs here: product ids, names, categories, prices and how often each is picked. Does not belong
here: orders. The codes of shipping, fees and so on are those of ``seeds/line_kinds.csv``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.demo.calendar import FloatArray, IntArray

PRODUCT_COUNT = 1_200

#: Line kinds in the order of their codes in the generator's frames.
KINDS = (
    "product",
    "shipping",
    "fee",
    "manual",
    "discount",
    "sample",
    "voucher",
    "adjustment",
)
KIND_CODE = {kind: code for code, kind in enumerate(KINDS)}
#: The kinds that count as a customer's purchase by default.
VALUE_KIND_CODES = tuple(
    KIND_CODE[kind] for kind in ("product", "shipping", "manual", "voucher", "discount")
)

#: Codes that are no products: (code, name, kind, usual price in pence).
SPECIAL_CODES = (
    ("POST", "POSTAGE", "shipping", 495),
    ("DOT", "DOTCOM POSTAGE", "shipping", 1495),
    ("C2", "CARRIAGE", "shipping", 995),
    ("M", "Manual", "manual", 1000),
    ("D", "Discount", "discount", 500),
    ("S", "SAMPLES", "sample", 0),
    ("PADS", "PADS TO MATCH ALL CUSHIONS", "sample", 0),
    ("B", "Adjust bad debt", "adjustment", 10000),
    ("BANK CHARGES", "Bank Charges", "fee", 1500),
    ("AMAZONFEE", "AMAZON FEE", "fee", 2500),
    ("CRUK", "CRUK Commission", "fee", 800),
    ("gift_0001_10", "Gift voucher, 10.00", "voucher", 1000),
    ("gift_0001_20", "Gift voucher, 20.00", "voucher", 2000),
    ("gift_0001_50", "Gift voucher, 50.00", "voucher", 5000),
)

_CATEGORIES = ("Kitchen", "Home", "Garden", "Stationery", "Toys", "Bags", "Candles", "Seasonal")
_COLOURS = ("RED", "BLUE", "WHITE", "PINK", "GREEN", "IVORY", "BLACK", "VINTAGE", "RETRO", "GOLD")
_SHAPES = ("SPOTTY", "STRIPED", "ENAMEL", "WOODEN", "KNITTED", "PAPER", "GLASS", "TIN", "FELT")
_THINGS = {
    "Kitchen": ("CAKE STAND", "TEA TOWEL", "MUG", "JUG", "LUNCH BOX", "MEASURING SPOONS"),
    "Home": ("CUSHION COVER", "PHOTO FRAME", "WALL CLOCK", "DOORMAT", "COAT HOOK", "MIRROR"),
    "Garden": ("WATERING CAN", "BIRD FEEDER", "PLANT POT", "PARASOL", "LANTERN", "TOOL SET"),
    "Stationery": ("NOTEBOOK", "GIFT WRAP", "PENCIL CASE", "CARD HOLDER", "STICKER SHEET"),
    "Toys": ("JIGSAW", "SPINNING TOP", "PAPER DOLLS", "BUILDING BLOCKS", "SKITTLES"),
    "Bags": ("JUMBO BAG", "SHOPPER", "CHARLOTTE BAG", "COSMETIC BAG", "LUNCH BAG"),
    "Candles": ("T-LIGHT HOLDER", "SCENTED CANDLE", "CANDLE PLATE", "INCENSE HOLDER"),
    "Seasonal": ("STAR DECORATION", "ADVENT CALENDAR", "EASTER EGG BOX", "BUNTING", "WREATH"),
}
#: A price list holds for this many months, then some prices move.
PRICE_LIST_MONTHS = 6


@dataclass(frozen=True)
class Catalogue:
    """Products first (``PRODUCT_COUNT`` of them), then the special codes.

    ``table`` has one row per code in that order: code, product_id, product_name, category, kind
    (text), list_price (pence), is_listed (stands in products.csv).
    """

    table: pd.DataFrame
    #: Kind code per catalogue row.
    kind: IntArray
    #: Price in pence per price list and product; shape (price lists, PRODUCT_COUNT).
    prices: IntArray
    #: Cumulated probability that a line is for each product; shape (PRODUCT_COUNT,).
    popularity: FloatArray

    def code(self, product_id: str) -> int:
        """Catalogue row of one of the special codes."""
        return PRODUCT_COUNT + [special[0] for special in SPECIAL_CODES].index(product_id)

    def pick(self, rng: np.random.Generator, count: int) -> IntArray:
        """``count`` products, popular ones more often."""
        return np.searchsorted(self.popularity, rng.random(count), side="right").astype(np.int64)


def make_catalogue(rng: np.random.Generator, months: int) -> Catalogue:
    """A catalogue with prices for ``months`` months."""
    category = rng.integers(0, len(_CATEGORIES), PRODUCT_COUNT)
    names = [_name(rng, _CATEGORIES[index]) for index in category]
    ids = [str(number) for number in _product_numbers(rng)]
    base = np.clip(rng.lognormal(1.75, 0.75, PRODUCT_COUNT), 0.25, 195.0)
    steps = rng.choice(
        [0.95, 1.0, 1.0, 1.0, 1.05, 1.1], (-(-months // PRICE_LIST_MONTHS), PRODUCT_COUNT)
    )
    steps[0] = 1.0
    factors = np.cumprod(steps, axis=0)
    prices = np.maximum(np.round(base * factors * 20).astype(np.int64) * 5, 20)
    rank = rng.permutation(PRODUCT_COUNT)
    weights = 1.0 / (rank + 12.0) ** 0.8
    kinds = ["product"] * PRODUCT_COUNT + [special[2] for special in SPECIAL_CODES]
    special_count = len(SPECIAL_CODES)
    table = pd.DataFrame(
        {
            "code": np.arange(PRODUCT_COUNT + special_count),
            "product_id": ids + [special[0] for special in SPECIAL_CODES],
            "product_name": names + [special[1] for special in SPECIAL_CODES],
            "category": [_CATEGORIES[index] for index in category] + [""] * special_count,
            "kind": kinds,
            "list_price": [*prices[-1].tolist(), *(special[3] for special in SPECIAL_CODES)],
            "is_listed": [*(rng.random(PRODUCT_COUNT) < 0.985).tolist()] + [False] * special_count,
        }
    )
    kind = np.asarray([KIND_CODE[name] for name in kinds], dtype=np.int64)
    return Catalogue(table, kind, prices, np.cumsum(weights) / weights.sum())


def _product_numbers(rng: np.random.Generator) -> list[str]:
    """Five digits each, some with a letter behind as real stock codes have."""
    numbers = np.sort(rng.choice(np.arange(20_000, 90_000), PRODUCT_COUNT, replace=False))
    letters = rng.choice(["", "", "", "A", "B", "L"], PRODUCT_COUNT)
    return [f"{number}{letter}" for number, letter in zip(numbers, letters, strict=True)]


def _name(rng: np.random.Generator, category: str) -> str:
    """A product name; some hold commas, quotes or an accent, which files must survive."""
    things = _THINGS[category]
    words = [
        _COLOURS[rng.integers(len(_COLOURS))],
        _SHAPES[rng.integers(len(_SHAPES))],
        things[rng.integers(len(things))],
    ]
    name = " ".join(words)
    form = rng.random()
    if form < 0.05:
        return f"{name}, SET OF {rng.integers(2, 13)}"
    if form < 0.08:
        return f'{name} "LOVE, LAUGH"'
    if form < 0.10:
        return f"{name} 12' x 8\""
    if form < 0.12:
        return f"{name} CAFÉ"
    return name
