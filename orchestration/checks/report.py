"""The test report of a build: every check there is, and what became of it.

Belongs here: which checks there are, keeping their results, and writing the report. Does not belong
here: judging anything (expectations.py, landed.py, dbt).
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import duckdb

from orchestration.build_record import record_checks
from orchestration.checks.expectations import judge_expectations, unjudged
from orchestration.checks.landed import LANDING_CHECKS, judge_landing
from orchestration.checks.learned import CLUSTER_DRIFT
from orchestration.checks.results import (
    CheckResult,
    Status,
    fill_results,
    first_rows,
    keep_results,
    read_results,
    write_results,
)
from orchestration.checks.suites import Expectation, load_suites
from orchestration.dbt_runner import NodeResult
from orchestration.fingerprint import Fingerprint
from orchestration.landing.contract import CONTRACT
from orchestration.layers import PUBLISHED_SCHEMAS, RAW_SCHEMA
from orchestration.manifest import Manifest, Node
from orchestration.settings import Settings
from orchestration.warehouse import MARTS

TABLE = "quality.rpt_check_results"

_STATUS: dict[str, Status] = {
    "pass": "passed",
    "warn": "warned",
    "fail": "failed",
    "error": "failed",
    "skipped": "skipped",
}


class CheckReport:
    """Every check of a project on one warehouse.

    Args:
        settings: the warehouse, and which suites there are.
        manifest: the tests of the dbt project and the tables it publishes.
    """

    def __init__(self, settings: Settings, manifest: Manifest) -> None:
        self.settings = settings
        self.manifest = manifest

    @cached_property
    def expectations(self) -> tuple[Expectation, ...]:
        """All expectations; none where they are switched off.

        Raises:
            CustomerValueError: a suite is wrong.
        """
        if not self.settings.expectations:
            return ()
        tables: dict[str, list[str]] = {RAW_SCHEMA: [*CONTRACT, "loaded_files", "rejected_rows"]}
        for schema in PUBLISHED_SCHEMAS:
            tables[schema] = [
                node.name for node in self.manifest.published if node.schema == schema
            ]
        return load_suites(self.settings.expectations_dir, tables)

    @cached_property
    def known(self) -> tuple[CheckResult, ...]:
        """Every check, as one that was not run."""
        tests = [self._of_test(node) for node in self.manifest.of_type("test")]
        expectations = (unjudged(one) for one in self.expectations)
        return (*tests, *LANDING_CHECKS, CLUSTER_DRIFT, *expectations)

    @property
    def required(self) -> tuple[CheckResult, ...]:
        """What must have passed before a publication, besides what dbt builds and tests."""
        return tuple(
            check for check in self.known if check.kind != "dbt_test" and check.severity == "error"
        )

    def judge(
        self,
        con: duckdb.DuckDBPyConnection,
        schema: str,
        names: Collection[tuple[str, str]],
        made_from: Fingerprint,
    ) -> list[CheckResult]:
        """Run the checks of a schema's tables that dbt does not run, and keep their results.

        Args:
            con: the warehouse; for a published schema with the marts attached.
            schema: ``raw`` or a published schema.
            names: table and name of the checks to be run.
            made_from: the state of input, settings and code.
        """
        chosen = [
            one
            for one in self.expectations
            if one.schema == schema and (one.table, one.name) in names
        ]
        results = judge_expectations(con, chosen)
        if schema == RAW_SCHEMA:
            results += [one for one in judge_landing(con) if ("loaded_files", one.name) in names]
        self._keep(con, results, made_from)
        return results

    def record(
        self, con: duckdb.DuckDBPyConnection, result: CheckResult, made_from: Fingerprint
    ) -> None:
        """Keep the result of a check that a step of the run makes by itself."""
        self._keep(con, [result], made_from)

    def record_landing(self, con: duckdb.DuckDBPyConnection, made_from: Fingerprint) -> None:
        """Keep the landing's own checks of a landing that failed, after which no other runs."""
        self._keep(con, judge_landing(con), made_from)

    def record_tests(
        self,
        con: duckdb.DuckDBPyConnection,
        results: Iterable[NodeResult],
        made_from: Fingerprint,
    ) -> None:
        """Keep what became of dbt's tests.

        Args:
            con: the warehouse, with the marts attached.
            results: results of a build, tests and others.
            made_from: the state of input, settings and code.
        """
        tests = [
            self._result_of_test(con, self.manifest.nodes[result.unique_id], result)
            for result in results
            if result.resource_type == "test" and result.unique_id in self.manifest.nodes
        ]
        keep_results(con, tests, made_from.digest)
        self._write(con, made_from)

    def publish(self, con: duckdb.DuckDBPyConnection, made_from: Fingerprint) -> str:
        """Put the report into the built marts; the connection has them attached.

        Returns:
            one line: how many checks that dbt does not run were met.
        """
        results = read_results(con, self.known, made_from.digest)
        fill_results(con, f"{MARTS}.{TABLE}", results)
        self._write(con, made_from)
        judged = [one for one in results if one.kind == "expectation"]
        warned = sum(one.status == "warned" for one in judged)
        text = f"{len(judged) - warned} expectations met"
        return f"{text}, {warned} not (warnings)" if warned else text

    def _keep(
        self,
        con: duckdb.DuckDBPyConnection,
        results: Sequence[CheckResult],
        made_from: Fingerprint,
    ) -> None:
        keep_results(con, results, made_from.digest)
        record_checks(con, made_from, [_node_result(one) for one in results])
        self._write(con, made_from)

    def _write(self, con: duckdb.DuckDBPyConnection, made_from: Fingerprint) -> None:
        results = read_results(con, self.known, made_from.digest)
        write_results(con, self.settings.check_results_path, results)

    def _of_test(self, node: Node) -> CheckResult:
        return CheckResult(
            check_id=node.unique_id,
            check_name=node.name,
            kind="dbt_test",
            table_name=".".join(self._relation(node)),
            column_name=_columns_of(node),
            sql=None,
            expected=_expected(node),
            severity="error" if node.severity == "error" else "warning",
        )

    def _relation(self, test: Node) -> tuple[str, str]:
        """The table a test stands at: the one it is attached to, else the first published one."""
        meta = (test.meta.get("dagster") or {}).get("ref") or {}
        for unique_id in (test.attached_node, *test.parents):
            node = self.manifest.nodes.get(unique_id or "")
            if node and (not meta or node.name == meta.get("name")):
                return node.relation
        sources = [
            self.manifest.sources[one] for one in test.parents if one in self.manifest.sources
        ]
        return sources[0] if sources else ("", test.name)

    def _result_of_test(
        self, con: duckdb.DuckDBPyConnection, node: Node, result: NodeResult
    ) -> CheckResult:
        check = self._of_test(node)
        status = _STATUS.get(result.status, "failed")
        sql = result.compiled_sql.strip() or None
        if status == "skipped":
            return replace(check, sql=sql)
        if result.status == "error":
            return replace(
                check, sql=sql, status=status, actual=" ".join(result.message.split()) or "error"
            )
        count = result.failures
        return replace(
            check,
            sql=sql,
            expected=_comment(sql or "") or check.expected,
            actual=f"{count:,} row{'s' if count != 1 else ''} break it",
            status=status,
            failing_rows=count,
            examples=_examples(con, sql) if count and sql else None,
        )


