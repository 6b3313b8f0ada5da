"""Expectations and the landing's own checks, as blocking asset checks of Dagster.

One step for each schema, so that a step waits for no more than the tables it is about: landed
tables are checked before dbt reads them, core and published tables before they are published.

Belongs here: specs, steps and what they show. Does not belong here: what is checked (``checks/``).
"""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from orchestration.checks.report import CheckReport, describe_failed
from orchestration.checks.results import CheckResult
from orchestration.errors import CustomerValueError
from orchestration.failures import failure, readable_failures
from orchestration.fingerprint import fingerprint
from orchestration.layers import PUBLISHED_SCHEMAS, RAW_SCHEMA
from orchestration.manifest import Manifest
from orchestration.progress import Reporter
from orchestration.settings import Settings
from orchestration.warehouse import connect_warehouse


def build_checks(
    settings: Settings, manifest: Manifest, reporter: Reporter
) -> list[dg.AssetChecksDefinition]:
    """The checks that dbt does not run, one step per schema that has any.

    Args:
        settings: the warehouse, and which suites there are.
        manifest: says which tables there are.
        reporter: told of what is broken without stopping the run.

    Raises:
        CustomerValueError: a suite is wrong, or names a check that there is already.
    """
    report = CheckReport(settings, manifest)
    _assert_names_are_free(report)
    specs: dict[str, list[dg.AssetCheckSpec]] = {}
    for check in report.known:
        if check.kind != "dbt_test":
            specs.setdefault(_asset_key(check).path[0], []).append(_spec(check))
    return [
        _checks_of_schema(report, schema, specs[schema], reporter)
        for schema in (RAW_SCHEMA, *PUBLISHED_SCHEMAS)
        if schema in specs
    ]


def report_failed_landing(settings: Settings, manifest: Manifest) -> Callable[[], None]:
    """What is to be done when a landing file could not be read: the report says so."""

    def report() -> None:
        with connect_warehouse(settings, "reporting the checks") as con:
            CheckReport(settings, manifest).record_landing(con, fingerprint(con, settings))

    return report


def _checks_of_schema(
    report: CheckReport, schema: str, specs: Sequence[dg.AssetCheckSpec], reporter: Reporter
) -> dg.AssetChecksDefinition:
    settings = report.settings
    is_published = schema in PUBLISHED_SCHEMAS

    @dg.multi_asset_check(name=f"{schema}_checks", specs=specs, can_subset=True, pool="warehouse")
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """Judge the tables of one schema; what breaks an expectation of severity error stops."""
        chosen = {
            (key.asset_key.path[-1], key.name)
            for key in context.op_execution_context.selected_asset_check_keys
        }
        with readable_failures():
            if is_published and not settings.marts_build_path.exists():
                raise CustomerValueError(
                    f"There is no build to check: {settings.marts_build_path} does not exist.",
                    "Run the job `refresh`, or `customer-value run`.",
                )
            reporter.now(f"Checking schema {schema}")
            with connect_warehouse(settings, "checking tables", with_marts=is_published) as con:
                results = report.judge(con, schema, chosen, fingerprint(con, settings))
        for result in results:
            if result.status == "warned":
                reporter.warn(
                    f"{result.check_name} on {result.table_name}: {result.actual}. "
                    f"Expected: {result.expected}"
                )
            yield _result(result)
        failed = [result for result in results if result.is_blocking]
        if failed:
            raise failure(*describe_failed(failed, settings.check_results_path))

    return checks


def _asset_key(check: CheckResult) -> dg.AssetKey:
    return dg.AssetKey(check.table_name.split("."))


def _spec(check: CheckResult) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.check_name,
        asset=_asset_key(check),
        description=check.expected,
        blocking=check.severity == "error",
    )


def _result(result: CheckResult) -> dg.AssetCheckResult:
    severity = (
        dg.AssetCheckSeverity.ERROR if result.severity == "error" else dg.AssetCheckSeverity.WARN
    )
    metadata: dict[str, dg.MetadataValue] = {"actual": dg.MetadataValue.text(result.actual)}
    if result.sql:
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{result.sql}\n```")
    if result.failing_rows is not None:
        metadata["failing_rows"] = dg.MetadataValue.int(result.failing_rows)
    if result.examples:
        metadata["examples"] = dg.MetadataValue.text(result.examples)
    return dg.AssetCheckResult(
        asset_key=_asset_key(result),
        check_name=result.check_name,
        passed=result.status == "passed",
        severity=severity,
        description=result.expected,
        metadata=metadata,
    )


def _assert_names_are_free(report: CheckReport) -> None:
    """A table shows each name once, whoever checks it."""
    taken: dict[tuple[str, str], CheckResult] = {}
    sources = {one.check_id: one.source for one in report.expectations}
    for check in report.known:
        earlier = taken.setdefault((check.table_name, check.check_name), check)
        if earlier is not check:
            raise CustomerValueError(
                f"{sources.get(check.check_id, check.check_id)}: {check.table_name} has a check "
                f"{check.check_name!r} already.",
                "Give the expectation another name.",
            )
