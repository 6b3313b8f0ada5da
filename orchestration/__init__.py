"""Customer-value pipeline: order files in, published customer-value marts out.

The package holds the Dagster code location and everything Python does for it: reading files,
running dbt, publishing. All modelling is SQL and lives in ``dbt_project/``.
"""
