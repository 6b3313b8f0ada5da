"""Dagster assets: they read, call a function, write and report; they compute nothing."""
