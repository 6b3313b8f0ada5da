"""dbt's page opens by itself, without a network, and says nothing of the machine it was made on."""

import re
import tempfile
from pathlib import Path

import pytest

from orchestration.dbt_page import offline_page
from orchestration.errors import CustomerValueError
from orchestration.generated_docs import DBT_PAGE, write_dbt_page
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.settings import PROJECT_ROOT
from tests.browsers import Opened, installed_browser
from tests.building import Built

_IGNORED = (PROJECT_ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dbt") / "new" / "dbt.html"
    write_dbt_page(path, ["--select", "rpt_segments"])
    return path


def test_the_page_holds_every_published_model_and_no_path_of_this_machine(
    page: Path, demo: Built
) -> None:
    text = page.read_text(encoding="utf-8")
    for node in demo.manifest.published:
        assert f'"model.customer_value.{node.name}"' in text
    temporary = Path(tempfile.gettempdir())
    for folder in (PROJECT_ROOT, Path.home(), temporary, demo.settings.resolved_data_dir):
        assert f"{folder}/" not in text
    assert len(text) < 8e6


def test_the_page_is_not_kept_in_git() -> None:
    assert f"/{DBT_PAGE.relative_to(PROJECT_ROOT).as_posix()}" in _IGNORED


def test_the_page_opens_without_a_network(page: Path) -> None:
    with installed_browser() as browser:
        opened = Opened(browser, page)
        opened.page.goto(f"{opened.address}#!/model/model.customer_value.rpt_segments")
        opened.page.get_by_text("mean_recency_days").first.wait_for()
        shown = opened.page.inner_text("body")
        # Names in the list of models are parted where a line may end.
        assert "rpt_segment_migration" in "".join(shown.split())
        assert "One row per scheme, snapshot and segment" in shown
        assert "decimal(18,4)" in shown
        assert opened.said == []
        assert {url.split("#")[0] for url in opened.asked_for} == {opened.address}
        opened.close()


def test_the_page_begins_with_where_to_look_and_its_links_lead_there(
    page: Path, demo: Built
) -> None:
    text = (PROJECT_ROOT / "dbt_project" / "models" / "_overview.md").read_text(encoding="utf-8")
    links = re.findall(r"\[(\w+)\]\(#!/model/model\.customer_value\.(\w+)\)", text)
    named = dict(re.findall(r"\| `(\w+)` \|.*\[(\w+)\]", text))
    schema_of = {node.name: node.schema for node in demo.manifest.published}
    assert {schema: schema_of[model] for schema, model in named.items()} == {
        schema: schema for schema in PUBLISHED_SCHEMAS
    }
    assert [shown for shown, _ in links] == [linked for _, linked in links]
    with installed_browser() as browser:
        opened = Opened(browser, page)
        opened.page.get_by_role("heading", name="Where to look").wait_for()
        opened.page.get_by_role("link", name="rpt_sales_by_month").first.click()
        opened.page.get_by_text("One row per calendar month").first.wait_for()
        assert opened.said == []
        opened.close()


def test_a_page_of_another_build_is_refused() -> None:
    with pytest.raises(CustomerValueError, match="not built as expected"):
        offline_page("<html></html>", [])
