"""The one vocabulary: dbt folder = Dagster group = DuckDB schema.

Belongs here: names of layers, who owns them, what may stand in them. Does not belong here: any
table, asset or rule that acts on them.
"""

#: Schemas that analysts read; everything in them is published, nothing else is.
PUBLISHED_SCHEMAS = ("core", "sales", "lifecycle", "rfm", "behaviour", "clusters", "quality")

#: Prefixes of model names, by folder. A folder that is missing here may not hold models.
MODEL_PREFIXES: dict[str, tuple[str, ...]] = {
    "staging": ("stg_", "base_"),
    "intermediate": ("int_",),
    "core": ("dim_", "fct_"),
    "sales": ("dim_", "fct_", "rpt_"),
    "lifecycle": ("dim_", "fct_", "rpt_"),
    "rfm": ("dim_", "fct_", "rpt_"),
    "behaviour": ("dim_", "fct_", "rpt_"),
    "clusters": ("dim_", "fct_", "rpt_"),
    "quality": ("dq_", "rpt_"),
}

#: Folders whose models read learned tables: they are built after what is learned from the others.
LEARNED_FOLDERS = ("clusters",)
#: Schema of the learned tables, written by Python between the two parts of a build.
LEARNED_SCHEMA = "ml"

RAW_SCHEMA = "raw"
SEED_SCHEMA = "seeds"

#: Who answers for the assets; Dagster shows it on each of them.
OWNER = "team:data-engineering"
