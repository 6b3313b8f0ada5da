"""Settings: the one reader of the environment, and the names of the files derived from it.

Belongs here: every option a person can set, its default, its allowed range, and the paths that
follow from it. Does not belong here: anything that opens, creates or checks a file.
"""

import hashlib
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from orchestration.cluster_settings import ClusterSettings
from orchestration.errors import CustomerValueError
from orchestration.operations_settings import OperationsSettings

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"

_PREFIX = "CUSTOMER_VALUE_"
_SECRET = frozenset({"identity_salt"})

#: Line kinds as they stand in ``seeds/line_kinds.csv``; ``all`` stands for every one of them.
LINE_KINDS = (
    "product",
    "shipping",
    "fee",
    "manual",
    "discount",
    "sample",
    "voucher",
    "adjustment",
)


class Settings(ClusterSettings, OperationsSettings):
    """Everything that can be set, from ``CUSTOMER_VALUE_*`` variables or command-line options."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    landing_dir: Path | None = Field(
        default=None,
        description="Folder (or single file) with the order files; unset: the demo shop.",
    )
    profile: str | None = Field(
        default=None,
        description="Profile that reads the landing folder; unset: the folder's name says it.",
    )
    profiles_dir: Path | None = Field(
        default=None, description="Folder with profiles of your own (*.yml)."
    )
    data_dir: Path | None = Field(
        default=None,
        description="Folder for the warehouse and the published marts; "
        "unset: <home>/<name of the landing folder>.",
    )
    home_dir: Path | None = Field(
        default=None,
        description="Folder that holds the data folders and Dagster's storage; "
        "unset: data/ in the project.",
    )
    monetary_basis: Literal["net", "gross"] = Field(
        default="net", description="Revenue that counts for customers: after or before returns."
    )
    as_of_date: date | None = Field(
        default=None, description="Date everything is measured to; unset: last date in the data."
    )
    shop_timezone: str = Field(
        default="UTC", description="Time zone of the business date, an IANA name."
    )
    deduplicate_lines: bool = Field(
        default=True, description="Set aside order lines that repeat another in every column."
    )
    value_line_kinds: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("product", "shipping", "manual", "voucher", "discount"),
        description="Line kinds that count as a customer's purchase, comma separated, or 'all'.",
    )
    rfm_window_days: int = Field(
        default=365, ge=0, description="Days that frequency and monetary look back; 0: all history."
    )
    rfm_quantile_bins: int = Field(
        default=5, ge=2, le=10, description="Bins of the quantile scheme, 2 to 10."
    )
    rfm_snapshot_months: int = Field(
        default=24,
        ge=0,
        description="Month ends that RFM looks back at, besides the as-of date; 0: all.",
    )
    rfm_cuts: Literal["refitted", "frozen", "both"] = Field(
        default="refitted",
        description="Where quantile and mean cuts come from: each snapshot's own customers "
        "(refitted), those at rfm_reference_snapshot for every snapshot (frozen), or both, the "
        "frozen ones as schemes of their own.",
    )
    rfm_reference_snapshot: date | None = Field(
        default=None,
        validate_default=True,
        description="Month end whose cuts are kept, such as 2024-06-30; needed for frozen cuts.",
    )
    incremental_max_share: float = Field(
        default=0.2,
        ge=0,
        description="Largest share of customers touched by new input for which a run computes only "
        "these; 0: every run computes everything.",
    )
    audiences: bool = Field(
        default=True,
        description="Write the customers of every segment as files after each publication.",
    )
    identity_salt: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Secret key of the hashes of e-mail addresses and phone numbers, at least 16 "
        "characters; needed where a profile maps plain ones. Never shown, never stored.",
    )
    expectations: bool = Field(
        default=True,
        description="Check landed and published tables by suites of expectations (Great "
        "Expectations); takes some seconds.",
    )
    expectations_dir: Path | None = Field(
        default=None, description="Folder with suites of expectations of your own (*.yml)."
    )
    threads: int | None = Field(
        default=None, ge=1, description="Threads DuckDB may use; unset: one per core."
    )
    memory_limit: str | None = Field(
        default=None,
        pattern=r"(?i)^\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$",
        description="Memory DuckDB may use, such as 4GB; unset: DuckDB's own limit.",
    )
    temp_dir: Path | None = Field(
        default=None, description="Folder DuckDB spills to; unset: inside the data folder."
    )

    @field_validator("value_line_kinds", mode="before")
    @classmethod
    def _split_line_kinds(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        if tuple(value) == ("all",):
            return LINE_KINDS
        unknown = sorted(set(value) - set(LINE_KINDS))
        if unknown:
            raise ValueError(f"unknown line kind {unknown[0]!r}; known: {', '.join(LINE_KINDS)}")
        return tuple(kind for kind in LINE_KINDS if kind in set(value))

    @field_validator("shop_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"unknown time zone {value!r}; use an IANA name such as Europe/London"
            ) from error
        return value

    @field_validator("rfm_reference_snapshot")
    @classmethod
    def _kept_month_end(cls, value: date | None, info: ValidationInfo) -> date | None:
        """Cuts that are kept have a date to be kept from, and months have one snapshot each."""
        cuts = info.data.get("rfm_cuts")
        if value is None and cuts in ("frozen", "both"):
            raise ValueError(f"rfm_cuts is {cuts!r}, which needs the month end to keep cuts from")
        if value is not None and (value + timedelta(days=1)).day != 1:
            raise ValueError("not the last day of a month")
        return value

    @field_validator("profile")
    @classmethod
    def _absolute_profile(cls, value: str | None) -> str | None:
        """A profile that is named by its path stays the same file wherever a process works."""
        if value and value.endswith((".yml", ".yaml")):
            return str(Path(value).expanduser().resolve())
        return value

    @property
    def is_demo(self) -> bool:
        """Whether no landing folder is named, so that the demo shop is used."""
        return self.landing_dir is None

    @property
    def resolved_data_dir(self) -> Path:
        """Folder of the warehouse; each landing folder gets one of its own by default."""
        if self.data_dir is not None:
            return self.data_dir.expanduser().resolve()
        return self.resolved_home_dir / self._landing_slug()

    @property
    def resolved_home_dir(self) -> Path:
        """Folder of everything that outlives one landing folder."""
        return self.home_dir.expanduser().resolve() if self.home_dir else PROJECT_ROOT / "data"

    @property
    def dagster_home(self) -> Path:
        """Folder of Dagster's own storage: its runs, events and instance configuration."""
        return self.resolved_home_dir / "dagster"

    @property
    def current_pointer(self) -> Path:
        """Small file that names the data folder of the last run."""
        return self.resolved_home_dir / "current"

    @property
    def dbt_target_dir(self) -> Path:
        """Folder that dbt writes to while it builds this warehouse; overwritten by each run."""
        return self.resolved_data_dir / "dbt"

    @property
    def log_dir(self) -> Path:
        """Folder of the logs of runs in this data folder."""
        return self.resolved_data_dir / "logs"

    @property
    def resolved_landing_dir(self) -> Path:
        """The landing folder or file; for the demo shop the folder it is written to."""
        if self.landing_dir is not None:
            return self.landing_dir.expanduser().resolve()
        return self.resolved_data_dir / "landing"

    @property
    def check_results_path(self) -> Path:
        """The test report of the last run as CSV, of a failed one too."""
        return self.resolved_data_dir / "reports" / "check_results.csv"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file a run works in; only the run that owns it opens it."""
        return self.resolved_data_dir / "warehouse.duckdb"

    @property
    def marts_path(self) -> Path:
        """The published DuckDB file; read-only for everyone."""
        return self.resolved_data_dir / "marts.duckdb"

    @property
    def marts_build_path(self) -> Path:
        """The DuckDB file that the marts are built in; takes the place of the published one."""
        return self.resolved_data_dir / "marts.building.duckdb"

    @property
    def audiences_dir(self) -> Path:
        """Folder of the audience files, one per scheme and segment."""
        return self.resolved_data_dir / "audiences"

    @property
    def erasures_path(self) -> Path:
        """The list of erased customers, as keyed hashes."""
        return self.resolved_data_dir / "erasures.json"

    @property
    def erasure_key_path(self) -> Path:
        """The key of that list; whoever has both can test whether a guessed id stands on it."""
        return self.resolved_data_dir / "erasures.key"

    @property
    def erasure_journal_path(self) -> Path:
        """What an erasure is about to do; there only while one has not come to its end."""
        return self.resolved_data_dir / "erasure.journal"

    @property
    def publications_dir(self) -> Path:
        """Folder of earlier publications, one file for each."""
        return self.resolved_data_dir / "publications"

    @property
    def report_path(self) -> Path:
        """The report, one HTML page made from the published marts."""
        return self.resolved_data_dir / "report.html"

    @property
    def ledger_copy_path(self) -> Path:
        """Small file that says which landing files the warehouse knows."""
        return self.resolved_data_dir / "loaded_files.json"

    @property
    def resolved_temp_dir(self) -> Path:
        """Folder for DuckDB's spill files and for readers that need a scratch file."""
        return (
            self.temp_dir.expanduser().resolve()
            if self.temp_dir
            else (self.resolved_data_dir / "tmp")
        )

    def dbt_vars(self) -> dict[str, Any]:
        """Variables of the dbt project that follow from these settings."""
        return {
            "as_of_date": self.as_of_date.isoformat() if self.as_of_date else None,
            "monetary_basis": self.monetary_basis,
            "shop_timezone": self.shop_timezone,
            "deduplicate_lines": self.deduplicate_lines,
            "value_line_kinds": list(self.value_line_kinds),
            "rfm_window_days": self.rfm_window_days,
            "rfm_quantile_bins": self.rfm_quantile_bins,
            "rfm_snapshot_months": self.rfm_snapshot_months,
            "rfm_cuts": self.rfm_cuts,
            "rfm_reference_snapshot": (
                self.rfm_reference_snapshot.isoformat() if self.rfm_reference_snapshot else None
            ),
            "clustering": self.clustering,
            "cluster_features": list(self.cluster_features),
            "cluster_transform": self.cluster_transform,
            "cluster_limit": self.cluster_max_k if self.cluster_k == "auto" else self.cluster_k,
        }

    def model_settings(self) -> dict[str, Any]:
        """What a learned model of clusters follows from, besides the customers themselves."""
        return {
            **{
                name: self.dbt_vars()[name]
                for name in (
                    "monetary_basis",
                    "deduplicate_lines",
                    "value_line_kinds",
                    "rfm_window_days",
                    "cluster_features",
                    "cluster_transform",
                )
            },
            "cluster_algorithm": self.cluster_algorithm,
            "cluster_k": self.cluster_k,
            "cluster_max_k": self.cluster_max_k,
            "cluster_seed": self.cluster_seed,
        }

    def as_environment(self) -> dict[str, str]:
        """The variables that give another process the same settings, secrets in plain included.

        They go into the environment of a child process and nowhere else.
        """
        return {
            f"{_PREFIX}{name.upper()}": _as_text(value)
            for name, value in self.model_dump().items()
            if value is not None
        }

    def _landing_slug(self) -> str:
        if self.landing_dir is None:
            return "demo"
        path = self.resolved_landing_dir
        name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "landing"
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
        return f"{name}-{digest}"


def describe_invalid(error: ValidationError) -> CustomerValueError:
    """The first thing that is wrong with the settings, as an error for a person."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    said = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    field = Settings.model_fields.get(name)
    meaning = f" It is: {field.description}" if field and field.description else ""
    given = "a secret, not shown here" if name in _SECRET else repr(first["input"])
    return CustomerValueError(
        f"The setting {name} (variable {_PREFIX}{name.upper()}) is {given}: {said}.",
        f"Correct the option or the variable.{meaning}",
    )


def _as_text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.expanduser().resolve())
    return ",".join(value) if isinstance(value, tuple) else str(value)
