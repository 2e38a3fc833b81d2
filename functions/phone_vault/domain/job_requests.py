"""Reading the request of a job: like a request of an application, with key versions and steps in place of numbers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from phone_vault.domain import identifiers
from phone_vault.domain.keys import FIRST_VERSION
from phone_vault.domain.policy import LONGEST_RETENTION_DAYS
from phone_vault.domain.requests import RequestReader

_MOST_SHARDS = 1_000_000
_MOST_PAGES = 1_000_000
_LATEST_VERSION = 1_000_000


class JobReader(RequestReader):
    """Takes the fields of one request; `finish` refuses it for what was wrong."""

    def optional_tenant_id(self) -> str | None:
        """The tenant; None for all of them."""
        return self.tenant_id() if "tenant_id" in self._raw else self._take("tenant_id")

    def required_tenant_id(self, field: str = "tenant_id") -> str:
        """The tenant, which must be named."""
        return self._matching(field, identifiers.TENANT_ID, "1 to 64 of A-Z, a-z, 0-9, _ and -")

    def part(self, field: str, now: datetime) -> "JobReader":
        """A request within the request, to be read and finished by itself; an empty one when there is none."""
        value = self._take(field)
        if field in self._raw and not isinstance(value, Mapping):
            self._fault(f"/{field}", "must be an object")
        return JobReader(value if isinstance(value, Mapping) else {}, now)

    def one_of(self, field: str, values: tuple[str, ...]) -> str | None:
        """One of some words; None when the request does not say."""
        value = self._take(field)
        if field not in self._raw:
            return None
        if not isinstance(value, str) or value not in values:
            self._fault(f"/{field}", f"must be one of {', '.join(values)}")
            return None
        return value

    def required_one_of(self, field: str, values: tuple[str, ...]) -> str:
        """The same, where it must be said."""
        if field not in self._raw:
            self._take(field)
            self._fault(f"/{field}", "is missing")
            return ""
        return self.one_of(field, values) or ""

    def version(self) -> int:
        """A key version, from 1."""
        return self._whole_number("version", FIRST_VERSION, _LATEST_VERSION)

    def shard(self) -> int:
        """A shard's number, from 0."""
        return self._whole_number("shard", 0, _MOST_SHARDS)

    def run_id(self) -> str:
        """What names a run."""
        return self._string("run_id")

    def optional_text(self, field: str) -> str | None:
        """Any text; None when the request does not say."""
        return self._string(field) if field in self._raw else self._take(field)

    def required_text(self, field: str) -> str:
        """Any text."""
        return self._string(field)

    def page(self) -> int:
        """A page's number, from 0."""
        return self._whole_number("page", 0, _MOST_PAGES)

    def unused_days(self) -> int | None:
        """A number of days, from 1; None when the request does not say."""
        if "unused_days" in self._raw:
            return self._whole_number("unused_days", 1, LONGEST_RETENTION_DAYS)
        self._take("unused_days")
        return None

    def flag(self, field: str) -> bool:
        """True or false; false when the request does not say."""
        value = self._take(field)
        if field in self._raw and not isinstance(value, bool):
            self._fault(f"/{field}", "must be true or false")
        return value is True

    def _whole_number(self, field: str, least: int, most: int) -> int:
        value: Any = self._take(field)
        if field not in self._raw:
            self._fault(f"/{field}", "is missing")
            return least
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._fault(f"/{field}", f"must be a whole number from {least}")
            return least
        return value
