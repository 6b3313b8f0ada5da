"""The report in a browser without a network: drawn whole, silent, and operable.

Belongs here: what only a browser can show. Does not belong here: figures (``test_report.py``).
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from orchestration.publishing.report.palette import THEMES
from orchestration.publishing.report.sections.sales import SALES_BY_MONTH
from orchestration.publishing.report.write import write_report
from tests.browsers import Opened, installed_browser
from tests.building import Built
from tests.report_tables import complete_copy

SCHEMES = ("quintile", "mean_split", "fixed_bands")

#: Charts that are in view of a reader and have not been drawn, or drew nothing.
UNDRAWN = """() => Array.from(document.querySelectorAll('.exhibit:not([hidden]) .plot'))
    .filter(plot => {
        const size = plot.querySelector('.main-svg')?.getBoundingClientRect();
        const marks = plot.querySelectorAll(
            '.point path, .points path, .point, .slice, .sankey-link, .hm image, .trace path');
        return !(plot.dataset.drawn && size && size.width > 200 && size.height > 100
            && marks.length);
    })
    .map(plot => plot.parentElement.id)"""


@pytest.fixture(scope="module")
def report(demo: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    marts = complete_copy(demo.marts_path, tmp_path_factory.mktemp("browser"))
    return write_report(marts, marts.with_name("report.html")).path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with installed_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def desktop(browser: Browser, report: Path) -> Iterator[Opened]:
    opened = Opened(browser, report, viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield opened
    opened.assert_silent()
    opened.close()


def first_trace(page: Page, exhibit: str) -> dict[str, Any]:
    """The first trace of a chart as Plotly has it; the chart is brought into view to be drawn."""
    page.locator(f"#{exhibit}").scroll_into_view_if_needed()
    page.locator(f"#{exhibit} .plot[data-drawn]").wait_for()
    trace: dict[str, Any] = page.evaluate(
        """id => {
            const plot = document.querySelector('#' + id + ' .plot');
            const trace = plot.data[0];
            return {name: trace.name, y: trace.y, paper: plot.layout.paper_bgcolor,
                    range: plot.layout.xaxis.range};
        }""",
        exhibit,
    )
    return trace


def test_charts_draw_the_numbers_of_the_table(desktop: Opened) -> None:
    page = desktop.page
    cells = page.locator("#revenue-by-month tbody tr").evaluate_all(
        "rows => rows.map(row => Array.from(row.cells).map(cell => cell.textContent))"
    )
    names = page.locator("#revenue-by-month th").all_text_contents()
    gross = [float(row[names.index("gross_revenue")].replace(",", "")) for row in cells]
    assert len(gross) == 24
    assert first_trace(page, "revenue-by-month")["y"] == gross


def test_language_and_theme_are_switched_on_page_and_charts(desktop: Opened) -> None:
    page = desktop.page
    heading = page.locator("#sales-title")
    assert heading.inner_text() == "Sales"
    assert first_trace(page, "revenue-by-month")["name"] == "gross revenue"
    page.locator("#language").click()
    page.wait_for_function(
        "document.querySelector('#revenue-by-month .plot').dataset.drawn === 'zh light'"
    )
    assert heading.inner_text() == "销售"
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert first_trace(page, "revenue-by-month")["name"] == "总收入"
    assert page.locator("#language").inner_text() == "English"
    page.locator("#language").click()
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelector('#revenue-by-month .plot').dataset.drawn === 'en dark'"
    )
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    assert first_trace(page, "revenue-by-month")["paper"] == THEMES["dark"]["paper"]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
    page.locator("#theme").click()


def test_a_bar_tells_its_numbers_and_can_be_zoomed_into(desktop: Opened) -> None:
    page = desktop.page
    plot = page.locator("#revenue-by-month .plot")
    plot.scroll_into_view_if_needed()
    box = plot.locator(".nsewdrag.drag").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    tooltip = plot.locator(".hoverlayer")
    tooltip.locator("text").first.wait_for()
    assert "gross revenue" in (tooltip.text_content() or "")
    whole = first_trace(page, "revenue-by-month")["range"]
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=4)
    page.mouse.up()
    page.wait_for_function(
        """whole => {
            const axis = document.querySelector('#revenue-by-month .plot').layout.xaxis;
            return axis.range[1] - axis.range[0] < 0.7 * (whole[1] - whole[0]);
        }""",
        arg=whole,
    )


def test_the_sql_is_one_key_away_and_can_be_copied(desktop: Opened) -> None:
    page = desktop.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sql = page.locator("#revenue-by-month details.sql")
    code = sql.locator("code")
    assert not code.is_visible()
    sql.locator("summary").focus()
    page.keyboard.press("Enter")
    code.wait_for(state="visible")
    assert code.inner_text() == SALES_BY_MONTH
    assert "sales.rpt_sales_by_month" in sql.locator("summary").inner_text()
    sql.locator("button").click()
    page.locator("#revenue-by-month button[data-copied=yes]").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == SALES_BY_MONTH
    data = page.locator("#revenue-by-month details.data")
    data.locator("summary").focus()
    page.keyboard.press("Enter")
    data.locator("table").wait_for(state="visible")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll"


def test_every_chart_is_drawn_for_every_scheme(desktop: Opened) -> None:
    page = desktop.page
    for scheme in SCHEMES:
        page.locator(f"input[value={scheme}]").check()
        page.evaluate("window.report.drawAll()")
        assert page.evaluate(UNDRAWN) == []
        shown = page.locator(".exhibit[data-scheme]:not([hidden])")
        assert {one.get_attribute("data-scheme") for one in shown.all()} == {scheme}
    page.locator("input[value=quintile]").check()
    desktop.assert_silent()


def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, report: Path) -> None:
    phone = Opened(
        browser, report, viewport={"width": 390, "height": 800}, color_scheme="dark",
        has_touch=True,
    )  # fmt: skip
    page = phone.page
    page.evaluate("window.report.drawAll()")
    assert page.evaluate(UNDRAWN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    too_wide = page.evaluate(
        """() => Array.from(document.querySelectorAll('.plot .main-svg'))
            .filter(svg => svg.getBoundingClientRect().width > 370).length"""
    )
    assert too_wide == 0
    phone.assert_silent()
    phone.close()


@pytest.mark.parametrize("basis", ["net", pytest.param("gross", marks=pytest.mark.soak)])
def test_online_retail_is_drawn(
    basis: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    built: Built = request.getfixturevalue(f"uci_{basis}")
    opened = Opened(browser, built.settings.report_path, viewport={"width": 1280, "height": 900})
    page = opened.page
    page.evaluate("window.report.drawAll()")
    assert page.evaluate(UNDRAWN) == []
    assert f"monetary basis {basis}" in page.locator(".told").inner_text()
    assert (
        page.locator("#largest-orders-reading")
        .inner_text()
        .startswith("The largest order, 581483, was worth 168,470; 0.00 of it is left.")
    )
    opened.assert_silent()
    opened.close()


def test_nothing_serious_is_in_the_way_of_people_with_disabilities(desktop: Opened) -> None:
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-core is not installed: package axe-playwright-python")
    page = desktop.page
    page.evaluate((Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    # Rows of a table are alike, and there are thousands.
    page.evaluate(
        "document.querySelectorAll('tbody tr:nth-child(n+4)').forEach(row => row.remove())"
    )
    # The themes differ in their colours alone.
    for number, theme in enumerate(THEMES):
        if page.evaluate("document.documentElement.dataset.theme") != theme:
            page.locator("#theme").click()
        rules = ", runOnly: ['color-contrast']" if number else ""
        found = page.evaluate(f"axe.run(document, {{resultTypes: ['violations']{rules}}})")
        serious = [
            (violation["id"], violation["nodes"][0]["html"])
            for violation in found["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
        assert found["passes"]
        assert serious == [], theme
