"""The pandas baseline's first half: order files to clean lines and matched cancellations.

Belongs here: reading, cleaning, classifying and first-in-first-out matching, as an analyst's script
does them. Does not belong here: tables of months and customers (``pandas_baseline.py``).
"""

from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import pandas as pd

SEEDS = Path(__file__).resolve().parents[1] / "seeds"
VALUE_KINDS = ["product", "shipping", "manual", "voucher", "discount"]
CREDIT_DAYS = 3
UCI_COLUMNS = {
    "InvoiceNo": "order_id",
    "StockCode": "product_id",
    "Description": "product_name",
    "Quantity": "quantity",
    "InvoiceDate": "ordered_at",
    "UnitPrice": "unit_price",
    "CustomerID": "customer_id",
    "Country": "country",
}


#: Columns of the table of cancelled parts; needed when there is none.
PART_TYPES = {
    "cancelling_order_id": "str",
    "cancelling_line_number": "int64",
    "cancelled_order_id": "str",
    "cancelled_line_number": "float64",
    "customer_id": "str",
    "cancelled_at": "datetime64[us]",
    "counts": "bool",
    "quantity": "int64",
    "revenue": "float64",
    "match_rule": "str",
}


def read_uci(landing: Path) -> pd.DataFrame:
    """Order lines of UCI Online Retail from its CSV files."""
    files = sorted(landing.rglob("*.csv")) if landing.is_dir() else [landing]
    text = {"InvoiceNo": str, "StockCode": str, "Description": str, "CustomerID": str}
    lines = pd.concat([pd.read_csv(file, dtype=text) for file in files], ignore_index=True)
    lines = lines.rename(columns=UCI_COLUMNS)
    lines["customer_id"] = lines["customer_id"].str.replace(r"\.0$", "", regex=True)
    lines["product_name"] = lines["product_name"].str.strip()
    lines["status"] = lines["order_id"].apply(
        lambda order_id: "cancellation" if order_id.startswith("C") else "completed"
    )
    lines["discount_amount"] = 0.0
    return lines


def read_canonical(landing: Path) -> pd.DataFrame:
    """Order lines of files that use the contract's own column names."""
    files = sorted(landing.rglob("order_lines*.csv")) if landing.is_dir() else [landing]
    lines = pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)
    lines["status"] = lines["status"].fillna("completed")
    lines["line_number"] = pd.to_numeric(lines["line_number"])
    lines["discount_amount"] = pd.to_numeric(lines["discount_amount"]).fillna(0)
    return lines


def read_customers(landing: Path, profile: str) -> pd.DataFrame | None:
    """Registered customers, where the landing folder has them."""
    files = sorted(landing.rglob("customers*.csv")) if landing.is_dir() else []
    if profile != "canonical" or not files:
        return None
    customers = pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)
    customers = customers.dropna(subset=["customer_id"]).drop_duplicates()
    customers["registered_at"] = pd.to_datetime(customers["registered_at"])
    customers["registered_month"] = customers["registered_at"].dt.to_period("M")
    return customers


