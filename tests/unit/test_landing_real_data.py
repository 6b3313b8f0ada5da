"""Online Retail as it was published, in three forms: the same rows, and the reference figures."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.landing.load import load_landing
from orchestration.landing.report import LoadReport
from orchestration.settings import PROJECT_ROOT, Settings

DATA = PROJECT_ROOT.parent / "shared" / "data" / "online_retail"
FORMS = {"csv": "by-day", "parquet": "online_retail.parquet", "xlsx": "Online Retail.xlsx"}

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the Online Retail data is not here")


@pytest.fixture(scope="module")
def loads(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, tuple[duckdb.DuckDBPyConnection, LoadReport]]]:
    """Each form of the data loaded into a warehouse of its own."""
    loaded = {}
    for form, name in FORMS.items():
        settings = Settings(
            landing_dir=DATA / name,
            profile="uci_online_retail",
            data_dir=tmp_path_factory.mktemp(form),
        )
        con = duckdb.connect(":memory:", config={"threads": "2"})
        loaded[form] = (con, load_landing(con, settings))
    yield loaded
    for con, _ in loaded.values():
        con.close()


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


@pytest.mark.parametrize("form", FORMS)
def test_raw_counts_and_money_are_those_of_the_reference(
    loads: dict[str, tuple[duckdb.DuckDBPyConnection, LoadReport]], form: str
) -> None:
    con, report = loads[form]
    assert report.failed == ()
    assert report.loaded_count == (305 if form == "csv" else 1)
    assert _one(
        con,
        "select sum(rows_read), sum(rows_kept), sum(rows_rejected), sum(money_read) "
        "from raw.loaded_files",
    ) == (541_909, 541_907, 2, Decimal("9747747.9340"))
    # The two lines of negative price are rejected; both lack a customer and a cancellation mark.
    assert _one(
        con,
        "select count(*), count(distinct customer_id), count(*) - count(customer_id), "
        "count(*) - count(product_name), count(*) filter (where status = 'cancellation'), "
        "count(*) filter (where quantity <= 0), count(*) filter (where unit_price <= 0), "
        "count(distinct order_id) from raw.order_lines",
    ) == (541_907, 4_372, 135_078, 1_454, 9_288, 10_624, 2_515, 25_898)
    rejects = con.execute(
        "select column_name, value, reason from raw.rejected_rows order by row_number"
    ).fetchall()
    assert rejects == [("unit_price", "-11062.06", "number_out_of_range")] * 2


def test_all_forms_give_the_same_rows(
    loads: dict[str, tuple[duckdb.DuckDBPyConnection, LoadReport]],
) -> None:
    digests = {
        form: _one(
            con,
            "select count(*), sum(hash(lines)::hugeint)::varchar, bit_xor(hash(lines)) "
            "from (select columns(* exclude (_file_id)) from raw.order_lines) as lines",
        )
        for form, (con, _) in loads.items()
    }
    assert digests["csv"] == digests["parquet"] == digests["xlsx"]
