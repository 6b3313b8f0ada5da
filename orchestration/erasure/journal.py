"""The journal of an erasure: what it is about to do, so that one that was killed can be finished.

The journal names the person, since files must still be searched for the id; it is masked with a key
stream, readable by its owner alone, and gone when the erasure has ended.

Belongs here: writing, reading and removing it, and the files of the list. Does not belong here:
what is done.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import CustomerValueError
from orchestration.landing.suppression import Suppression, read_key
from orchestration.settings import Settings


@dataclass(frozen=True)
class Journal:
    """An erasure under way.

    ``suppression`` is the list as it will be, ``customer_ids`` those who are erased now,
    ``hashes`` the hashes by which they could be found, of their ids and identifiers, and
    ``records`` the ids of their orders and coupons.
    """

    suppression: Suppression
    customer_ids: tuple[str, ...]
    hashes: tuple[str, ...]
    records: tuple[str, ...]

    @property
    def needles(self) -> tuple[str, ...]:
        """All texts that may be found nowhere afterwards."""
        return (*self.customer_ids, *self.hashes)


def ensure_key(settings: Settings) -> bytes:
    """The key of the list, made on first use."""
    path = settings.erasure_key_path
    if not path.exists():
        _write_private(path, secrets.token_bytes(32).hex() + "\n")
    return read_key(path)


def write_journal(settings: Settings, journal: Journal) -> None:
    """Note what is about to be done; from here on it will be done, whoever is killed."""
    nonce = secrets.token_bytes(16)
    named = json.dumps([journal.customer_ids, journal.hashes, journal.records]).encode()
    stored = {
        "list": journal.suppression.as_json(),
        "nonce": nonce.hex(),
        "masked": _masked(named, journal.suppression.key, nonce).hex(),
    }
    _write_private(settings.erasure_journal_path, json.dumps(stored))


def read_journal(settings: Settings) -> Journal | None:
    """The erasure that has not come to its end; None when there is none.

    Raises:
        CustomerValueError: the journal or the key cannot be read.
    """
    path = settings.erasure_journal_path
    if not path.exists():
        return None
    key = read_key(settings.erasure_key_path)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        masked, nonce = bytes.fromhex(stored["masked"]), bytes.fromhex(stored["nonce"])
        customer_ids, hashes, records = json.loads(_masked(masked, key, nonce))
        suppression = Suppression.from_json(key, stored["list"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CustomerValueError(
            f"The journal {path} of an unfinished erasure cannot be read ({type(error).__name__}).",
            "Remove it and erase the customers again.",
        ) from error
    return Journal(suppression, tuple(customer_ids), tuple(hashes), tuple(records))


def write_list(settings: Settings, suppression: Suppression) -> None:
    """Put the list of erased customers in place."""
    text = json.dumps(suppression.as_json(), indent=1, sort_keys=True) + "\n"
    _write_private(settings.erasures_path, text)


def remove_journal(settings: Settings) -> None:
    """The erasure has ended: overwrite the journal and remove it."""
    path = settings.erasure_journal_path
    size = path.stat().st_size
    with path.open("r+b") as handle:
        handle.write(bytes(size))
        handle.flush()
        os.fsync(handle.fileno())
    path.unlink()


def hashes_of(customer_ids: Sequence[str]) -> tuple[str, ...]:
    """Plain hashes of ids, as somebody might have written them."""
    return tuple(
        hashlib.new(name, customer_id.encode(), usedforsecurity=False).hexdigest()
        for customer_id in customer_ids
        for name in ("md5", "sha1", "sha256")
    )


def _masked(data: bytes, key: bytes, nonce: bytes) -> bytes:
    """The data combined with a key stream (HMAC-SHA256 of a counter); masks and unmasks."""
    blocks = (
        hmac.new(key, nonce + number.to_bytes(8, "big"), hashlib.sha256).digest()
        for number in range(len(data) // 32 + 1)
    )
    return bytes(one ^ other for one, other in zip(data, b"".join(blocks), strict=False))


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)
