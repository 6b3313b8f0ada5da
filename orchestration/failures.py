"""Carrying an error that a person can put right through Dagster and out again.

Belongs here: the translation both ways. Does not belong here: deciding what is an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from orchestration.errors import CustomerValueError

_PROBLEM = "problem"
_WAY_OUT = "way_out"


def failure(problem: str, way_out: str = "") -> dg.Failure:
    """A Dagster failure that shows what is wrong and what to do about it."""
    return dg.Failure(
        description=f"{problem} {way_out}".strip(),
        metadata={_PROBLEM: problem, _WAY_OUT: way_out},
        allow_retries=False,
    )


@contextmanager
def readable_failures() -> Iterator[None]:
    """Turn errors meant for people into Dagster failures."""
    try:
        yield
    except CustomerValueError as error:
        raise failure(error.problem, error.way_out) from error


def error_of(result: dg.ExecuteInProcessResult, log_path: Path) -> CustomerValueError:
    """The error a person should read when a run has failed.

    Args:
        result: the failed run.
        log_path: where the rest can be read.
    """
    reason = "no step failed"
    for event in result.get_step_failure_events():
        failed = event.step_failure_data
        if failed.user_failure_data and _PROBLEM in failed.user_failure_data.metadata:
            told = failed.user_failure_data.metadata
            return CustomerValueError(str(told[_PROBLEM].value), str(told[_WAY_OUT].value))
        cause = failed.error
        while cause is not None and cause.cause is not None:
            cause = cause.cause
        if cause is not None:
            reason = " ".join(cause.message.split()).rstrip(".")
            break
    return CustomerValueError(
        f"The run failed in a way that was not foreseen: {reason}.",
        f"Nothing is published. The log is {log_path}.",
    )
