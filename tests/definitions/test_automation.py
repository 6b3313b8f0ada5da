"""Automation as Dagster knows it: what there is, whether it is on, and what a tick comes to."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from orchestration import automation
from orchestration.assets.raw import SETTLE_TAG
from orchestration.automation import build_jobs, build_schedules, build_sensors
from orchestration.dagster_instance import prepare_dagster_home, run_tags
from orchestration.errors import CustomerValueError
from orchestration.failures import readable_failures
from orchestration.freshness import Age
from orchestration.notifying import Notification
from orchestration.pruning import prune
from orchestration.settings import Settings
from orchestration.warehouse import WarehouseInUseError, lock_holder, warehouse_lock
from tests.unit.landing_folder import GOOD_LINE, HEADER

SENSORS = {"landing_files", "tell_of_failures", "prune_after_runs", "tell_of_age"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    landing = tmp_path / "landing"
    landing.mkdir()
    return Settings(
        landing_dir=landing, profile="canonical", data_dir=tmp_path / "data", home_dir=tmp_path
    )


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage in the test's own home."""
    home = prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(home), "command-line.yaml") as instance:
        yield instance


def _sensor(settings: Settings, name: str) -> dg.SensorDefinition:
    return {sensor.name: sensor for sensor in build_sensors(settings)}[name]


def _set(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update=changes)


@pytest.mark.parametrize("is_on", [True, False])
def test_one_setting_switches_all_of_it_on(settings: Settings, is_on: bool) -> None:
    chosen = _set(settings, automation=is_on, landing_poll_seconds=7, refresh_schedule="5 4 * * *")
    schedules = build_schedules(chosen, build_jobs())
    sensors = {sensor.name: sensor for sensor in build_sensors(chosen)}
    assert set(sensors) == SENSORS
    assert {one.default_status.value for one in (*schedules, *sensors.values())} == {
        "RUNNING" if is_on else "STOPPED"
    }
    assert sensors["landing_files"].minimum_interval_seconds == 7
    daily = next(schedule for schedule in schedules if schedule.name == "daily_refresh")
    assert daily.cron_schedule == "5 4 * * *"
    assert all(one.description for one in (*schedules, *sensors.values()))


def test_there_is_a_schedule_for_each_job_that_there_is(settings: Settings) -> None:
    jobs = build_jobs()
    names = {job.name for job in jobs}
    schedules = {schedule.name for schedule in build_schedules(settings, jobs)}
    assert schedules == {
        name
        for job, name in (("refresh", "daily_refresh"), ("refit_clusters", "weekly_refit"))
        if job in names
    }
    refit = dg.define_asset_job(automation.REFIT_CLUSTERS, selection=dg.AssetSelection.all())
    (weekly,) = build_schedules(settings, [refit])
    assert (weekly.name, weekly.cron_schedule) == ("weekly_refit", settings.refit_schedule)


def test_ticks_of_the_landing_sensor(settings: Settings, instance: dg.DagsterInstance) -> None:
    sensor = _sensor(settings, "landing_files")

    def tick(cursor: str | None) -> dg.SensorResult:
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        return result

    empty = tick(None)
    assert empty.skip_reason is not None
    (settings.resolved_landing_dir / "order_lines.csv").write_text(f"{HEADER}\n{GOOD_LINE}\n")
    first = tick(empty.cursor)
    assert not first.run_requests
    second = tick(first.cursor)
    assert second.run_requests is not None
    (request,) = second.run_requests
    assert request.run_key
    assert request.tags[SETTLE_TAG] == str(settings.landing_poll_seconds)
    assert not tick(second.cursor).run_requests


