"""The report of a published shop: its tables, figures and SQL agree, and it needs nothing else."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from orchestration.errors import CustomerValueError
from orchestration.publishing.report.catalogue import SECTIONS
from orchestration.publishing.report.contents import read_rows
from orchestration.publishing.report.exhibits import LANGUAGES, Exhibit, Rows
from orchestration.publishing.report.page import cell_text
from orchestration.publishing.report.palette import THEMES, resolved
from orchestration.publishing.report.write import is_current, write_report
from orchestration.refresh import refresh
from orchestration.warehouse import connect_marts
from tests.building import Builder, Built, run_command
from tests.progress import Recorder
from tests.report_tables import complete_copy
from tests.small_shops import copy_of, short_shop

EXHIBITS = [exhibit for section in SECTIONS for exhibit in section.exhibits]

#: Arrays of a trace that hold measured values; places, sizes and colours do not.
MEASURED = (
    "x", "y", "z", "values", "value", "customdata", "q1", "median", "q3", "lowerfence",
    "upperfence", "mean",
)  # fmt: skip

#: Columns that each chart must show in full.
SHOWN = {
    "revenue-by-month": ["gross_revenue", "net_revenue"],
    "orders-by-month": ["orders", "buyers"],
    "units-by-month": ["units", "units_per_order"],
    "revenue-by-line-kind": ["net_revenue"],
    "order-value-bands": ["order_share", "revenue_share"],
    "paid-amount-bands": ["order_share", "revenue_share"],
    "order-value-quantiles": ["quantile", "value"],
    "price-rates": ["lines_per_listed_product"],
    "price-shares": ["gross_revenue_share"],
    "largest-orders": ["net_revenue", "undone_revenue"],
    "states-by-month": ["new", "active", "reactivated", "inactive"],
    "buyers-by-state": ["new", "active", "reactivated", "newly_lapsed"],
    "purchase-rates": ["repeat_purchase_rate", "retention_rate", "reactivation_rate"],
    "cohort-retention": [],
    "cohort-revenue": ["cumulative_revenue_per_customer"],
    "cluster-profiles": ["customer_share", "revenue_share"],
    "cluster-selection": ["k", "inertia", "silhouette"],
    "cluster-scatter": ["axis_1", "axis_2"],
    "cluster-quartiles": ["minimum", "lower_quartile", "median", "upper_quartile", "maximum"],
    "cluster-segments": ["share_of_segment"],
    "check-results": ["checks"],
    "daily-sales": ["value", "lower_limit", "upper_limit"],
    "rejected-rows": ["rejected_count"],
    "scores": ["customers", "mean_monetary"],
    "segments": ["customer_share", "revenue_share"],
    "treemap": ["customers", "customer_share", "mean_monetary"],
    "history": ["customers", "customer_share"],
    "migration": ["customers"],
    "revenue-walk": ["revenue_change"],
    **{f"{dimension}-shares": ["order_share", "gross_revenue_share", "net_revenue_share"]
       for dimension in ("channel", "platform", "country")},
    **{f"{dimension}-shares-by-month": ["gross_revenue_share"]
       for dimension in ("channel", "platform", "country")},
}  # fmt: skip

#: Charts that also draw a sum, a share or a sign of their rows; unit tests compare these.
DERIVED = {"price-shares", "buyers-by-state", "revenue-walk"}


@dataclass
class Page(HTMLParser):
    """What stands in a written report."""

    path: Path
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    sql: dict[str, str] = field(default_factory=dict)
    readings: dict[str, list[str]] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._exhibit = ""
        self._inside = ""
        self.text = self.path.read_text(encoding="utf-8")
        # Plotly's script is text of no interest here, and long.
        self.feed(re.sub(r"<script>.*?</script>", "", self.text, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.sources += [
            value or "" for name, value in attrs if name in {"src", "href"} and value != "data:,"
        ]
        if tag == "article":
            self._exhibit = given["id"] or ""
        elif tag == "tr":
            self.tables.setdefault(self._exhibit, []).append([])
        elif tag in {"td", "th"}:
            self.tables[self._exhibit][-1].append("")
            self._inside = "cell"
        elif tag == "code":
            self.sql[self._exhibit] = ""
            self._inside = "sql"
        elif tag == "p" and given.get("class") == "reading":
            self.readings[self._exhibit] = []
            self._inside = "reading"

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "code", "p"}:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "cell":
            self.tables[self._exhibit][-1][-1] += data
        elif self._inside == "sql":
            self.sql[self._exhibit] += data
        elif self._inside == "reading":
            self.readings[self._exhibit].append(data)

    @cached_property
    def figures(self) -> dict[str, Any]:
        """The figures as the page's script gets them."""
        found = re.search(r'id="payload">(.*?)</script>', self.text, re.DOTALL)
        assert found
        figures: dict[str, Any] = json.loads(found[1])["figures"]
        return figures


@pytest.fixture(scope="module")
def complete(demo: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published marts in which every table that the report knows has rows."""
    return complete_copy(demo.marts_path, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(complete: Path) -> Page:
    write_report(complete, complete.with_name("report.html"))
    return Page(complete.with_name("report.html"))


@pytest.fixture(scope="module")
def rows(complete: Path) -> dict[str, Rows]:
    """What each exhibit's SQL returns."""
    with connect_marts(complete) as con:
        return {exhibit.id: read_rows(con, exhibit) for exhibit in EXHIBITS}


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.id)
def test_the_sql_shown_returns_the_table_shown(
    exhibit: Exhibit, page: Page, complete: Path, rows: dict[str, Rows]
) -> None:
    assert page.sql[exhibit.id] == exhibit.sql
    with connect_marts(complete) as con:
        cursor = con.execute(page.sql[exhibit.id])
        columns = [column[0] for column in cursor.description]
        found = cursor.fetchall()
    if not found:
        assert exhibit.id not in page.tables
        assert page.readings[exhibit.id] == list(exhibit.empty.values())
        return
    expected = [columns, *([cell_text(value) for value in row] for row in found)]
    assert page.tables[exhibit.id] == expected
    assert page.readings[exhibit.id] == list(exhibit.reading(rows[exhibit.id]).values())


