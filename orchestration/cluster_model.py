"""Which model of clusters a build uses: the published one, or one that is fitted now.

A model is not fitted silently with each run: clusters that customers are addressed by must not
move because a day has passed. The published model is used on, unless there is none, its settings
are others, the as-of date lies before the customers it was fitted on, or a person or the weekly
job asks for a new one. What they ask for passes through the drift gate: a model that would move
more customers than the limit is not taken, and the published one stays in use.

Belongs here: this decision, and putting the model in use into the learned tables. Does not belong
here: fitting (``cluster_fit.py``) and what Dagster makes of it (``assets/clusters.py``).
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import duckdb

from orchestration.cluster_frames import missing_behaviour
from orchestration.cluster_settings import BEHAVIOUR_FEATURES, ClusterSettings
from orchestration.errors import CustomerValueError
from orchestration.fingerprint import model_settings_digest
from orchestration.learned_tables import (
    LEARNED_SCHEMA,
    LEARNED_TABLES,
    ModelFacts,
    attached_publication,
    clear_learned_tables,
    copy_published_tables,
    read_model_facts,
    write_learned_tables,
)
from orchestration.progress import Reporter
from orchestration.settings import Settings
from orchestration.warehouse import MARTS

if TYPE_CHECKING:
    from orchestration.cluster_fit import Fit

#: What customers are clustered by unless something else is set.
_BY_ORDERS = ", ".join(ClusterSettings.model_fields["cluster_features"].default)

Decision = Literal["off", "no_customers", "kept", "unchanged", "fitted", "held_back"]
FitReason = Literal["first_fit", "settings_changed", "earlier_date", "asked_for"]


@dataclass(frozen=True)
class ModelRequest:
    """What a person or a job asks for: a new model, and that it is taken whatever it moves."""

    is_refit: bool = False
    is_drift_accepted: bool = False

    @property
    def is_anything(self) -> bool:
        """Whether a run has something to do even if no input has changed."""
        return self.is_refit or self.is_drift_accepted


@dataclass(frozen=True)
class ModelOutcome:
    """Which model is in use now, and why.

    ``drift`` is the share of customers that a new model would move or has moved, ``verdict`` what
    is to be said of it; both only where a new model was compared with the published one.
    """

    decision: Decision
    reason: str
    model: ModelFacts | None
    drift: float | None = None
    verdict: str = ""
    events: tuple[str, ...] = ()

    @property
    def is_held_back(self) -> bool:
        """Whether the drift gate keeps a new model from being taken."""
        return self.decision == "held_back"

    def __str__(self) -> str:
        model = self.model
        told = f" ({model.k} clusters, fitted at {model.snapshot_date})" if model else ""
        return f"clusters: {self.reason}{told}"


def choose_model(
    con: duckdb.DuckDBPyConnection, settings: Settings, request: ModelRequest, reporter: Reporter
) -> ModelOutcome:
    """Put the model to use into the learned tables: none, the published one, or a new one.

    Args:
        con: the warehouse, with the marts that are being built attached.
        settings: how to cluster, and where the last publication is.
        request: whether a new model is asked for.
        reporter: told while a model is fitted.

    Raises:
        CustomerValueError: the features are not there, or customers cannot be clustered so.
    """
    if not settings.clustering:
        clear_learned_tables(con)
        return ModelOutcome("off", "not clustered, as set", None)
    as_of = _as_of_date(con)
    with attached_publication(con, settings) as published:
        facts = (
            read_model_facts(con, f"{published}.clusters.dim_cluster_models") if published else None
        )
        if as_of is None:
            return _without_customers(con, published, facts)
        _require_behaviour(con, settings)
        reason = _why_fit(facts, settings, as_of, request)
        if reason is None or (published is None and facts is not None):
            return _keep(con, published, facts, "the published ones", "kept")
        from orchestration.cluster_fit import fit

        reporter.now("Fitting clusters")
        fitted = fit(con, settings, published if facts else None, reason, request, as_of)
        if facts is not None and fitted.model_id == facts.model_id:
            return _keep(con, published, facts, "fitted again, the same as published", "unchanged")
        if fitted.is_held_back:
            held = _keep(con, published, facts, "the published ones, as a new model drifts", "kept")
            return _told(fitted, "held_back", held.reason, facts)
        write_learned_tables(con, fitted.tables)
        model = read_model_facts(con, f"{LEARNED_SCHEMA}.cluster_model")
        return _told(fitted, "fitted", f"fitted anew, {_WORDS[reason]}", model)


_WORDS: dict[FitReason, str] = {
    "first_fit": "none are published",
    "settings_changed": "as settings have changed",
    "earlier_date": "as the published ones know a later date",
    "asked_for": "as asked for",
}


def _why_fit(
    facts: ModelFacts | None, settings: Settings, as_of: date, request: ModelRequest
) -> FitReason | None:
    if facts is None:
        return "first_fit"
    if facts.settings_digest != model_settings_digest(settings):
        return "settings_changed"
    if as_of < facts.snapshot_date:
        return "earlier_date"
    return "asked_for" if request.is_anything else None


def _keep(
    con: duckdb.DuckDBPyConnection,
    published: str | None,
    facts: ModelFacts | None,
    reason: str,
    decision: Decision,
) -> ModelOutcome:
    if published is None:
        clear_learned_tables(con)
    else:
        copy_published_tables(con, published)
    return ModelOutcome(decision, reason, facts)


def _without_customers(
    con: duckdb.DuckDBPyConnection, published: str | None, facts: ModelFacts | None
) -> ModelOutcome:
    _keep(con, published, facts, "", "no_customers")
    return ModelOutcome("no_customers", "no customers to cluster", facts)


def _told(fitted: "Fit", decision: Decision, reason: str, model: ModelFacts | None) -> ModelOutcome:
    return ModelOutcome(decision, reason, model, fitted.drift, fitted.verdict, fitted.events)


def _require_behaviour(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Refuse features of behaviour that say the same of every customer, as nothing is known.

    Raises:
        CustomerValueError: no customer has an event, or none of the kind a feature counts.
    """
    asked = [name for name in settings.cluster_features if name in BEHAVIOUR_FEATURES]
    if not asked:
        return
    known, empty = missing_behaviour(con, asked)
    instead = (
        f"Cluster by other features (CUSTOMER_VALUE_CLUSTER_FEATURES; {_BY_ORDERS} by default)"
    )
    if not known:
        events = con.execute("select count(*) from intermediate.int_events_deduplicated")
        there = int(events.fetchall()[0][0])
        what = "no events are loaded"
        if there:
            what = (
                f"none of the {there:,} events is of a customer with an order, up to the as-of date"
            )
        raise CustomerValueError(
            f"Customers cannot be clustered by {', '.join(asked)}: {what}.",
            f"{instead}, or land events whose customer_id is that of the orders (dataset events; "
            "docs/bring-your-data.md).",
        )
    if empty:
        days = settings.rfm_window_days
        when = f"the last {days} days" if days else "the whole history"
        raise CustomerValueError(
            f"Customers cannot be clustered by {', '.join(empty)}: it is 0 for every customer, as "
            f"no event of {when} says anything of it.",
            f"{instead}, land such events, or look back further (CUSTOMER_VALUE_RFM_WINDOW_DAYS).",
        )


def _as_of_date(con: duckdb.DuckDBPyConnection) -> date | None:
    """Date of the customers to cluster; None when there are none.

    Raises:
        CustomerValueError: the tables they are read from have not been built.
    """
    try:
        rows = con.execute(
            "select max(snapshot_date) from intermediate.int_cluster_features"
        ).fetchall()
        con.execute(f"select 1 from {MARTS}.rfm.dim_snapshots limit 0")
    except duckdb.CatalogException:
        raise CustomerValueError(
            "There is nothing to learn clusters from: the models have not been built.",
            "Run the job `refresh`, or `customer-value run`.",
        ) from None
    found: date | None = rows[0][0]
    return found


def describe_tables() -> dict[str, str]:
    """What each learned table holds, by name."""
    return {name: table.description for name, table in LEARNED_TABLES.items()}