def clean(lines: pd.DataFrame) -> pd.DataFrame:
    """Typed lines without broken rows and without duplicates, classified."""
    lines["quantity"] = pd.to_numeric(lines["quantity"], errors="coerce")
    lines["unit_price"] = pd.to_numeric(lines["unit_price"], errors="coerce")
    lines["ordered_at"] = pd.to_datetime(
        lines["ordered_at"], format="%Y-%m-%d %H:%M:%S", errors="coerce"
    )
    lines = lines.dropna(subset=["order_id", "product_id", "ordered_at", "quantity", "unit_price"])
    lines = lines[lines["quantity"].abs().le(1e9) & (lines["quantity"] % 1 == 0)]
    lines = lines[lines["unit_price"] >= 0]
    lines = lines[lines["ordered_at"].dt.year.between(1990, 2099)]
    lines = lines[lines["status"].isin(["completed", "cancellation", "refunded"])]
    lines = lines.drop_duplicates().copy()
    lines["quantity"] = lines["quantity"].astype(int)

    kinds = pd.read_csv(SEEDS / "line_kinds.csv")
    exact = kinds[kinds["match_type"] == "exact"]
    exact_kinds = dict(zip(exact["product_code"], exact["line_kind"], strict=True))
    prefixes = kinds[kinds["match_type"] == "prefix"]
    prefix_kinds = list(zip(prefixes["product_code"], prefixes["line_kind"], strict=True))

    def line_kind(product_id: str) -> str:
        if product_id in exact_kinds:
            return exact_kinds[product_id]
        for prefix, kind in prefix_kinds:
            if product_id.startswith(prefix):
                return kind
        return "product"

    lines["line_kind"] = lines["product_id"].apply(line_kind)
    lines["order_date"] = lines["ordered_at"].dt.normalize()
    lines["order_month"] = lines["ordered_at"].dt.to_period("M")
    if "line_number" not in lines:
        lines = lines.sort_values(["order_id", "product_id", "unit_price", "quantity"])
        lines["line_number"] = lines.groupby("order_id").cumcount() + 1
    lines["amount"] = (lines["quantity"].abs() * lines["unit_price"]).round(4)
    lines["is_sale"] = (
        (lines["quantity"] > 0) & (lines["unit_price"] > 0) & (lines["status"] != "cancellation")
    )
    is_back = (lines["quantity"] < 0) & (lines["unit_price"] > 0)
    lines["is_cancellation"] = is_back & (lines["line_kind"] != "discount")
    lines["is_discount"] = is_back & (lines["line_kind"] == "discount")
    lines["gross"] = lines["amount"].where(lines["is_sale"], 0.0)
    line_discount = lines[["discount_amount", "gross"]].min(axis=1)
    lines["discount"] = lines["amount"].where(lines["is_discount"], line_discount)
    lines["counts"] = lines["line_kind"].isin(VALUE_KINDS)
    return lines.reset_index(drop=True)


def match_first_in_first_out(sales: pd.DataFrame, backs: pd.DataFrame) -> list[dict[str, Any]]:
    """Which sale each returned piece undoes: the oldest of the same key that is still open."""
    key = ["customer_id", "product_id", "unit_price"]
    sales = sales.merge(backs[key].drop_duplicates(), on=key)
    events = pd.concat([sales, backs])
    events = events.sort_values(["ordered_at", "is_cancellation", "order_id", "line_number"])
    open_sales: dict[tuple[Any, ...], deque[list[Any]]] = defaultdict(deque)
    found = []
    for line in events.itertuples():
        queue = open_sales[(line.customer_id, line.product_id, line.unit_price)]
        if not line.is_cancellation:
            queue.append([line, line.quantity])
            continue
        wanted = -line.quantity
        while wanted > 0 and queue:
            sale, left = queue[0]
            taken = min(wanted, left)
            start = sale.quantity - left
            found.append(match_row(line, sale, start, taken, "same_product_and_price"))
            wanted -= taken
            queue[0][1] -= taken
            if queue[0][1] == 0:
                queue.popleft()
        if wanted > 0:
            found.append(match_row(line, None, 0, wanted, "unmatched"))
    return found


