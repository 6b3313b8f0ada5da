"""Checks that dbt tests cannot express."""