def test_the_demo_shop_shows_nearly_everything(rows: dict[str, Rows]) -> None:
    empty = {name for name, found in rows.items() if not len(found)}
    assert empty == {"paid-amount-bands", "restatements", "corrections"}


@pytest.mark.parametrize(
    "exhibit", [one for one in EXHIBITS if one.figure], ids=lambda exhibit: exhibit.id
)
def test_figures_hold_the_numbers_of_their_rows(
    exhibit: Exhibit, page: Page, rows: dict[str, Rows]
) -> None:
    found = rows[exhibit.id]
    if not len(found):
        assert exhibit.id not in page.figures
        return
    drawn = {
        number
        for trace in page.figures[exhibit.id]["data"]
        for part in (trace, trace.get("link", {}))
        for name in MEASURED
        for number in _numbers(part.get(name))
    }
    kind = re.sub(r"-(quintile|mean-split|fixed-bands)$", "", exhibit.id)
    in_rows = {number for name in found.columns for number in _numbers(found.column(name))}
    if kind not in DERIVED:
        assert drawn <= in_rows
    for name in SHOWN[kind]:
        assert set(_numbers(found.column(name))) <= drawn, name


def _numbers(values: Any) -> Iterator[float]:
    if isinstance(values, list):
        for value in values:
            yield from _numbers(value)
    elif isinstance(values, int | float) and not isinstance(values, bool):
        yield float(values)


def test_plotly_accepts_every_figure(page: Page) -> None:
    from plotly.graph_objects import Figure

    for name, figure in page.figures.items():
        for language in LANGUAGES:
            for theme in THEMES:
                plain = resolved(figure, language, theme)
                assert Figure(plain).data, name
                assert '"@' not in json.dumps(plain), name


def test_the_page_refers_to_nothing_outside(page: Page) -> None:
    assert page.sources
    assert all(source.startswith("#") for source in page.sources)
    assert "default-src 'none'" in page.text[:2_000]
    head = page.text[: page.text.index("<script")]
    assert not re.findall(r"https?://|@import|url\(", head)


def test_the_page_names_no_customer(page: Page, demo: Built) -> None:
    content = re.sub(r"<script>.*?</script>", "", page.text, flags=re.DOTALL)
    customers = [row[0] for row in demo.marts("select customer_id from core.dim_customers")]
    assert len(customers) > 100
    words = set(re.findall(r"[\w-]+", content))
    assert not words & set(customers)


def test_the_page_is_small_and_the_same_again(page: Page, complete: Path, tmp_path: Path) -> None:
    assert page.path.stat().st_size < 8e6
    again = write_report(complete, tmp_path / "report.html")
    assert again.path.read_bytes() == page.path.read_bytes()


def test_tables_that_are_not_published_are_said_to_be_missing(
    complete: Path, tmp_path: Path
) -> None:
    import duckdb

    path = Path(shutil.copy2(complete, tmp_path / "marts.duckdb"))
    with duckdb.connect(str(path)) as con:
        con.execute("drop schema clusters cascade")
        con.execute("delete from rfm.rpt_segment_migration")
    write_report(path, tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    for name in ("cluster-profiles", "cluster-scatter"):
        assert page.readings[name][0].startswith("This publication does not hold clusters.")
        assert name not in page.figures
    assert page.readings["migration-quintile"][0] == "There are no two month ends to compare."


def test_a_run_makes_the_report(demo: Built) -> None:
    assert f"Report: {demo.settings.report_path}" in demo.output
    assert is_current(demo.marts_path, demo.settings.report_path)


def test_a_lost_report_is_made_again_by_a_run_that_finds_nothing_new(
    build: Builder, tmp_path: Path
) -> None:
    settings = copy_of(short_shop(build), tmp_path)
    first = settings.report_path.read_bytes()
    settings.report_path.unlink()
    reporter = Recorder()
    assert not refresh(settings, reporter).is_changed
    assert any(text.startswith("report of ") for text in reporter.told)
    assert settings.report_path.read_bytes() == first
    again = Recorder()
    refresh(settings, again)
    assert not any(text.startswith("report of ") for text in again.told)


def test_the_command_writes_it_anywhere(demo: Built, tmp_path: Path) -> None:
    done = run_command(["report", "--output", str(tmp_path / "new" / "report.html")], demo.settings)
    assert done.stdout.startswith(f"Report: {tmp_path / 'new' / 'report.html'} (")
    written = (tmp_path / "new" / "report.html").read_bytes()
    assert written == demo.settings.report_path.read_bytes()


def test_a_chart_that_does_not_fit_leaves_marts_and_report(complete: Path, tmp_path: Path) -> None:
    import duckdb

    path = Path(shutil.copy2(complete, tmp_path / "marts.duckdb"))
    report_path = tmp_path / "report.html"
    report_path.write_text("the last report", encoding="utf-8")
    with duckdb.connect(str(path)) as con:
        con.execute("alter table sales.rpt_price_bands rename column units to pieces")
    before = path.read_bytes()
    with pytest.raises(CustomerValueError) as error:
        write_report(path, report_path)
    assert "price-rates" in error.value.problem
    assert "units" in error.value.problem
    assert report_path.read_text(encoding="utf-8") == "the last report"
    assert path.read_bytes() == before
    assert not is_current(path, report_path)
