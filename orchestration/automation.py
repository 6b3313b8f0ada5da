"""Jobs, and what starts them: the landing sensor, schedules, and the watch over failures and age.

All of it is visible in Dagster's UI; the setting ``automation`` says whether it is switched on from
the start.

Belongs here: jobs, schedules and sensors as Dagster knows them. Does not belong here: assets, when
a run is asked for (``sensing.py``) and how people are told (``notifying.py``).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.clusters import step_config
from orchestration.assets.raw import SETTLE_TAG
from orchestration.cluster_model import ModelRequest
from orchestration.dagster_instance import end_dead_command_line_runs
from orchestration.errors import CustomerValueError
from orchestration.failures import told_by
from orchestration.freshness import describe_age, publication_age
from orchestration.ledger_copy import read_ledger_copy
from orchestration.notifying import Notification, notify
from orchestration.pruning import prune_after_run
from orchestration.sensing import look, why_refresh
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

REFRESH = "refresh"
REFIT_CLUSTERS = "refit_clusters"

_AGE_SECONDS = 300
_NOT_TOLD = "The run ended before any step could say why"


def build_jobs() -> "list[UnresolvedAssetJobDefinition]":
    """The jobs: ``refresh`` is load, models, checks and publication, ``refit_clusters`` the same
    with clusters that are fitted again."""
    return [
        dg.define_asset_job(
            REFRESH,
            selection=dg.AssetSelection.all(),
            description="Load what is new, build and check all models, publish the marts.",
            executor_def=dg.in_process_executor,
        ),
        dg.define_asset_job(
            REFIT_CLUSTERS,
            selection=dg.AssetSelection.all(),
            description="Refresh, and fit the clusters again: they keep their ids, and nothing is "
            "published when they differ too much from the published ones.",
            config=step_config(ModelRequest(is_refit=True)),
            executor_def=dg.in_process_executor,
        ),
    ]


def build_schedules(
    settings: Settings, jobs: "Iterable[UnresolvedAssetJobDefinition]"
) -> list[dg.ScheduleDefinition]:
    """The schedules of those jobs that there are: refresh daily, fit clusters anew weekly."""
    status = _schedule_status(settings)
    tags = _settle_tags(settings)
    names = {job.name for job in jobs}

    @dg.schedule(
        name="daily_refresh",
        job_name=REFRESH,
        cron_schedule=settings.refresh_schedule,
        execution_timezone=settings.shop_timezone,
        default_status=status,
        description="Refreshes once a day, when anything differs from what is published.",
    )
    def daily_refresh() -> dg.RunRequest | dg.SkipReason:
        try:
            reason = why_refresh(settings)
        except CustomerValueError as error:
            return dg.SkipReason(str(error))
        if reason is None:
            return dg.SkipReason("Nothing new: no file, setting or model has changed.")
        return dg.RunRequest(tags={**tags, "customer_value/reason": reason})

    refit_clusters = dg.ScheduleDefinition(
        name="weekly_refit",
        job_name=REFIT_CLUSTERS,
        cron_schedule=settings.refit_schedule,
        execution_timezone=settings.shop_timezone,
        tags=tags,
        default_status=status,
        description="Fits the clusters anew once a week.",
    )
    schedules = {REFRESH: daily_refresh, REFIT_CLUSTERS: refit_clusters}
    return [schedule for name, schedule in schedules.items() if name in names]


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensors: on the landing folder, on failed runs, on the age of the publication."""
    return [
        _landing_sensor(settings),
        _failure_sensor(settings),
        _pruning_sensor(settings),
        _age_sensor(settings),
    ]


