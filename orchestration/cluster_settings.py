"""Settings of clusters: whether, by what and how customers are clustered.

Belongs here: options of the learned model, their defaults and ranges. Does not belong here: reading
the environment (``settings.py``, whose class has these as well), and fitting.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

#: What orders say of a customer.
ORDER_FEATURES = (
    "recency_days",
    "frequency",
    "monetary",
    "avg_order_value",
    "customer_age_days",
)
#: What events say; the first seven are 0 for a customer without any within the window.
BEHAVIOUR_FEATURES = (
    "view_count",
    "click_count",
    "cart_count",
    "fav_count",
    "active_days",
    "cart_rate",
    "avg_dwell_seconds",
    "last_seen_days",
)
#: Columns of ``int_cluster_features`` that customers can be clustered by.
CLUSTER_FEATURES = (*ORDER_FEATURES, *BEHAVIOUR_FEATURES)


class ClusterSettings(BaseSettings):
    """What customers are clustered by, how, and how far a refit may move them."""

    clustering: bool = Field(
        default=True,
        description="Cluster customers; false leaves the cluster tables empty and saves the time.",
    )
    cluster_features: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("recency_days", "frequency", "monetary"),
        description="What customers are clustered by, comma separated: "
        f"{', '.join(ORDER_FEATURES)}; where events are loaded, also "
        f"{', '.join(BEHAVIOUR_FEATURES)}.",
    )
    cluster_transform: Literal["log1p", "none"] = Field(
        default="log1p",
        description="What each feature goes through before it is scaled: sign(x) * ln(1 + |x|), "
        "or none.",
    )
    cluster_algorithm: Literal["kmeans", "mini_batch_kmeans"] = Field(
        default="kmeans", description="Algorithm that finds the clusters."
    )
    cluster_k: Literal["auto"] | Annotated[int, Field(ge=1, le=20)] = Field(
        default="auto",
        description="Number of clusters, 1 to 20, or auto: chosen by the rule of the k report.",
    )
    cluster_max_k: int = Field(
        default=10, ge=2, le=20, description="Most clusters that auto looks at, 2 to 20."
    )
    cluster_seed: int = Field(
        default=0, ge=0, lt=2**32, description="Seed of everything random in the clustering."
    )
    cluster_drift_limit: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Largest share of customers, 0 to 1, that may change cluster when clusters are "
        "fitted again; above it nothing is published.",
    )

    @field_validator("cluster_features", mode="before")
    @classmethod
    def _split_cluster_features(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        unknown = sorted(set(value) - set(CLUSTER_FEATURES))
        if unknown:
            known = ", ".join(CLUSTER_FEATURES)
            raise ValueError(f"unknown feature {unknown[0]!r}; known: {known}")
        if not value or len(set(value)) < len(value):
            raise ValueError("name at least one feature, and none twice")
        return tuple(value)
