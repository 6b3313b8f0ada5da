"""Online Retail as it was published, in three forms: the same rows, and the reference figures."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.landing.load import load_landing
from orchestration.landing.report import LoadReport
from orchestration.settings import PROJECT_ROOT, Settings

DATA = PROJECT_ROOT.parent / "shared" / "data" / "online_retail"
FORMS = {"csv": "by-day", "parquet": "online_retail.parquet", "xlsx": "Online Retail.xlsx"}
#: To read half a million rows of a workbook takes ten seconds; small ones are read in
#: test_landing_readers.
IN_TURN = ["csv", "parquet", pytest.param("xlsx", marks=pytest.mark.soak)]
Loaded = tuple[duckdb.DuckDBPyConnection, LoadReport]

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the Online Retail data is not here")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Loaded]]:
    """Loads a form of the data, the first time it is asked for, into a warehouse of its own."""
    loads: dict[str, Loaded] = {}

    def load(form: str) -> Loaded:
        if form not in loads:
            settings = Settings(
                landing_dir=DATA / FORMS[form],
                profile="uci_online_retail",
                data_dir=tmp_path_factory.mktemp(form),
            )
            con = duckdb.connect(":memory:", config={"threads": "2"})
            loads[form] = (con, load_landing(con, settings))
        return loads[form]

    yield load
    for con, _ in loads.values():
        con.close()


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


@pytest.mark.parametrize("form", IN_TURN)
def test_raw_counts_and_money_are_those_of_the_reference(
    loaded: Callable[[str], Loaded], form: str
) -> None:
    con, report = loaded(form)
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


@pytest.mark.parametrize("form", IN_TURN[1:])
def test_every_form_gives_the_same_rows(loaded: Callable[[str], Loaded], form: str) -> None:
    def digest(form: str) -> Any:
        return _one(
            loaded(form)[0],
            "select count(*), sum(hash(lines)::hugeint)::varchar, bit_xor(hash(lines)) "
            "from (select columns(* exclude (_file_id)) from raw.order_lines) as lines",
        )

    assert digest(form) == digest("csv")
