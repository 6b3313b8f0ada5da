"""The record of what was built and how it ended, kept in the warehouse itself (schema ``audit``).

It is what publishing trusts: a build that failed, was killed, or left some models older than others
cannot be published, whoever asks and whenever.

Belongs here: writing and judging that record. Does not belong here: building and publishing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb

from orchestration.dbt_runner import NodeResult
from orchestration.errors import CustomerValueError
from orchestration.fingerprint import Fingerprint

_OK = ("success", "pass", "warn", "no-op")


class Required(Protocol):
    """Something that must have ended well: a model, a seed, a test, another check."""

    @property
    def unique_id(self) -> str:
        """As the record knows it."""

    @property
    def name(self) -> str:
        """As a person knows it."""


def ensure_record(con: duckdb.DuckDBPyConnection) -> None:
    """Create the record's tables where they are missing."""
    con.execute("create schema if not exists audit")
    con.execute(
        """
        create table if not exists audit.node_results (
            unique_id varchar primary key,
            name varchar not null,
            resource_type varchar not null,
            status varchar not null,
            failures bigint not null,
            message varchar not null,
            seconds double not null,
            fingerprint varchar not null
        )
        """
    )
    con.execute(
        """
        create table if not exists audit.build_in_progress (fingerprint varchar not null)
        """
    )
    # Of a build whose first part has ended well; what follows the learned tables is yet to come.
    con.execute("create table if not exists audit.build_half_done (fingerprint varchar not null)")


def start_build(con: duckdb.DuckDBPyConnection, fingerprint: Fingerprint) -> None:
    """Note that a build has begun; until it ends nothing can be published."""
    ensure_record(con)
    con.execute("delete from audit.build_half_done")
    con.execute("delete from audit.build_in_progress")
    con.execute("insert into audit.build_in_progress values (?)", [fingerprint.digest])


def is_half_done(con: duckdb.DuckDBPyConnection, fingerprint: Fingerprint) -> bool:
    """Whether a build of these inputs has ended its first part and waits for the second."""
    ensure_record(con)
    rows = con.execute("select fingerprint from audit.build_half_done").fetchall()
    return rows == [(fingerprint.digest,)]


def end_build(
    con: duckdb.DuckDBPyConnection,
    fingerprint: Fingerprint,
    results: Sequence[NodeResult],
    is_half: bool = False,
) -> None:
    """Note how each node ended; what was not part of this build keeps its earlier result.

    Args:
        con: the warehouse.
        fingerprint: what was built from.
        results: how the nodes of this build ended.
        is_half: whether a second part follows, until which nothing can be published.
    """
    _write(con, fingerprint, results, is_end=True, is_half=is_half)


def record_checks(
    con: duckdb.DuckDBPyConnection, fingerprint: Fingerprint, results: Sequence[NodeResult]
) -> None:
    """Note how checks ended that dbt does not run; publishing requires them like dbt's tests."""
    ensure_record(con)
    _write(con, fingerprint, results, is_end=False, is_half=False)


def _write(
    con: duckdb.DuckDBPyConnection,
    fingerprint: Fingerprint,
    results: Sequence[NodeResult],
    is_end: bool,
    is_half: bool,
) -> None:
    # The last result of a node counts; a statement may not write a row twice.
    last = {result.unique_id: result for result in results}
    rows = [
        (r.unique_id, r.name, r.resource_type, r.status, r.failures, r.message, r.seconds)
        for r in last.values()
    ]
    con.execute("begin")
    try:
        if rows:
            # One statement for all of them: one for each takes a hundred times as long.
            con.execute(
                """
                insert or replace into audit.node_results
                select
                    unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6),
                    unnest($7), $8
                """,
                [
                    *(list(column) for column in zip(*rows, strict=True)),
                    fingerprint.digest,
                ],
            )
        if is_end:
            con.execute("delete from audit.build_in_progress")
        if is_half:
            con.execute("insert into audit.build_half_done values (?)", [fingerprint.digest])
        con.execute("commit")
    except duckdb.Error:
        con.execute("rollback")
        raise


def forget_build(con: duckdb.DuckDBPyConnection) -> None:
    """Forget how nodes ended, so that nothing can be published before all are built again."""
    ensure_record(con)
    con.execute("delete from audit.node_results")


@dataclass(frozen=True)
class Verdict:
    """Whether the warehouse may be published, and if not, why (node names)."""

    is_unfinished: bool
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    outdated: tuple[str, ...]

    @property
    def is_publishable(self) -> bool:
        """Whether everything was built from the same inputs and passed."""
        return not (self.is_unfinished or self.failed or self.missing or self.outdated)


def judge(
    con: duckdb.DuckDBPyConnection, required: Iterable[Required], fingerprint: Fingerprint
) -> Verdict:
    """Compare the record with what must have been built.

    Args:
        con: the warehouse.
        required: models, seeds, tests and other checks that must have ended well.
        fingerprint: what they must have been built from.
    """
    ensure_record(con)
    unfinished = con.execute(
        "from audit.build_in_progress union all from audit.build_half_done"
    ).fetchall()
    known = {
        unique_id: (status, built_from)
        for unique_id, status, built_from in con.execute(
            "select unique_id, status, fingerprint from audit.node_results"
        ).fetchall()
    }
    failed, skipped, missing, outdated = [], [], [], []
    for node in required:
        status, built_from = known.get(node.unique_id, (None, None))
        if status is None:
            missing.append(node.name)
        elif status == "skipped":
            skipped.append(node.name)
        elif status not in _OK:
            failed.append(node.name)
        elif built_from != fingerprint.digest:
            outdated.append(node.name)
    # What was skipped follows from what failed, which is what a person wants to read.
    return Verdict(bool(unfinished), tuple(failed or skipped), tuple(missing), tuple(outdated))


def assert_publishable(
    con: duckdb.DuckDBPyConnection, required: Iterable[Required], fingerprint: Fingerprint
) -> None:
    """Refuse to publish what was not wholly built and checked from one state of the inputs.

    Raises:
        CustomerValueError: says which models or tests stand in the way.
    """
    verdict = judge(con, required, fingerprint)
    if verdict.is_publishable:
        return
    if verdict.is_unfinished:
        problem = "The last build did not come to its end"
    elif verdict.failed:
        problem = f"The last build failed in {_some(verdict.failed)}"
    elif verdict.missing:
        problem = f"Not everything has been built yet: {_some(verdict.missing)}"
    else:
        problem = f"Input, settings or code have changed since {_some(verdict.outdated)} was built"
    raise CustomerValueError(
        f"{problem}: nothing is published, the last publication stays.",
        "Run the job `refresh`, or `customer-value run`.",
    )


def _some(names: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
