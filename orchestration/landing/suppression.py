"""Erased customers: the list that keeps them out of every load, and the SQL that applies it.

The list holds keyed hashes (HMAC-SHA256 with a key of its own file), never an id. Rows of an erased
customer stay, under a pseudonym, so that every total keeps its value; what names the person
otherwise (hashed identifiers, region, ids of orders, coupons, events and visits) is replaced too.

Belongs here: reading the list, and what replaces what in each dataset. Does not belong here:
erasing somebody (``orchestration/erasure``).
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.landing.contract import CONTRACT
from orchestration.landing.keyed_hashes import hash_key, keyed_hash_sql
from orchestration.settings import Settings

_KEY = "erasure"
_WORDS = r"'[[:alnum:]_.@+/\x{80}-\x{10ffff}-]+'"
#: Stands in place of a remark that named an erased customer.
WITHHELD = "withheld: a customer was erased"

#: SQL of a column of the row at hand, by its name.
Accessor = Callable[[str], str]


@dataclass(frozen=True)
class Erased:
    """One erased id: its keyed hash and what stands in its place."""

    digest: str
    pseudonym: str


@dataclass(frozen=True)
class Suppression:
    """Everybody who was erased.

    ``customers`` are by customer id; ``records`` by kind and id (``order:536365``), for ids that
    other datasets refer to. ``details`` says when and why, by pseudonym.
    """

    key: bytes = field(repr=False)
    customers: tuple[Erased, ...] = ()
    records: tuple[Erased, ...] = ()
    details: tuple[dict[str, str], ...] = ()

    def digest(self, kind: str, value: str) -> str:
        """The keyed hash of an id: 64 hexadecimal digits."""
        return hmac.new(self.key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The list as it is stored; the key is not part of it."""
        return {
            "version": 1,
            "customers": [vars(one) for one in self.customers],
            "records": [vars(one) for one in self.records],
            "details": list(self.details),
        }

    @classmethod
    def from_json(cls, key: bytes, stored: dict[str, Any]) -> "Suppression":
        """The list from its stored form."""
        return cls(
            key,
            tuple(Erased(**one) for one in stored["customers"]),
            tuple(Erased(**one) for one in stored["records"]),
            tuple(stored["details"]),
        )