def test_a_landing_folder_that_is_not_there_is_said(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    gone = _set(settings, landing_dir=settings.resolved_landing_dir / "gone")
    context = dg.build_sensor_context(instance=instance, cursor="before")
    result = _sensor(gone, "landing_files")(context)
    assert isinstance(result, dg.SensorResult)
    assert "does not exist" in str(result.skip_reason)
    assert result.cursor == "before"


@pytest.mark.parametrize(
    ("status", "is_waiting"),
    [
        (dg.DagsterRunStatus.STARTING, True),
        (dg.DagsterRunStatus.STARTED, False),
        (dg.DagsterRunStatus.FAILURE, False),
    ],
)
def test_one_run_waits_at_a_time(
    settings: Settings, instance: dg.DagsterInstance, status: dg.DagsterRunStatus, is_waiting: bool
) -> None:
    """A run that has begun to load, or will, takes what has settled."""
    job = dg.GraphDefinition("refresh").to_job()
    # Killed runs of the command line hold nobody up.
    killed = instance.create_run_for_job(
        job, status=dg.DagsterRunStatus.STARTED, tags=run_tags(settings)
    )
    instance.create_run_for_job(job, status=status)
    context = dg.build_sensor_context(instance=instance, cursor=None)
    (settings.resolved_landing_dir / "order_lines.csv").write_text(f"{HEADER}\n{GOOD_LINE}\n")
    sensor = _sensor(settings, "landing_files")
    first = sensor(context)
    second = sensor(dg.build_sensor_context(instance=instance, cursor=first.cursor))
    assert bool(second.run_requests) is not is_waiting
    ended = instance.get_run_by_id(killed.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize(("loaded_later", "is_waiting"), [(-5, True), (5, False), (None, True)])
def test_a_run_that_has_loaded_does_not_look_again(
    settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    loaded_later: int | None,
    is_waiting: bool,
) -> None:
    job = dg.GraphDefinition("refresh").to_job()
    run = instance.create_run_for_job(job, tags=run_tags(settings))
    instance.report_run_failed(run)
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    began = record.create_timestamp.timestamp()
    started = record._replace(
        start_time=began, dagster_run=run.with_status(dg.DagsterRunStatus.STARTED)
    )
    monkeypatch.setattr(instance, "get_run_records", lambda filters: [started])
    if loaded_later is not None:
        loaded_at = datetime.fromtimestamp(began + loaded_later, UTC).isoformat()
        settings.resolved_data_dir.mkdir()
        settings.ledger_copy_path.write_text(
            json.dumps({"input_digest": "", "written_at": loaded_at, "files": [], "failed": []})
        )
    assert automation._is_run_waiting(instance, settings) is is_waiting


def test_the_daily_refresh_is_skipped_with_a_reason_or_asked_for_with_one(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = build_schedules(settings, build_jobs())[0]
    for reason, expected in (("files are new or changed", dg.RunRequest), (None, dg.SkipReason)):
        monkeypatch.setattr(automation, "why_refresh", lambda _, told=reason: told)
        with dg.build_schedule_context(instance=instance) as context:
            result = daily(context)
        assert isinstance(result, expected)
        if isinstance(result, dg.RunRequest):
            assert result.tags["customer_value/reason"] == reason
            assert result.tags[SETTLE_TAG] == str(settings.landing_poll_seconds)


def _failing_job(error: Exception) -> dg.JobDefinition:
    @dg.op
    def load() -> None:
        with readable_failures():
            raise error

    @dg.job
    def refresh() -> None:
        load()

    return refresh


@pytest.mark.parametrize(
    ("error", "problem", "way_out"),
    [
        (CustomerValueError("No file.", "Put one there."), "No file.", "Put one there."),
        (ZeroDivisionError("by zero"), "by zero", "The last publication stays."),
    ],
)
def test_people_are_told_what_failed_why_and_what_to_do(
    settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    problem: str,
    way_out: str,
) -> None:
    sent: list[Notification] = []
    monkeypatch.setattr(automation, "notify", lambda _, message, log: sent.append(message))
    result = _failing_job(error).execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="tell_of_failures",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()
    _sensor(_set(settings, ui_url="https://ui.example.org/"), "tell_of_failures")(context)
    (message,) = sent
    assert message.title == "customer-value: refresh failed"
    assert problem in message.problem
    assert message.way_out.startswith(way_out)
    assert message.link == f"https://ui.example.org/runs/{result.run_id}"


def test_only_a_lock_that_is_held_is_tried_again(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.failures._SECONDS_TO_RETRY", 0)
    tries: list[str] = []

    def run(error: CustomerValueError, successes_from: int) -> dg.ExecuteInProcessResult:
        tries.clear()

        @dg.op
        def load() -> None:
            tries.append("try")
            with readable_failures(lock_retries=3):
                if len(tries) < successes_from:
                    raise error

        @dg.job
        def refresh() -> None:
            load()

        return refresh.execute_in_process(instance=instance, raise_on_error=False)

    held = WarehouseInUseError("In use by process 1.", "Wait.")
    assert run(held, successes_from=3).success
    assert len(tries) == 3
    gave_up = run(held, successes_from=99)
    assert (gave_up.success, len(tries)) == (False, 4)
    failed = gave_up.get_step_failure_events()[0].step_failure_data.user_failure_data
    assert failed is not None
    assert failed.metadata["problem"].value == "In use by process 1."
    assert not run(CustomerValueError("Another problem.", ""), successes_from=3).success
    assert len(tries) == 1


def test_the_lock_says_what_its_holder_does_now(settings: Settings) -> None:
    with warehouse_lock(settings, "refreshing"):
        with warehouse_lock(settings, "building the models"):
            inner = lock_holder(settings) or ""
        outer = lock_holder(settings) or ""
    assert f"process {os.getpid()} (refreshing: building the models, since " in inner
    assert f"process {os.getpid()} (refreshing, since " in outer
    assert "command `" in outer


def test_old_runs_are_forgotten_and_the_last_success_is_not(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    chosen = _set(settings, keep_runs=2)

    @dg.asset
    def table() -> None:
        """An asset whose last materialisation must stay known."""

    good = [
        dg.materialize([table], instance=instance).run_id,
        dg.materialize([table], instance=instance).run_id,
    ]
    failing = _failing_job(CustomerValueError("No.", ""))
    failed = [
        failing.execute_in_process(instance=instance, raise_on_error=False).run_id for _ in range(3)
    ]
    orphan = settings.dagster_home / "storage" / "01234567-89ab-cdef-0123-456789abcdef"
    orphan.mkdir(parents=True)
    (orphan / "log").write_text("left over")
    ours = settings.dagster_home / "storage" / "not-a-run"
    ours.mkdir()

    assert prune(chosen, instance).runs == 2

    assert {run.run_id for run in instance.get_runs()} == {good[1], *failed[1:]}
    event_files = {path.stem for path in (settings.dagster_home / "history" / "runs").glob("*.db")}
    assert event_files & {*good, *failed} == {good[1], *failed[1:]}
    assert (orphan.exists(), ours.exists()) == (False, True)
    last = instance.get_latest_materialization_event(dg.AssetKey("table"))
    assert last is not None
    assert last.run_id == good[1]
    assert prune(chosen, instance).runs == 0


def test_the_storage_can_be_a_server(settings: Settings, tmp_path: Path) -> None:
    url = "postgresql://me:secret@db/dagster"
    moved = _set(settings, dagster_postgres_url=SecretStr(url))
    with pytest.raises(CustomerValueError, match="dagster-postgres is not installed"):
        prepare_dagster_home(moved)
    assert not any("secret" in path.read_text() for path in tmp_path.rglob("*.yaml"))


def test_age_is_told_once_per_publication(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Notification] = []
    monkeypatch.setattr(automation, "notify", lambda _, message, log: sent.append(message))
    sensor = _sensor(settings, "tell_of_age")
    cursor = None
    for run_id, hours in (("a", 1), ("a", 27), ("a", 28), ("b", 1), ("b", 30), ("b", 31)):
        is_fresh = hours < settings.freshness_hours
        age = Age(run_id, datetime(2024, 1, 1), timedelta(hours=hours), is_fresh)
        monkeypatch.setattr(automation, "publication_age", lambda _, told=age: told)
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        sensor(context)
        cursor = context.cursor
    assert [message.problem.split(",")[0] for message in sent] == [
        "Published 27.0 hours ago",
        "Published 30.0 hours ago",
    ]


def test_the_instance_runs_one_run_at_a_time(instance: dg.DagsterInstance) -> None:
    assert instance.get_concurrency_config().run_queue_config is not None
    assert instance.get_settings("concurrency")["runs"]["max_concurrent_runs"] == 1
    assert instance.get_settings("freshness") == {"enabled": True}
