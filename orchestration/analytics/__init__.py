"""Pure computation on customers: frames in, frames out.

Belongs here: modules that import no orchestrator, open no file, read no clock and no environment.
Does not belong here: any code in this file, and reading or writing tables.
"""
