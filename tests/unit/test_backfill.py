"""Which months a backfill computes anew, and how far back RFM has to look for them."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.backfill import BACKFILL_TAG, Months, reaching_back
from orchestration.errors import CustomerValueError
from orchestration.fingerprint import Fingerprint
from orchestration.landing.load import ensure_raw_tables
from orchestration.publishing.run_manifest import write_run_manifest
from orchestration.settings import Settings


def _published_as_of(tmp_path: Path, as_of: date, snapshot_months: int) -> Settings:
    settings = Settings(data_dir=tmp_path, as_of_date=as_of, rfm_snapshot_months=snapshot_months)
    with duckdb.connect() as con:
        ensure_raw_tables(con)
        con.execute(f"attach '{settings.marts_path}' as marts")
        write_run_manifest(con, "marts", settings, Fingerprint("", "", ""), "run", {})
    return settings


def test_months_are_whole() -> None:
    months = Months.parse("2011-11", "2012-02")
    assert (months.first_day, months.last_day) == (date(2011, 11, 1), date(2012, 2, 29))
    assert str(months) == "2011-11..2012-02"
    assert Months.of_run({BACKFILL_TAG: str(months)}) == months
    assert Months.of_run({BACKFILL_TAG: "2012-01"}) == Months.parse("2012-01", "2012-01")
    assert Months.of_run({}) is None


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("2011-13", "2012-01", "'2011-13' is no month"),
        ("2011-01", "soon", "'soon' is no month"),
        ("2011-02", "2011-01", "2011-01 comes before 2011-02"),
    ],
)
def test_what_is_no_span_of_months_is_named(first: str, last: str, message: str) -> None:
    with pytest.raises(CustomerValueError, match=message):
        Months.parse(first, last)


@pytest.mark.parametrize(
    ("as_of", "snapshot_months", "needed"),
    [
        # The month of the as-of date is a month end too when it is complete.
        (date(2011, 12, 9), 3, 11),
        (date(2011, 12, 31), 3, 12),
        (date(2011, 12, 9), 11, 11),
        (date(2011, 12, 9), 24, 24),
        (date(2011, 12, 9), 0, 0),
    ],
)
def test_rfm_looks_back_as_far_as_it_has_to(
    tmp_path: Path, as_of: date, snapshot_months: int, needed: int
) -> None:
    settings = _published_as_of(tmp_path, as_of, snapshot_months)
    reaching = reaching_back(settings, Months.parse("2011-01", "2011-06"))
    assert reaching.rfm_snapshot_months == needed


def test_months_after_the_data_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    months = Months.parse("2012-01", "2012-02")
    with pytest.raises(CustomerValueError, match="Nothing is published yet"):
        reaching_back(Settings(data_dir=tmp_path), months)
    settings = _published_as_of(tmp_path, date(2011, 12, 9), 24)
    with pytest.raises(CustomerValueError, match=r"2012-01\.\.2012-02 lie after 2011-12-09"):
        reaching_back(settings, months)
