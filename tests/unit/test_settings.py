"""Settings: defaults, the environment, paths that follow, and errors a person can act on."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestration.generated_docs import OPTIONS, SETTINGS_DOC, settings_markdown
from orchestration.settings import LINE_KINDS, PROJECT_ROOT, Settings, describe_invalid


def test_without_a_landing_folder_the_demo_shop_is_used() -> None:
    settings = Settings()
    assert settings.is_demo
    assert settings.resolved_data_dir == PROJECT_ROOT / "data" / "demo"
    assert settings.resolved_landing_dir == PROJECT_ROOT / "data" / "demo" / "landing"


def test_each_landing_folder_gets_a_data_folder_of_its_own() -> None:
    one = Settings(landing_dir="/somewhere/My Orders").resolved_data_dir
    other = Settings(landing_dir="/elsewhere/My Orders").resolved_data_dir
    assert one != other
    assert one.name.startswith("my-orders-")
    assert one.parent == other.parent == PROJECT_ROOT / "data"


def test_home_holds_data_folders_pointer_and_dagster(tmp_path: Path) -> None:
    settings = Settings(home_dir=tmp_path)
    assert settings.resolved_data_dir == tmp_path / "demo"
    assert settings.dagster_home == tmp_path / "dagster"
    assert settings.current_pointer == tmp_path / "current"


def test_the_environment_sets_and_an_argument_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_VALUE_MONETARY_BASIS", "gross")
    monkeypatch.setenv("CUSTOMER_VALUE_AS_OF_DATE", "2011-11-30")
    monkeypatch.setenv("CUSTOMER_VALUE_VALUE_LINE_KINDS", "shipping, product")
    monkeypatch.setenv("CUSTOMER_VALUE_PROFILE", "")
    settings = Settings(monetary_basis="net")
    assert settings.monetary_basis == "net"
    assert settings.as_of_date == date(2011, 11, 30)
    assert settings.value_line_kinds == ("product", "shipping")
    assert settings.profile is None


def test_all_line_kinds_by_one_word() -> None:
    assert Settings(value_line_kinds="all").value_line_kinds == LINE_KINDS


def test_another_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        landing_dir="/a b/c",
        as_of_date=date(2011, 1, 2),
        value_line_kinds="product,manual",
        deduplicate_lines=False,
    )
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"shop_timezone": "Mars/Base"}, "unknown time zone 'Mars/Base'"),
        ({"value_line_kinds": "product,gift"}, "unknown line kind 'gift'"),
        (
            {"cluster_features": "view_count,clicks"},
            "unknown feature 'clicks'; known: recency_days, frequency, monetary, avg_order_value, "
            "customer_age_days, view_count, click_count, cart_count, fav_count, active_days, "
            "cart_rate, avg_dwell_seconds, last_seen_days",
        ),
        (
            {"cluster_features": "view_count,view_count"},
            "name at least one feature, and none twice",
        ),
        ({"memory_limit": "lots"}, "memory_limit"),
        ({"threads": 0}, "greater than or equal to 1"),
        ({"monetary_basis": "both"}, "'net' or 'gross'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_variable(
    options: dict[str, object], expected: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**options)
    error = describe_invalid(caught.value)
    name = next(iter(options))
    assert f"CUSTOMER_VALUE_{name.upper()}" in error.problem
    assert expected in error.problem
    assert error.way_out


def test_the_document_of_settings_is_up_to_date() -> None:
    assert SETTINGS_DOC.read_text(encoding="utf-8") == settings_markdown(), "run `make docs`"


def test_documented_options_are_settings() -> None:
    assert set(OPTIONS) <= set(Settings.model_fields)
