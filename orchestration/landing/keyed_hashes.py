"""Keyed hashes in SQL: HMAC-SHA256, as RFC 2104 defines it, over a column.

DuckDB has SHA-256 but no HMAC, so that the two rounds are written out. The key reaches a connection
as two variables and never stands in the text of a statement, which an error message may repeat.

Belongs here: that construction. Does not belong here: what is hashed, and with which key.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

_BLOCK_BYTES = 64


@contextmanager
def hash_key(con: duckdb.DuckDBPyConnection, name: str, key: bytes) -> Iterator[None]:
    """Have ``keyed_hash_sql(..., name)`` hash with this key on this connection, and no longer.

    Args:
        con: the connection.
        name: name of the key, a plain word.
        key: the key, of any length.
    """
    if len(key) > _BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    variables = {
        f"{name}_inner": bytes(byte ^ 0x36 for byte in padded),
        f"{name}_outer": bytes(byte ^ 0x5C for byte in padded),
    }
    for variable, value in variables.items():
        con.execute(f"set variable {variable} = $1", [value])
    try:
        yield
    finally:
        for variable in variables:
            con.execute(f"reset variable {variable}")


def keyed_hash_sql(text: str, name: str) -> str:
    """SQL of the HMAC-SHA256 of a text's UTF-8 bytes, 64 lower-case hexadecimal digits."""
    inner = f"sha256(getvariable('{name}_inner') || encode({text}))"
    return f"sha256(getvariable('{name}_outer') || unhex({inner}))"
