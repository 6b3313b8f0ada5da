"""Direct identifiers: e-mail addresses and phone numbers become keyed hashes while they are read.

A profile says of each source whether it holds plain values, which are brought to one form and
hashed with the setting ``identity_salt``, or hashes, which are taken as they are. Plain values
reach no table, no reject and no message.

Belongs here: the one form, the hash, and what cannot be used. Does not belong here: the hash
function (``keyed_hashes.py``), and which columns are identifiers (``contract.py``).
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.landing.contract import Column
from orchestration.landing.files import LandingFile
from orchestration.landing.keyed_hashes import hash_key, keyed_hash_sql
from orchestration.landing.profile import Profile, Source
from orchestration.settings import Settings

_KEY = "identity"
#: MD5 has 32 hexadecimal digits, SHA-512 128; no phone number is as long.
_HASH = "[0-9a-fA-F]{32,128}"
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_PHONE = "[1-9][0-9]{6,14}"

#: Reason for refusing a value, by what the source holds and, if it is plain, of what it is.
REASONS = {"hashed": "not_a_hash", "email": "not_an_email", "phone": "not_a_phone_number"}


@contextmanager
def identity_key(
    con: duckdb.DuckDBPyConnection, settings: Settings, files: Iterable[LandingFile]
) -> Iterator[None]:
    """Make the salt known to a connection while files are loaded.

    Raises:
        CustomerValueError: a profile maps plain identifiers of some file and no salt is set.
    """
    if settings.identity_salt is None:
        for file in files:
            if file.entry.has_plain_identifiers:
                raise CustomerValueError(
                    f"The profile {file.profile.name} maps e-mail addresses or phone numbers of "
                    f"{file.relative_path}, which are stored as keyed hashes only, and there is "
                    "no key.",
                    "Set CUSTOMER_VALUE_IDENTITY_SALT to a secret of at least 16 characters, keep "
                    "it, and use the same one in every run.",
                )
        yield
        return
    with hash_key(con, _KEY, settings.identity_salt.get_secret_value().encode()):
        yield


def hash_identifier(value: str, salt: str) -> str:
    """The hash of a value that is in its one form already: HMAC-SHA256, 64 hexadecimal digits."""
    return hmac.new(salt.encode(), value.encode(), hashlib.sha256).hexdigest()


def identifier_sql(column: Column, source: Source, text: str, profile: Profile) -> str:
    """SQL of the value of an identifier column; null where the text cannot be used.

    Args:
        column: an e-mail or phone column of the contract.
        source: where it comes from, and whether it holds plain values.
        text: SQL of the text, blanks at its ends removed.
        profile: whose country code completes national phone numbers.
    """
    if source.holds != "plain":
        return f"case when regexp_full_match({text}, '{_HASH}') then lower({text}) end"
    if column.identifier == "email":
        plain = f"nfc_normalize(lower({text}))"
        is_usable = f"regexp_full_match({text}, '{_EMAIL}')"
    else:
        number = _international_sql(text, profile.phone_country_code)
        plain = f"'+' || {number}"
        is_usable = f"regexp_full_match({number}, '{_PHONE}')"
    return f"case when {is_usable} then {keyed_hash_sql(plain, _KEY)} end"


def reason_of(column: Column, source: Source) -> str:
    """Reason for refusing a value of an identifier column."""
    return REASONS["hashed" if source.holds != "plain" else column.identifier or "hashed"]


def is_no_hash_sql(text: str) -> str:
    """SQL that holds for a text that is there and is no hash."""
    return f"{text} is not null and not regexp_full_match({text}, '{_HASH}')"


def _international_sql(text: str, country_code: str | None) -> str:
    """SQL of a phone number's digits from the country code on."""
    compact = rf"regexp_replace(replace({text}, '(0)', ''), '[\s()./\-\x{{a0}}]', '', 'g')"
    national = (
        f"'{country_code}' || regexp_replace({compact}, '^0', '')" if country_code else "null"
    )
    return (
        f"case when starts_with({compact}, '+') then substr({compact}, 2) "
        f"when starts_with({compact}, '00') then substr({compact}, 3) else {national} end"
    )
