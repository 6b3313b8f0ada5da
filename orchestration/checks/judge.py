"""Great Expectations, which judges frames.

It writes no file, shows no progress bar and sends no usage statistics here. It takes seconds to
import, so that a judge is made when there is something to judge.

Belongs here: asking it, and its answers in plain values. Does not belong here: what is asked
(expectations.py).
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Judgement:
    """What Great Expectations says of one expectation."""

    is_met: bool
    unexpected: int | None
    observed: Any
    problem: str


@dataclass(frozen=True)
class Question:
    """One expectation as it is put to Great Expectations."""

    key: str
    name: str
    arguments: Mapping[str, Any]


class Judge:
    """Great Expectations without files, progress bars and usage statistics."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import great_expectations
            from great_expectations.data_context.types.base import (
                DataContextConfig,
                InMemoryStoreBackendDefaults,
                ProgressBarsConfig,
            )

            context = great_expectations.get_context(
                mode="ephemeral",
                project_config=DataContextConfig(
                    store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                    progress_bars=ProgressBarsConfig(globally=False),
                    analytics_enabled=False,
                ),
            )
            self._library = great_expectations
            # One for all frames: each is written out with all that is known so far.
            frames = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
            self._frames = frames.add_batch_definition_whole_dataframe("all")

    def __call__(
        self, frame: "pd.DataFrame", questions: Sequence[Question]
    ) -> dict[str, Judgement]:
        """Judge one frame; the judgements by the questions' keys."""
        library = self._library
        asked = [
            getattr(library.expectations, _class_name(question.name))(
                **_as_frame_values(question.arguments), meta={"key": question.key}
            )
            for question in questions
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = self._frames.get_batch(batch_parameters={"dataframe": frame})
            suite = library.ExpectationSuite(name="questions", expectations=asked)
            told = batch.validate(suite, result_format="SUMMARY")
        return {
            result.expectation_config.meta["key"]: _judgement(result) for result in told.results
        }


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _as_frame_values(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Dates as a frame holds them, tuples as lists."""
    import pandas as pd

    return {
        name: pd.Timestamp(value)
        if isinstance(value, date)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in arguments.items()
    }


def _judgement(result: Any) -> Judgement:
    told = result.result or {}
    raised = result.exception_info or {}
    problem = ""
    if not result.success and not told:
        problem = f"could not be judged: {_message(raised)}"
    return Judgement(
        is_met=bool(result.success),
        unexpected=int(told["unexpected_count"]) if "unexpected_count" in told else None,
        observed=told.get("observed_value"),
        problem=problem,
    )


def _message(raised: Any) -> str:
    """The first message in what Great Expectations tells of an exception."""
    if isinstance(raised, Mapping):
        if raised.get("exception_message"):
            return " ".join(str(raised["exception_message"]).split())
        for value in raised.values():
            if isinstance(value, Mapping) and (told := _message(value)):
                return told
    return ""
