"""Settings of operations: what starts by itself, whom to tell, what is kept.

Belongs here: settings that move no published number. Does not belong here: those that do, and the
reading of the environment (``settings.py``, whose class has these as well).
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode


class OperationsSettings(BaseSettings):
    """Automation, notification, what is kept, and Dagster's storage."""

    automation: bool = Field(
        default=False,
        description="Whether sensors and schedules are switched on when Dagster starts; each can "
        "be switched in its UI.",
    )
    landing_poll_seconds: int = Field(
        default=30,
        ge=1,
        description="Seconds between two looks at the landing folder; a file counts as whole when "
        "two looks find it the same.",
    )
    refresh_schedule: str = Field(
        default="0 6 * * *",
        description="When the daily refresh starts, as cron, in the shop's time zone.",
    )
    refit_schedule: str = Field(
        default="0 5 * * 1",
        description="When clusters are fitted anew, as cron, in the shop's time zone.",
    )
    freshness_hours: float = Field(
        default=26, gt=0, description="Age from which a publication counts as out of date."
    )
    lock_retries: int = Field(
        default=20,
        ge=0,
        description="How often a run that Dagster started tries again, about every 90 seconds, "
        "while another process holds the warehouse.",
    )
    keep_publications: int = Field(
        default=3,
        ge=0,
        description="Earlier publications that are kept for `customer-value restore`.",
    )
    keep_runs: int = Field(
        default=200, ge=1, description="Runs whose history is kept in Dagster's storage."
    )
    ui_url: str = Field(
        default="http://127.0.0.1:3000", description="Address of Dagster's UI, for links."
    )
    notify_webhook_url: SecretStr | None = Field(
        default=None, description="Where the notifier webhook posts to, http or https."
    )
    notify_email_to: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Whom the notifier email writes to, comma separated."
    )
    notify_email_from: str = Field(
        default="customer-value@localhost", description="Sender of these mails."
    )
    notify_smtp_host: str = Field(default="localhost", description="Mail server.")
    notify_smtp_port: int = Field(default=25, ge=1, le=65535, description="Its port.")
    notify_smtp_user: str | None = Field(
        default=None, description="Name to log in with; unset: without."
    )
    notify_smtp_password: SecretStr | None = Field(
        default=None, description="Password to log in with."
    )
    notifier: Literal["log", "webhook", "email"] = Field(
        default="log",
        validate_default=True,
        description="How failed runs and marts that are out of date are told of.",
    )
    dagster_postgres_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL database of Dagster's runs and events, such as "
        "postgresql://user:password@host/dagster; unset: SQLite files in its home.",
    )

    @field_validator("refresh_schedule", "refit_schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        if not re.fullmatch(r"\s*(\S+\s+){4}\S+\s*", value):
            raise ValueError("not a cron expression of five fields, such as '0 6 * * *'")
        return " ".join(value.split())

    @field_validator("notify_email_to", mode="before")
    @classmethod
    def _split_addresses(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("notifier")
    @classmethod
    def _reachable(cls, value: str, info: ValidationInfo) -> str:
        """A notifier has somewhere to send to."""
        url = info.data.get("notify_webhook_url")
        if value == "webhook" and not (
            url and url.get_secret_value().startswith(("http://", "https://"))
        ):
            raise ValueError("it needs notify_webhook_url, an address with http or https")
        if value == "email" and not info.data.get("notify_email_to"):
            raise ValueError("it needs notify_email_to")
        return value
