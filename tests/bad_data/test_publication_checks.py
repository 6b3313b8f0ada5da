"""Every check is seen to fail: a table is spoiled, and the check that guards it finds it.

dbt's tests, the expectations of the suites and the checks of the landing, each on a sound shop and
on the same shop with one damage. A check that no damage is written for fails the tests.
"""

import re

import pytest

from orchestration.checks.expectations import judge_expectations
from tests.bad_data.damages import EXPECTATIONS, TESTS, Damage
from tests.building import Built
from tests.spoiled_shop import SpoiledShop

#: Tests that warn, since what they find may be true of a shop.
WARNINGS = {
    "assert_corrections_can_be_applied",
    "assert_latest_figures_lie_within_their_limits",
    "assert_no_day_of_sales_is_missing",
    "assert_order_has_one_customer",
}
#: Tests that are about a variable which is not set by default; other tests set it.
OF_VARIABLES = {"assert_reference_snapshot_is_known"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SpoiledShop:
    return SpoiledShop(tmp_path_factory.mktemp("spoiled"), customers=350)


def test_nothing_is_wrong_with_the_sound_shop(shop: SpoiledShop) -> None:
    assert [name for name in shop.tests if shop.finds(name)] == []
    results = judge_expectations(shop.con, list(shop.expectations.values()))
    # Each of them has something to judge, or it could not fail.
    assert {(one.status, one.actual == "no value to judge") for one in results} == {
        ("passed", False)
    }


def test_every_check_has_a_damage(shop: SpoiledShop) -> None:
    by_kind = {name for name, sql in shop.tests.items() if _damage_by_kind(shop, name, sql)}
    covered = {*TESTS, *EXPECTATIONS, *by_kind, *OF_VARIABLES}
    assert covered == shop.checks


@pytest.mark.parametrize("check", [*TESTS, *EXPECTATIONS])
def test_the_check_finds_the_damage(shop: SpoiledShop, check: str) -> None:
    damage = TESTS.get(check) or EXPECTATIONS[check]
    assert not shop.finds(check)
    with shop.spoiled(damage.sql, damage.rebuilt):
        assert shop.finds(check)
    assert not shop.finds(check)


def test_keys_and_sets_of_values_are_guarded(shop: SpoiledShop) -> None:
    """Each key twice or empty, each column with a set of values holding another one."""
    missed = []
    for name, sql in shop.tests.items():
        damage = _damage_by_kind(shop, name, sql)
        if damage is not None:
            with shop.spoiled(damage.sql):
                if not shop.finds(name):
                    missed.append(name)
    assert missed == []


def test_checks_that_guard_a_publication_stop_it(demo: Built) -> None:
    """What is damaged above is an error, not a warning, where it would make figures wrong."""
    warnings = {node.name for node in demo.manifest.of_type("test") if node.severity != "error"}
    assert warnings == WARNINGS


def _damage_by_kind(shop: SpoiledShop, name: str, sql: str) -> Damage | None:
    """The damage of a test of keys or values that is named after its kind."""
    relation, table = re.findall(r'("marts"\."\w+"\."(\w+)")', sql)[0]
    as_table = ""
    if table in shop.models and shop.models[table].is_view:
        # A view is spoiled as a table of its rows.
        as_table = (
            f"create temporary table spoiled_rows as from {relation}; drop view {relation}; "
            f"create table {relation} as from spoiled_rows; drop table spoiled_rows; "
        )
    if name.startswith(("primary_key_", "unique_")):
        twice = f"insert into {relation} from {relation} order by all desc limit 1; "
        nothing = f"insert into {relation} default values"
        return Damage(as_table + twice + (nothing if name.startswith("primary_key_") else ""))
    if name.startswith("not_null_"):
        return Damage(as_table + f"insert into {relation} default values")
    if name.startswith("accepted_values_"):
        column = re.findall(r"(\w+) as value_field", sql)[0]
        return Damage(f"insert into {relation} ({column}) values ('something else')")
    return None