def read_suppression(settings: Settings) -> Suppression | None:
    """Everybody who was erased from this data folder; None when nobody was.

    Raises:
        CustomerValueError: the list or its key is missing or damaged, so that erased customers
            would come back.
    """
    path = settings.erasures_path
    if not path.exists():
        return None
    key = read_key(settings.erasure_key_path)
    try:
        return Suppression.from_json(key, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CustomerValueError(
            f"The list of erased customers {path} cannot be read ({type(error).__name__}).",
            "Nothing is loaded without it, since erased customers would come back. Put it back "
            "from a backup.",
        ) from error


def read_key(path: Path) -> bytes:
    """The key of the list.

    Raises:
        CustomerValueError: it is missing or damaged.
    """
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise CustomerValueError(
            f"The key {path} of the list of erased customers cannot be read.",
            "Nothing is loaded without it, since erased customers would come back. Put it back "
            "from a backup.",
        ) from error


@contextmanager
def suppressing(con: duckdb.DuckDBPyConnection, suppression: Suppression | None) -> Iterator[None]:
    """Make the list known to a connection, for the SQL of this module."""
    if suppression is None:
        yield
        return
    variables = {
        "erased_customers": [one.digest for one in suppression.customers],
        "erased_customer_names": [one.pseudonym for one in suppression.customers],
        "erased_records": [one.digest for one in suppression.records],
        "erased_record_names": [one.pseudonym for one in suppression.records],
    }
    with hash_key(con, _KEY, suppression.key):
        for name, value in variables.items():
            con.execute(f"set variable {name} = cast($1 as varchar[])", [value])
        try:
            yield
        finally:
            for name in variables:
                con.execute(f"reset variable {name}")


def customer_sql(value: str) -> str:
    """SQL of the pseudonym of a customer id; null for everybody who is not erased."""
    return _found("customer", value, "erased_customers", "erased_customer_names")


def record_sql(kind: str, value: str) -> str:
    """SQL of the pseudonym of an order, coupon, ...; null for all others."""
    return _found(kind, value, "erased_records", "erased_record_names")


def derived_sql(kind: str, value: str, owner: str) -> str:
    """SQL of a pseudonym that follows from the id: for records that nothing else refers to."""
    digest = keyed_hash_sql(f"'{kind}:' || {value}", _KEY)
    return f"case when {value} is not null then {owner} || '-x' || substr({digest}, 1, 16) end"


def derived_pseudonym(suppression: Suppression, kind: str, value: str, owner: str) -> str:
    """What ``derived_sql`` gives."""
    return f"{owner}-x{suppression.digest(kind, value)[:16]}"


def key_sql(value: str) -> str:
    """SQL of the pseudonym of an order id or order_id/line_number; null for all others."""
    order = rf"regexp_replace({value}, '/[0-9]+$', '')"
    line = f"regexp_extract({value}, '/[0-9]+$')"
    return f"coalesce({record_sql('order', value)}, {record_sql('order', order)} || {line})"


def mentions_sql(text: str) -> str:
    """SQL that holds when a word of a text is an erased customer's id or that of an order."""
    words = f"regexp_extract_all({text}, {_WORDS})"
    trimmed = "trim(word, '.-+/')"
    customer = keyed_hash_sql(f"'customer:' || {trimmed}", _KEY)
    order = keyed_hash_sql(rf"'order:' || regexp_replace({trimmed}, '/[0-9]+$', '')", _KEY)
    return (
        f"coalesce(list_has_any(list_transform({words}, lambda word: {customer}), "
        "getvariable('erased_customers')) or "
        f"list_has_any(list_transform({words}, lambda word: {order}), "
        "getvariable('erased_records')), false)"
    )


def replacements(dataset: str, get: Accessor) -> dict[str, str]:
    """SQL of the columns of a dataset in which an erased customer is replaced.

    Args:
        dataset: name in the contract.
        get: SQL of the typed value of a column.
    """
    build = _REPLACEMENTS.get(dataset)
    return build(get) if build else {}


def is_erased_sql(dataset: str, get: Accessor) -> str:
    """SQL that holds for rows of an erased customer, as far as their ids tell."""
    lookups: dict[str, Callable[[str], str]] = {
        "customer_id": customer_sql,
        "order_id": lambda value: record_sql("order", value),
        "send_id": lambda value: record_sql("send", value),
    }
    conditions = [
        lookups[column.name](get(column.name))
        for column in CONTRACT[dataset].columns
        if column.name in lookups
    ]
    if dataset == "corrections":
        conditions = [_correction_key(get), _correction_value(get)]
    return f"coalesce({', '.join([*conditions, 'null'])}) is not null"


def _found(kind: str, value: str, digests: str, names: str) -> str:
    digest = keyed_hash_sql(f"'{kind}:' || {value}", _KEY)
    position = f"nullif(list_position(getvariable('{digests}'), {digest}), 0)"
    return f"case when {value} is not null then getvariable('{names}')[{position}] end"


def _order_lines(get: Accessor) -> dict[str, str]:
    owner, order = customer_sql(get("customer_id")), get("order_id")
    return {
        "customer_id": f"coalesce({owner}, {get('customer_id')})",
        "order_id": f"coalesce({record_sql('order', order)}, "
        f"{derived_sql('order', order, owner)}, {order})",
    }


def _customers(get: Accessor) -> dict[str, str]:
    owner = customer_sql(get("customer_id"))
    return {
        "customer_id": f"coalesce({owner}, {get('customer_id')})",
        **{
            name: f"case when {owner} is null then {get(name)} end"
            for name in ("region", "email_hash", "phone_hash")
        },
    }


def _events(get: Accessor) -> dict[str, str]:
    owner = customer_sql(get("customer_id"))
    return {
        "customer_id": f"coalesce({owner}, {get('customer_id')})",
        **{
            name: f"coalesce({derived_sql(kind, get(name), owner)}, {get(name)})"
            for name, kind in (("event_id", "event"), ("session_id", "session"))
        },
    }


def _coupon_sends(get: Accessor) -> dict[str, str]:
    owner, send = customer_sql(get("customer_id")), get("send_id")
    return {
        "customer_id": f"coalesce({owner}, {get('customer_id')})",
        "send_id": f"coalesce({record_sql('send', send)}, "
        f"{derived_sql('send', send, owner)}, {send})",
    }


def _coupon_redemptions(get: Accessor) -> dict[str, str]:
    send = record_sql("send", get("send_id"))
    order = record_sql("order", get("order_id"))
    redemption = get("redemption_id")
    derived = derived_sql("redemption", redemption, f"coalesce({send}, {order})")
    return {
        "send_id": f"coalesce({send}, {get('send_id')})",
        "order_id": f"coalesce({order}, {get('order_id')})",
        "redemption_id": f"coalesce({record_sql('redemption', redemption)}, {derived}, "
        f"{redemption})",
    }


def _correction_key(get: Accessor) -> str:
    key = get("key")
    return (
        f"case {get('dataset')} when 'customers' then {customer_sql(key)} "
        f"when 'order_lines' then {key_sql(key)} "
        f"when 'coupon_sends' then {record_sql('send', key)} "
        f"when 'coupon_redemptions' then {record_sql('redemption', key)} "
        f"when 'events' then {record_sql('event', key)} end"
    )


def _correction_value(get: Accessor) -> str:
    value = get("value")
    return (
        f"case {get('column')} when 'customer_id' then {customer_sql(value)} "
        f"when 'order_id' then {record_sql('order', value)} "
        f"when 'send_id' then {record_sql('send', value)} end"
    )


def _corrections(get: Accessor) -> dict[str, str]:
    key, value = _correction_key(get), _correction_value(get)
    personal = f"{get('column')} in ('region', 'email_hash', 'phone_hash', 'session_id')"
    number = get("correction_id")
    renamed = derived_sql("correction", number, "'erased'")
    return {
        "correction_id": f"case when {mentions_sql(number)} then {renamed} else {number} end",
        "key": f"coalesce({key}, {get('key')})",
        "value": f"case when {personal} and {key} is not null then null "
        f"else coalesce({value}, {get('value')}) end",
        "reason": f"case when {key} is not null or {value} is not null "
        f"or {mentions_sql(get('reason'))} then '{WITHHELD}' else {get('reason')} end",
        "author": f"case when {mentions_sql(get('author'))} then '{WITHHELD}' "
        f"else {get('author')} end",
    }


_REPLACEMENTS: dict[str, Callable[[Accessor], dict[str, str]]] = {
    "order_lines": _order_lines,
    "customers": _customers,
    "events": _events,
    "coupon_sends": _coupon_sends,
    "coupon_redemptions": _coupon_redemptions,
    "corrections": _corrections,
}
