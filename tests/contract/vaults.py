"""Vaults with many numbers in them, for commands that look at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from phone_vault.local import LocalCloud

POLICY: Mapping[str, Any] = {
    "purposes": {"security": {"lawful_basis": "contract", "retention": {"days": 3650, "from": "created"}}},
    "tenants": {"direct": {"wrapping": "direct"}},
    "principals": [{"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}],
}
_A_BATCH = 100


@contextmanager
def opened(tenants: Mapping[str, int], policy: Mapping[str, Any] = POLICY) -> Iterator[LocalCloud]:
    """A cloud whose tenants have so many stored numbers."""
    with LocalCloud(policy) as cloud:
        for tenant_id, count in tenants.items():
            fill(cloud, tenant_id, count)
        yield cloud


def fill(cloud: LocalCloud, tenant_id: str, count: int, start: int = 0) -> None:
    """Different numbers of different subjects, from the so manieth on."""
    items = [
        {"subject_id": f"subject-{each:05}", "number": f"+4474000{each:05}", "purposes": {"security": {}}}
        for each in range(start, start + count)
    ]
    for at in range(0, count, _A_BATCH):
        answer = cloud.invoke("Protect", {"tenant_id": tenant_id, "items": items[at : at + _A_BATCH]})
        assert all("token" in result for result in answer["results"])
