"""Fixtures that all tests share: where data is, and warehouses that are built once.

Belongs here: fixtures used by more than one folder. Does not belong here: helpers with logic.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_ROOT, Settings
from tests.building import Builder, Built
from tests.compiled_builds import CompiledBuild
from tests.compiling import VARIANTS
from tests.small_shops import small_shop

#: Modules that build the small shop grown, the clustered one, Online Retail, and the small one.
_BUILDERS = (
    "test_publication_stays.py",
    "test_clusters_run.py",
    "test_online_retail.py",
    "test_erasure.py",
)


def pytest_configure() -> None:
    """Settings of the person who runs the tests do not reach them.

    Runs leave out expectations, whose library takes seconds to import, and clusters, which take
    their time to fit; tests about them say so.
    """
    for name in list(os.environ):
        if name.startswith("CUSTOMER_VALUE_"):
            del os.environ[name]
    os.environ["CUSTOMER_VALUE_EXPECTATIONS"] = "false"
    os.environ["CUSTOMER_VALUE_CLUSTERING"] = "false"
    # What tests import stays until the end; to look through it for garbage takes a third of the
    # time that importing takes.
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on there is garbage, and it is not among what was imported."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: some of them wait for what another one builds."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put modules that need a built warehouse first, for ``--dist loadfile``.

    They take longest, so that the short ones that are left are easily shared out in the end. The
    very first ones each build another shop, for which the others need not wait then.
    """
    building = {item.path for item in items if "build" in getattr(item, "fixturenames", ())}
    first = {name: place for place, name in enumerate(_BUILDERS)}
    items.sort(key=lambda item: (first.get(item.path.name, len(first)), item.path not in building))


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The project's folder."""
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def uci_dir(project_root: Path) -> Path:
    """The Online Retail data, used in place."""
    folder = (project_root / ".." / "shared" / "data" / "online_retail").resolve()
    if not folder.is_dir():
        pytest.skip("the Online Retail data is not in ../shared/data/online_retail")
    return folder


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Builds a warehouse for given settings, once per test run whatever the processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "built"
    folder.mkdir(exist_ok=True)
    return Builder(folder)


@pytest.fixture(scope="session")
def demo(build: Builder) -> Built:
    """The demo shop, small, with default settings."""
    return small_shop(build)


@pytest.fixture(scope="session")
def uci_net(build: Builder, uci_dir: Path) -> Built:
    """Online Retail with default settings."""
    return build(landing_dir=uci_dir / "online_retail.parquet", profile="uci_online_retail")


@pytest.fixture(scope="session")
def uci_gross(uci_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledBuild]:
    """Online Retail as the reference figures are computed: gross, every line, all history."""
    settings = Settings(
        landing_dir=uci_dir / "online_retail.parquet",
        profile="uci_online_retail",
        data_dir=tmp_path_factory.mktemp("gross"),
        monetary_basis="gross",
        deduplicate_lines=False,
        value_line_kinds="all",
        rfm_window_days=0,
    )
    shop = CompiledBuild(settings, "article")
    given = settings.dbt_vars()
    assert all(
        sorted(given[name]) == sorted(value) if isinstance(value, list) else given[name] == value
        for name, value in VARIANTS["article"].items()
    )
    shop.land()
    yield shop.build([*shop.tables("core", "sales", "lifecycle", "rfm")])
    shop.close()
