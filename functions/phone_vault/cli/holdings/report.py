"""What there is to show."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from phone_vault.cli.stack import Vault
from phone_vault.domain.inventory import Kind
from phone_vault.domain.policy import VaultPolicy
from phone_vault.services.retention_counts import RetentionCounts
from phone_vault.services.status import UNUSED_DAYS, State, Status


@dataclass(frozen=True, slots=True)
class Report:
    """The vault, its policy, and what was counted when."""

    vault: Vault
    policy: VaultPolicy
    status: Status
    at: datetime
    key_cache_capacity: int
    unused_days: int = UNUSED_DAYS

    def records(self, kind: Kind) -> Counter[State]:
        """Of all tenants."""
        return sum((tenant.counts[kind].records for tenant in self.status.tenants.values()), Counter[State]())

    @property
    def retention(self) -> RetentionCounts:
        """Of all tenants."""
        total = RetentionCounts()
        for tenant in self.status.tenants.values():
            total.add_all(tenant.retention)
        return total

    def by_purpose(self, kind: Kind) -> dict[str, Counter[State]]:
        """Of all tenants: the policy's purposes first, in its order, then those that only rows still name."""
        named = dict.fromkeys(self.policy.purposes)
        found = {purpose for tenant in self.status.tenants.values() for purpose in tenant.counts[kind].by_purpose}
        return {
            purpose: sum(
                (tenant.counts[kind].by_purpose.get(purpose, Counter()) for tenant in self.status.tenants.values()),
                Counter[State](),
            )
            for purpose in (*named, *sorted(found - named.keys()))
        }