def _landing_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="landing_files",
        job_name=REFRESH,
        minimum_interval_seconds=settings.landing_poll_seconds,
        default_status=_sensor_status(settings),
        description="Refreshes when files in the landing folder are new or changed, and whole.",
    )
    def landing_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        end_dead_command_line_runs(context.instance)
        try:
            tick = look(settings, context.cursor, _is_run_waiting(context.instance, settings))
        except CustomerValueError as error:
            return dg.SensorResult(skip_reason=str(error), cursor=context.cursor)
        if tick.run_key is None:
            return dg.SensorResult(skip_reason=tick.reason, cursor=tick.cursor)
        tags = {**_settle_tags(settings), "customer_value/reason": tick.reason}
        request = dg.RunRequest(run_key=tick.run_key, tags=tags)
        return dg.SensorResult(run_requests=[request], cursor=tick.cursor)

    return landing_files


def _is_run_waiting(instance: dg.DagsterInstance, settings: Settings) -> bool:
    """Whether a refresh is queued, or has begun and not yet ended its load."""
    known = read_ledger_copy(settings.ledger_copy_path)
    loaded_at = known.written_at.timestamp() if known else 0.0
    waiting = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING]
    alive = dg.RunsFilter(job_name=REFRESH, statuses=[*waiting, dg.DagsterRunStatus.STARTED])
    return any(
        record.dagster_run.status in waiting or (record.start_time or 0.0) > loaded_at
        for record in instance.get_run_records(alive)
    )


def _failure_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="tell_of_failures",
        default_status=_sensor_status(settings),
        description="Tells people what failed, why, and what to do, by the notifier that is set.",
    )
    def tell_of_failures(context: dg.RunFailureSensorContext) -> None:
        notify(settings, _failed(context, settings), context.log)
        prune_after_run(settings, context.instance, context.log)

    return tell_of_failures


def _pruning_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        dg.DagsterRunStatus.SUCCESS,
        name="prune_after_runs",
        default_status=_sensor_status(settings),
        description="Forgets old runs and removes what they have left.",
    )
    def prune_after_runs(context: dg.RunStatusSensorContext) -> None:
        prune_after_run(settings, context.instance, context.log)

    return prune_after_runs


def _failed(context: dg.RunFailureSensorContext, settings: Settings) -> Notification:
    run = context.dagster_run
    told, reason = told_by(
        _events(context.get_step_failure_events()), context.failure_event.message or _NOT_TOLD
    )
    return Notification(
        title=f"customer-value: {run.job_name} failed",
        problem=told.problem if told else reason,
        way_out=told.way_out if told else "The last publication stays. The run's log says more.",
        link=f"{settings.ui_url.rstrip('/')}/runs/{run.run_id}",
    )


def _events(step_failures: Sequence[dg.DagsterEvent]) -> list[dg.DagsterEvent]:
    return [event for event in step_failures if event.is_step_failure]


def _age_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="tell_of_age",
        minimum_interval_seconds=_AGE_SECONDS,
        default_status=_sensor_status(settings),
        description="Tells people once when the publication has become out of date.",
    )
    def tell_of_age(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        age = publication_age(settings)
        if age is None:
            return dg.SkipReason("Nothing is published yet.")
        text = describe_age(age, settings)
        if age.is_fresh:
            context.update_cursor("")
        elif context.cursor != age.run_id:
            context.update_cursor(age.run_id)
            notification = Notification(
                title="customer-value: the marts are out of date",
                problem=text,
                way_out="See whether files still arrive and whether the last runs failed: "
                "`customer-value status`.",
                link=f"{settings.ui_url.rstrip('/')}/runs",
            )
            notify(settings, notification, context.log)
        return dg.SkipReason(text)

    return tell_of_age


def _settle_tags(settings: Settings) -> dict[str, str]:
    """What nobody has said to be whole is left alone until it has stayed the same for a while."""
    return {SETTLE_TAG: str(settings.landing_poll_seconds)}


def _sensor_status(settings: Settings) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED


def _schedule_status(settings: Settings) -> dg.DefaultScheduleStatus:
    return (
        dg.DefaultScheduleStatus.RUNNING
        if settings.automation
        else dg.DefaultScheduleStatus.STOPPED
    )
