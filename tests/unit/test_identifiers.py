"""Direct identifiers are hashed while they are read, and stand in plain nowhere."""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from orchestration.errors import CustomerValueError
from orchestration.landing.identifiers import hash_identifier
from orchestration.landing.keyed_hashes import hash_key, keyed_hash_sql
from orchestration.landing.load import load_landing
from orchestration.landing.profile import FileEntry
from orchestration.settings import Settings, describe_invalid

SALT = "a salt of these tests only"
HEADER = "id,mail,phone,region,notes"
PROFILE = """
name: people
description: Customers with plain identifiers.
phone_country_code: "44"
files:
  - dataset: customers
    pattern: "*.csv"
    columns:
      customer_id: id
      region: region
      email_hash: {column: mail, holds: plain}
      phone_hash: {column: phone, holds: plain}
"""


class People:
    """A landing folder with plain identifiers and a warehouse file."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "files"
        self.root.mkdir()
        self.profile = folder / "people.yml"
        self.profile.write_text(PROFILE)
        self.warehouse = folder / "warehouse.duckdb"
        self.data_dir = folder / "data"

    def write(self, *lines: str, name: str = "people.csv") -> None:
        (self.root / name).write_text("\n".join([HEADER, *lines]) + "\n")

    def load(self, salt: str | None = SALT) -> tuple[Any, list[tuple[Any, ...]]]:
        """The report, and customers' ids with their hashes."""
        settings = Settings(
            landing_dir=self.root,
            profile=str(self.profile),
            data_dir=self.data_dir,
            identity_salt=salt,
        )
        with duckdb.connect(str(self.warehouse)) as con:
            report = load_landing(con, settings)
            rows = con.execute(
                "select customer_id, email_hash, phone_hash from raw.customers order by all"
            ).fetchall()
        return report, rows

    def rejects(self) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse)) as con:
            return con.execute(
                "select row_number, column_name, value, reason, row_json, message "
                "from raw.rejected_rows order by row_number"
            ).fetchall()


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        # RFC 4231, test cases 2 and 6: a short key, and one longer than a block.
        (
            b"Jefe",
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 131,
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_keyed_hashes_are_hmac_sha256(key: bytes, text: str, expected: str) -> None:
    with duckdb.connect() as con:
        with hash_key(con, "some", key):
            row = con.execute(f"select {keyed_hash_sql('$1::varchar', 'some')}", [text]).fetchone()
        assert row == (expected,)
        assert con.execute("select getvariable('some_inner')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Kim.Lee@Example.ORG ", "kim.lee@example.org"),
        ("JO\u0308RG@example.org", "j\u00f6rg@example.org"),
    ],
)
def test_e_mail_addresses_are_brought_to_one_form(
    people: People, written: str, normal: str
) -> None:
    people.write(f"C1,{written},,North,")
    _, rows = people.load()
    assert rows == [("C1", hash_identifier(normal, SALT), None)]
    assert rows[0][1] == hmac.new(SALT.encode(), normal.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "written",
    [
        "+44 20 7946 0000",
        "0044-20-7946.0000",
        "(020) 7946 0000",
        "+44 (0)20 7946/0000",
        "2079460000",
    ],
)
def test_phone_numbers_are_brought_to_one_form(people: People, written: str) -> None:
    people.write(f"C1,,{written},North,")
    _, rows = people.load()
    assert rows == [("C1", None, hash_identifier("+442079460000", SALT))]


def test_plain_values_reach_neither_tables_nor_rejects_nor_messages(people: People) -> None:
    people.write(
        "C1,secret.one@example.org,+44 20 5551 1111,North,call secret.two@example.org",
        "C2,secret.three at example.org,+44 20 5551 2222,North,x",
        "C3,secret.four@example.org,secret-five,North,x",
        ",secret.six@example.org,+44 20 5551 3333,West,secret.seven@example.org",
        "C5,secret.eight@example.org,1,North,x,one,too,many",
        "C6,secret.nine@example.org,+44 20 5551 4444,South,x",
    )
    report, rows = people.load()

    assert [row[0] for row in rows] == ["C1", "C6"]
    found = [
        (number, column, value, reason) for number, column, value, reason, *_ in people.rejects()
    ]
    assert found == [
        (2, "email_hash", None, "not_an_email"),
        (3, "phone_hash", None, "not_a_phone_number"),
        (4, "customer_id", None, "missing_value"),
        (5, None, None, "too_many_columns"),
    ]
    shown = [row[4] for row in people.rejects()]
    assert shown[0] == '{"id":"C2","region":"North"}'
    assert "withheld" in shown[3]
    told = f"{report} {people.rejects()}".encode() + people.warehouse.read_bytes()
    for plain in (b"secret", b"20 5551", SALT.encode()):
        assert plain not in told


