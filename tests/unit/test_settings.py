"""The environment, read once."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from phone_vault.domain.callers import UserPool
from phone_vault.domain.errors import Misconfigured
from phone_vault.domain.policy_file import PolicyFaults
from phone_vault.settings import SHIPPED_POLICY, read_policy, settings_from

TABLES = {
    f"{name}_TABLE": f"vault-{name.lower()}"
    for name in ("KEY_RING", "RECORD_KEYS", "LOOKUP_INDEX", "SUBJECTS", "NUMBERS", "AUDIT_TRAIL", "OPERATIONS")
}
ENVIRON: Mapping[str, str] = {
    **TABLES,
    "KEK_ARN": "arn:aws:kms:eu-west-1:123456789012:key/kek",
    "STORAGE_KEY_ARN": "arn:aws:kms:eu-west-1:123456789012:key/storage",
    "KEY_CACHE_CAPACITY": "1000",
}


def test_every_table_has_its_own_name() -> None:
    tables = settings_from(ENVIRON).tables
    assert (tables.key_ring, tables.record_keys, tables.lookup_index) == (
        "vault-key_ring",
        "vault-record_keys",
        "vault-lookup_index",
    )
    assert (tables.subjects, tables.numbers, tables.audit_trail, tables.operations) == (
        "vault-subjects",
        "vault-numbers",
        "vault-audit_trail",
        "vault-operations",
    )


def test_the_two_keys_are_not_exchanged() -> None:
    settings = settings_from(ENVIRON)
    assert (settings.kek_arn, settings.storage_key_arn) == (ENVIRON["KEK_ARN"], ENVIRON["STORAGE_KEY_ARN"])


def test_people_come_from_the_pool_that_is_named() -> None:
    pool = {"USER_POOL_ISSUER": "https://issuer", "USER_POOL_CLIENT_ID": "client"}
    assert settings_from({**ENVIRON, **pool}).user_pool == UserPool("https://issuer", "client")


def test_without_a_pool_there_are_no_people() -> None:
    assert settings_from({**ENVIRON, "USER_POOL_ISSUER": ""}).user_pool is None


@pytest.mark.parametrize("name", ["USER_POOL_ISSUER", "USER_POOL_CLIENT_ID"])
def test_half_a_pool_is_none(name: str) -> None:
    with pytest.raises(Misconfigured, match=r"^USER_POOL_\w+ is missing$"):
        settings_from({**ENVIRON, name: "x"})


def test_the_policy_is_the_one_that_ships_unless_named() -> None:
    assert settings_from(ENVIRON).policy_file == SHIPPED_POLICY


def test_a_named_policy_is_taken() -> None:
    assert settings_from({**ENVIRON, "POLICY_FILE": "other.toml"}).policy_file == Path("other.toml")


@pytest.mark.parametrize("name", list(ENVIRON))
@pytest.mark.parametrize("absent", [True, False], ids=["absent", "empty"])
def test_a_variable_that_is_missing_is_named(name: str, *, absent: bool) -> None:
    environ = {key: value for key, value in ENVIRON.items() if key != name} | ({} if absent else {name: ""})
    with pytest.raises(Misconfigured, match=f"^{name} is missing$"):
        settings_from(environ)


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(Misconfigured) as fault:
        settings_from({"KEY_CACHE_CAPACITY": "many"})
    assert [each.split()[0] for each in str(fault.value).split("; ")] == list(ENVIRON)


@pytest.mark.parametrize("capacity", ["0", "-1", "1.5", "many", " 7", "\u0667", "1e3"])
def test_a_capacity_that_is_no_whole_number_above_0_is_refused(capacity: str) -> None:
    with pytest.raises(Misconfigured, match=r"^KEY_CACHE_CAPACITY is not a whole number above 0$"):
        settings_from({**ENVIRON, "KEY_CACHE_CAPACITY": capacity})


def test_a_policy_with_faults_is_refused_with_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("version = 2\ncolour = 'red'\n")
    with pytest.raises(PolicyFaults) as found:
        read_policy(file)
    assert len(found.value.faults) == 3


@pytest.mark.parametrize("content", [b"[purposes", b"mask = '\xff'"], ids=["not TOML", "not UTF-8"])
def test_a_policy_file_that_does_not_read_is_a_fault_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(PolicyFaults, match=r"mine\.toml: is not TOML"):
        read_policy(path)


def test_a_policy_is_known_by_the_bytes_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(SHIPPED_POLICY.read_bytes())
    shipped = read_policy(SHIPPED_POLICY)
    assert shipped.digest == sha256(SHIPPED_POLICY.read_bytes()).hexdigest() == read_policy(file).digest
    file.write_bytes(SHIPPED_POLICY.read_bytes() + b"# the same\n")
    assert read_policy(file).digest != shipped.digest
    assert read_policy(file) == shipped
