"""Carrying an error that a person can put right through Dagster and out again.

Belongs here: the translation both ways. Does not belong here: deciding what is an error.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from orchestration.errors import CustomerValueError
from orchestration.warehouse import WarehouseInUseError

_PROBLEM = "problem"
_WAY_OUT = "way_out"
_UNFORESEEN = "The run failed in a way that was not foreseen"
#: Between two attempts, besides the time that each waits for the lock.
_SECONDS_TO_RETRY = 30


def failure(problem: str, way_out: str = "") -> dg.Failure:
    """A Dagster failure that shows what is wrong and what to do about it."""
    return dg.Failure(
        description=f"{problem} {way_out}".strip(),
        metadata={_PROBLEM: problem, _WAY_OUT: way_out},
        allow_retries=False,
    )


@contextmanager
def readable_failures(lock_retries: int = 0) -> Iterator[None]:
    """Turn errors meant for people into Dagster failures.

    Args:
        lock_retries: how often the step tries again while another process holds the warehouse;
            nothing else is tried again, since it would fail again.
    """
    try:
        yield
    except WarehouseInUseError as error:
        raise dg.RetryRequested(lock_retries, _SECONDS_TO_RETRY) from failure(
            error.problem, error.way_out
        )
    except CustomerValueError as error:
        raise failure(error.problem, error.way_out) from error


def error_of(result: dg.ExecuteInProcessResult, log_path: Path) -> CustomerValueError:
    """The error a person should read when a run has failed.

    Args:
        result: the failed run.
        log_path: where the rest can be read.
    """
    told, reason = told_by(result.get_step_failure_events())
    return told or CustomerValueError(
        f"{_UNFORESEEN}: {reason}.", f"Nothing is published. The log is {log_path}."
    )


def told_by(
    step_failures: Sequence[dg.DagsterEvent], otherwise: str = "no step failed"
) -> tuple[CustomerValueError | None, str]:
    """What failed steps tell: the error that is meant for people, or the reason of another.

    Args:
        step_failures: events of the steps that failed, in their order.
        otherwise: the reason where no step says one.
    """
    reason = otherwise
    for event in step_failures:
        failed = event.step_failure_data
        if failed.user_failure_data and _PROBLEM in failed.user_failure_data.metadata:
            told = failed.user_failure_data.metadata
            error = CustomerValueError(str(told[_PROBLEM].value), str(told[_WAY_OUT].value))
            return error, error.problem
        cause = failed.error
        while cause is not None and cause.cause is not None:
            cause = cause.cause
        if cause is not None:
            reason = " ".join(cause.message.split()).rstrip(".")
            break
    return None, reason