def match_row(line: Any, sale: Any, start: int, pieces: int, rule: str) -> dict[str, Any]:
    """One cancelled part; pieces of a sale are worth their share of it after its discount."""
    if sale is None:
        revenue = pieces * line.unit_price
    else:
        net = round((sale.gross - sale.discount) * 10_000)
        end = start + pieces
        revenue = (net * end // sale.quantity - net * start // sale.quantity) / 10_000
    return {
        "cancelling_order_id": line.order_id,
        "cancelling_line_number": line.line_number,
        "cancelled_order_id": None if sale is None else sale.order_id,
        "cancelled_line_number": None if sale is None else sale.line_number,
        "customer_id": line.customer_id,
        "cancelled_at": line.ordered_at,
        "counts": line.counts if sale is None else sale.counts,
        "quantity": pieces,
        "revenue": revenue,
        "match_rule": rule,
    }


def match_manual_credits(
    credits: pd.DataFrame, sales: pd.DataFrame, backs: pd.DataFrame
) -> tuple[list[dict[str, Any]], set[tuple[str, int]], set[tuple[str, int]]]:
    """Sales that manual credits reverse; the matches, the credits and the sales concerned."""
    sales = sales[sales["customer_id"].isin(credits["customer_id"])]
    sales = sales.sort_values(["ordered_at", "order_id", "line_number"])
    sales_of = dict(list(sales.groupby("customer_id")))
    backs = backs[backs["customer_id"].isin(credits["customer_id"])]
    backs_of = dict(list(backs.groupby("customer_id")))
    found, credited, taken = [], set(), set()
    for credit in credits.sort_values(["ordered_at", "order_id", "line_number"]).itertuples():
        if credit.customer_id not in sales_of:
            continue
        candidates = sales_of[credit.customer_id]
        since = credit.ordered_at - pd.Timedelta(days=CREDIT_DAYS)
        candidates = candidates[
            (candidates["amount"] == credit.amount)
            & candidates["ordered_at"].between(since, credit.ordered_at)
        ]
        for sale in candidates.itertuples():
            own = backs_of[credit.customer_id]
            between = own[
                (own["product_id"] == sale.product_id)
                & (own["unit_price"] == sale.unit_price)
                & own["ordered_at"].between(sale.ordered_at, credit.ordered_at)
            ]
            if (sale.order_id, sale.line_number) in taken or len(between):
                continue
            found.append(match_row(credit, sale, 0, sale.quantity, "manual_credit"))
            credited.add((credit.order_id, credit.line_number))
            taken.add((sale.order_id, sale.line_number))
            break
    return found, credited, taken


def is_in(lines: pd.DataFrame, keys: set[tuple[str, int]]) -> pd.Series:
    """Whether each line is one of the given (order_id, line_number)."""
    if not keys:
        return pd.Series(False, index=lines.index)
    pairs = pd.MultiIndex.from_frame(lines[["order_id", "line_number"]])
    return pd.Series(pairs.isin(keys), index=lines.index)


def match_cancellations(lines: pd.DataFrame) -> pd.DataFrame:
    """Every cancelled part with the sale it undoes, or none."""
    known = lines[lines["customer_id"].notna()]
    refunded = lines[lines["is_sale"] & (lines["status"] == "refunded")]
    sales = known[known["is_sale"] & (known["status"] != "refunded")]
    backs = known[known["is_cancellation"]]
    strangers = lines[lines["is_cancellation"] & lines["customer_id"].isna()]

    is_manual_sale = sales["line_kind"] == "manual"
    is_manual_back = backs["line_kind"] == "manual"
    manual = match_first_in_first_out(sales[is_manual_sale], backs[is_manual_back])
    matched_credits = {
        (row["cancelling_order_id"], row["cancelling_line_number"])
        for row in manual
        if row["match_rule"] != "unmatched"
    }
    manual_backs = backs[is_manual_back]
    credits = manual_backs[~is_in(manual_backs, matched_credits)]
    reversed_sales, credited, taken = match_manual_credits(credits, sales[~is_manual_sale], backs)
    manual = [
        row
        for row in manual
        if (row["cancelling_order_id"], row["cancelling_line_number"]) not in credited
    ]
    goods = sales[~is_manual_sale]
    goods = goods[~is_in(goods, taken)]
    others = match_first_in_first_out(goods, backs[~is_manual_back])
    refunds = [
        match_row(line, line, 0, line.quantity, "refunded_status") for line in refunded.itertuples()
    ]
    rest = [
        match_row(line, None, 0, -line.quantity, "unmatched") for line in strangers.itertuples()
    ]
    rows = manual + reversed_sales + others + refunds + rest
    cancellations = pd.DataFrame(rows, columns=list(PART_TYPES)).astype(PART_TYPES)
    cancellations["order_month"] = cancellations["cancelled_at"].dt.to_period("M")
    return cancellations
