"""What every run of the command works out first, done once in the process that runs fork from.

Belongs here: what libraries derive once in a process. Does not belong here: imports of ours, whose
order stands in ``building.py``; settings and files, which belong to a single run.
"""

import gc

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.contracts.project import PackageConfig, ProfileConfig, Project, ProjectFlags

# dbt checks each of these against a schema that it derives from the class first.
for _checked in (DuckDBCredentials, PackageConfig, ProfileConfig, Project, ProjectFlags):
    _checked.json_schema()

# What is here stays in every fork; none need look through it for garbage.
gc.freeze()
