"""The environment of a function, read once, every fault reported in one error."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from phone_vault.adapters.tables import TableNames
from phone_vault.domain.callers import UserPool
from phone_vault.domain.errors import Misconfigured
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.policy_file import PolicyFault, PolicyFaults, parse

SHIPPED_POLICY = Path(__file__).resolve().parents[1] / "policy.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the template tells a function."""

    tables: TableNames
    kek_arn: str
    storage_key_arn: str
    key_cache_capacity: int
    user_pool: UserPool | None
    """None where no person may call."""
    policy_file: Path


def settings_from(environ: Mapping[str, str]) -> Settings:
    """The settings; `Misconfigured` names all variables that are missing or wrong."""
    variables = _Variables(environ)
    text = variables.text

    def user_pool() -> UserPool | None:
        if not any(environ.get(name) for name in ("USER_POOL_ISSUER", "USER_POOL_CLIENT_ID")):
            return None
        return UserPool(text("USER_POOL_ISSUER"), text("USER_POOL_CLIENT_ID"))

    settings = Settings(
        tables=TableNames(
            key_ring=text("KEY_RING_TABLE"),
            record_keys=text("RECORD_KEYS_TABLE"),
            lookup_index=text("LOOKUP_INDEX_TABLE"),
            subjects=text("SUBJECTS_TABLE"),
            numbers=text("NUMBERS_TABLE"),
            audit_trail=text("AUDIT_TRAIL_TABLE"),
            operations=text("OPERATIONS_TABLE"),
        ),
        kek_arn=text("KEK_ARN"),
        storage_key_arn=text("STORAGE_KEY_ARN"),
        key_cache_capacity=variables.count("KEY_CACHE_CAPACITY"),
        user_pool=user_pool(),
        policy_file=Path(environ.get("POLICY_FILE") or SHIPPED_POLICY),
    )
    variables.finish()
    return settings


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What the template tells jobs beside what it tells every function."""

    shards: int
    """In how many parts a job passes over the records."""
    key_recovery_days: int
    """For how long a destroyed record key can be restored from a backup."""
    receipt_key_arn: str


def job_settings_from(environ: Mapping[str, str]) -> JobSettings:
    """The settings; `Misconfigured` names all variables that are missing or wrong."""
    variables = _Variables(environ)
    settings = JobSettings(
        shards=variables.count("SHARDS"),
        key_recovery_days=variables.count("KEY_RECOVERY_DAYS"),
        receipt_key_arn=variables.text("RECEIPT_KEY_ARN"),
    )
    variables.finish()
    return settings


@dataclass(frozen=True, slots=True)
class ErasureSettings:
    """What the template tells the functions that erase."""

    key_recovery_days: int
    """For how long a destroyed record key can be restored from a backup."""
    receipt_key_arn: str


def erasure_settings_from(environ: Mapping[str, str]) -> ErasureSettings:
    """The settings; `Misconfigured` names all variables that are missing or wrong."""
    variables = _Variables(environ)
    settings = ErasureSettings(
        key_recovery_days=variables.count("KEY_RECOVERY_DAYS"), receipt_key_arn=variables.text("RECEIPT_KEY_ARN")
    )
    variables.finish()
    return settings


class _Variables:
    """Takes variables one by one; `finish` refuses the environment for all that was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._faults: list[str] = []

    def text(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            self._faults.append(f"{name} is missing")
        return value

    def count(self, name: str) -> int:
        value = self.text(name)
        if value and not (value.isascii() and value.isdigit() and int(value) > 0):
            self._faults.append(f"{name} is not a whole number above 0")
            return 1
        return int(value or 1)

    def finish(self) -> None:
        if self._faults:
            raise Misconfigured("; ".join(self._faults))


def read_policy(path: Path) -> VaultPolicy:
    """The policy of a TOML file; `PolicyFaults` with all that is wrong with it."""
    content = path.read_bytes()
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyFaults([PolicyFault(path.name, f"is not TOML: {error}")]) from None
    return replace(parse(document), digest=sha256(content).hexdigest())