def describe_failed(failed: Sequence[CheckResult], path: object) -> tuple[str, str]:
    """What is wrong, and the way out, when checks stop a publication.

    Args:
        failed: results that stop it, at least one.
        path: the CSV with all results.
    """
    told = "; ".join(
        f"{one.check_name} on {one.table_name} ({one.actual}"
        + (f": {one.examples}" if one.examples else "")
        + ")"
        for one in failed[:5]
    )
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    meaning = " ".join(one.expected.rstrip(".") + "." for one in failed[:5])
    return (
        f"{len(failed)} check{'s' if len(failed) != 1 else ''} failed: {told}{more}.",
        f"{meaning} Nothing is published, the last publication stays. All checks: {path}.",
    )


def _node_result(result: CheckResult) -> NodeResult:
    status = {"passed": "pass", "warned": "warn", "failed": "fail"}.get(result.status, "skipped")
    return NodeResult(
        unique_id=result.check_id,
        name=result.check_name,
        resource_type=result.kind,
        status=status,
        message=result.actual,
        failures=result.failing_rows or 0,
        seconds=0.0,
        compiled_sql=result.sql or "",
    )


def _columns_of(node: Node) -> str | None:
    """Columns a generic test names."""
    column = node.test_kwargs.get("column_name")
    columns = [column] if column else node.test_kwargs.get("columns") or []
    return ", ".join(str(one) for one in columns) or None


def _expected(node: Node) -> str:
    """What a test asserts, from its name and arguments."""
    arguments = node.test_kwargs
    match node.test_name:
        case "holds":
            return f"{arguments.get('expression')} is true for every row"
        case "accepted_values":
            values = ", ".join(str(value) for value in arguments.get("values") or ())
            return f"{_columns_of(node)} is one of {values}"
        case "relationships":
            to = re.sub(r"^.*ref\('(\w+)'\).*$", r"\1", str(arguments.get("to") or ""))
            return f"{_columns_of(node)} is in {to}.{arguments.get('field')}"
        case "not_null":
            return f"{_columns_of(node)} has a value"
        case "unique":
            return f"no value of {_columns_of(node)} occurs twice"
        case "primary_key":
            return f"each {_columns_of(node)} stands for one row and is complete"
    return node.description or node.name.removeprefix("assert_").replace("_", " ")


def _comment(sql: str) -> str:
    """The comment that a check's SQL begins with."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def _examples(con: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    try:
        return first_rows(con, sql)
    except duckdb.Error:
        return None
