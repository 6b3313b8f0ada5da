"""The sections of the report: per chart its SQL, figure, reading and definition.

Belongs here: what is shown and said. Does not belong here: how pages are put together.
"""