def test_a_broken_line_of_a_file_with_identifiers_is_not_kept(people: People) -> None:
    (people.root / "people.csv").write_text(
        "id,mail,phone,region\nC1,kim@example.org,,North\nC2,secret@example.org,,North,one,more\n"
    )
    people.load()
    assert [row[3] for row in people.rejects()] == ["too_many_columns"]
    assert b"secret@" not in people.warehouse.read_bytes()


def test_a_failing_expression_repeats_no_value(people: People) -> None:
    people.profile.write_text(
        PROFILE.replace(
            "{column: mail, holds: plain}",
            "{expression: 'cast(cast(\"mail\" as integer) as varchar)', holds: plain}",
        )
    )
    people.write("C1,secret.one@example.org,,North,")
    report, _ = people.load()
    assert report.failed
    assert "ConversionException" in str(report.failed[0].error)
    assert "secret" not in str(report)


def test_without_a_salt_nothing_is_loaded(people: People) -> None:
    people.write("C1,kim@example.org,,North,")
    with pytest.raises(CustomerValueError, match="CUSTOMER_VALUE_IDENTITY_SALT") as caught:
        people.load(salt=None)
    assert "people.csv" in caught.value.problem
    with duckdb.connect(str(people.warehouse)) as con:
        assert con.execute("select count(*) from raw.customers").fetchone() == (0,)


def test_another_salt_reads_the_files_anew(people: People) -> None:
    people.write("C1,kim@example.org,,North,")
    _, first = people.load()
    report, _ = people.load()
    assert report.unchanged_count == 1
    _, second = people.load(salt="another salt of these tests")
    assert second == [
        ("C1", hash_identifier("kim@example.org", "another salt of these tests"), None)
    ]
    assert first != second


def test_values_that_are_said_to_be_hashes_must_be_hashes(people: People) -> None:
    people.profile.write_text(PROFILE.replace("holds: plain", "holds: hashed"))
    people.write(
        f"C1,{'AB' * 32},{'0' * 32},North,",
        "C2,secret@example.org,,North,",
        "C3,,2079460000,North,",
    )
    _, rows = people.load(salt=None)
    assert rows == [("C1", "ab" * 32, "0" * 32)]
    found = [(column, value, reason) for _, column, value, reason, *_ in people.rejects()]
    assert found == [("email_hash", None, "not_a_hash"), ("phone_hash", None, "not_a_hash")]
    assert b"secret@" not in people.warehouse.read_bytes()


def test_a_correction_sets_an_identifier_to_a_hash_only(tmp_path: Path) -> None:
    folder = tmp_path / "canonical"
    folder.mkdir()
    header = "correction_id,dataset,key,action,reason,author,corrected_at,column,value"
    line = "customers,C1,set,moved,kim,2024-01-01"
    (folder / "corrections.csv").write_text(
        f"{header}\n1,{line},email_hash,secret@example.org\n2,{line},region,North\n"
        f"3,{line},phone_hash,{'0' * 64}\n"
    )
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        load_landing(con, Settings(landing_dir=folder, data_dir=tmp_path / "data"))
        ids = con.execute("select correction_id from raw.corrections order by all").fetchall()
        rejects = con.execute(
            "select column_name, value, reason, row_json from raw.rejected_rows"
        ).fetchall()
    assert ids == [("2",), ("3",)]
    assert rejects == [("value", None, "not_a_hash", None)]
    assert b"secret@" not in warehouse.read_bytes()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"customer_id": "id", "email_hash": "mail"}, "email_hash needs"),
        ({"customer_id": {"column": "id", "holds": "hashed"}}, "not for customer_id"),
    ],
)
def test_a_profile_says_what_identifiers_hold(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FileEntry(pattern="*", dataset="customers", columns=columns)


def test_the_salt_is_shown_nowhere_and_reaches_child_processes() -> None:
    settings = Settings(identity_salt=SALT)
    assert SALT not in f"{settings!r} {settings} {settings.dbt_vars()} {settings.model_dump()}"
    assert settings.as_environment()["CUSTOMER_VALUE_IDENTITY_SALT"] == SALT
    with pytest.raises(ValidationError) as caught:
        Settings(identity_salt="too short")
    error = describe_invalid(caught.value)
    assert "identity_salt" in error.problem
    assert "too short" not in str(error)
