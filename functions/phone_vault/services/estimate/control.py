"""What RotateKeys and AdvanceRotation ask for: it depends on tenants and shards, not on records."""

from collections.abc import Iterable

from phone_vault.domain.keys import VAULT, KeyUse
from phone_vault.domain.rotation import ROTATED, Step
from phone_vault.services.estimate.bill import IN_A_TRANSACTION, Bill, reads
from phone_vault.services.estimate.outlook import Outlook, Wanted
from phone_vault.services.estimate.passes import World

CONTROL = "control"
"""Among the parts of a bill: what is asked for between the steps."""
_OTHER_STATES = 8
"""Choices, waits and the end, beside the tasks."""
_LOOKS = 4
"""At the rotations of a KMS key: RotateKeys before and after, `KmsKeys.rotate` before and once it is listed."""


class Control:
    """Of one Rotation."""

    def __init__(self, world: World, wanted: Wanted, ring_bytes: float) -> None:
        self._world = world
        self._wanted = wanted
        self._ring_bytes = ring_bytes
        in_question = (each for each in world.outlooks.values() if wanted.tenant_id in (None, each.tenant_id))
        self._all = list(in_question)
        self._served = [each for each in self._all if each.is_served]

    def bill(self, progress_bytes: float) -> Bill:
        """All of it; `progress_bytes` of a census's cursor with its counts."""
        bill = Bill(transitions=_OTHER_STATES)
        if self._wanted.rotates_kms_keys:
            self._rotate_kms_keys(bill)
        elif self._wanted.makes_keys:
            self._rotate_keys(bill)
        self._plan_and_begin(bill)
        self._settle(bill, progress_bytes)
        if any(each.leaving_index for each in self._served):
            self._close(bill)
        if VAULT not in self._world.outlooks:  # whose audit key is made by its first use
            bill.ask("kms:Encrypt")
            bill.ask("dynamodb:TransactWriteItems", write=IN_A_TRANSACTION)
        self._finish(bill, progress_bytes)
        return bill

    def _rotate_keys(self, bill: Bill) -> None:
        self._call(bill)
        self._list_tenants(bill)
        uses: tuple[KeyUse, ...] = ROTATED if self._wanted.use is None else (self._wanted.use,)
        if self._wanted.is_compromised and self._wanted.use is None:
            uses = (*ROTATED, KeyUse.SUPPRESS)
        for each in self._all:
            if not each.is_served:
                self._query(bill, each, len(uses) + 1)
                continue
            for use in uses:
                self._make(bill, each, use)
            if each.made:
                self._audit_key(bill, each)
            self._query(bill, each)  # whether its rows are under the KMS keys that are meant

    def _make(self, bill: Bill, tenant: Outlook, use: KeyUse) -> None:
        """Make, prove and, for a branch key, activate: the rows are read anew after each."""
        self._query(bill, tenant)
        if use in tenant.found_pending:
            bill.ask("kms:Decrypt")
        if use not in tenant.made:
            return
        bill.ask("kms:Encrypt")
        if use is KeyUse.INDEX:
            bill.ask("kms:Decrypt")  # for the keys that its row carries along
        self._transact(bill, 3)
        self._query(bill, tenant)
        bill.ask("kms:Decrypt")  # the proof
        if use is KeyUse.BRANCH:
            self._transact(bill, 3)
            self._query(bill, tenant)

    def _rotate_kms_keys(self, bill: Bill) -> None:
        bill.invocations += 1
        self._list_tenants(bill)
        bill.ask("kms:ListKeyRotations", _LOOKS * len({each.kms_key for each in self._served}))
        bill.ask("kms:RotateKeyOnDemand", len({each.kms_key for each in self._served}))
        for each in self._all:
            self._query(bill, each)
            if not each.is_off_boarded:
                self._query(bill, each)
                self._audit_key(bill, each)
                bill.ask("kms:ReEncrypt", each.ring_rows)
                bill.ask("dynamodb:TransactWriteItems", each.ring_rows, write=2 * IN_A_TRANSACTION)

    def _plan_and_begin(self, bill: Bill) -> None:
        self._call(bill)
        if self._wanted.tenant_id is not None:
            self._query_all(bill)
        self._call(bill)
        self._read_tenants(bill)
        bill.ask("dynamodb:GetItem", read=1)
        bill.ask("dynamodb:PutItem", write=1)

    def _settle(self, bill: Bill, progress_bytes: float) -> None:
        self._call(bill)
        bill.ask("dynamodb:GetItem", read=1)
        self._read_tenants(bill)
        filled = [each for each in self._served if each.pending_index is not None]
        if filled:
            self._take_census(bill, progress_bytes)
        for each in filled:
            self._audit_key(bill, each)
            self._transact(bill, 3)
        self._read_tenants(bill)

    def _close(self, bill: Bill) -> None:
        self._call(bill)
        bill.ask("dynamodb:GetItem", read=1)
        self._read_tenants(bill)
        self._move_on(bill, [(each, len(each.leaving_index)) for each in self._served])

    def _finish(self, bill: Bill, progress_bytes: float) -> None:
        self._call(bill)
        bill.ask("dynamodb:GetItem", read=1)
        self._read_tenants(bill)
        self._take_census(bill, progress_bytes)
        leaving = [(each, len(each.leaving_index) + len(each.leaving_branch)) for each in self._served]
        self._move_on(bill, leaving)
        shards, censuses = self._world.machinery.shards, 2
        bill.ask("dynamodb:GetItem", shards * (len(Step) - censuses), read=1)
        bill.ask("dynamodb:GetItem", shards * censuses, read=reads(progress_bytes))
        bill.ask("dynamodb:PutItem", write=1)
        self._read_tenants(bill)

    def _take_census(self, bill: Bill, progress_bytes: float) -> None:
        bill.ask("dynamodb:GetItem", self._world.machinery.shards, read=reads(progress_bytes))
        bill.ask("dynamodb:PutItem", len(self._served), write=1)

    def _move_on(self, bill: Bill, versions: Iterable[tuple[Outlook, int]]) -> None:
        """A transaction for each version, with its audit entry."""
        for tenant, count in versions:
            if count:
                self._audit_key(bill, tenant)
                bill.ask("dynamodb:TransactWriteItems", count, write=2 * IN_A_TRANSACTION)

    def _read_tenants(self, bill: Bill) -> None:
        if self._wanted.tenant_id is None:
            self._list_tenants(bill)
        for each in self._all:
            if each.tenant_id != VAULT:
                self._query(bill, each)

    def _list_tenants(self, bill: Bill) -> None:
        if self._wanted.tenant_id is None:
            bill.ask("dynamodb:Scan", read=reads(self._ring_bytes))
        else:
            self._query_all(bill)

    def _query_all(self, bill: Bill) -> None:
        for each in self._all:
            self._query(bill, each)

    def _query(self, bill: Bill, tenant: Outlook, times: int = 1) -> None:
        bill.ask("dynamodb:Query", times, read=self._world.query_units(tenant.tenant_id))

    def _audit_key(self, bill: Bill, tenant: Outlook) -> None:
        """Read and unwrapped once a call."""
        self._query(bill, tenant)
        bill.ask("kms:Decrypt")

    @staticmethod
    def _transact(bill: Bill, rows: int) -> None:
        """Of rows of KeyRing, with an audit entry among them."""
        bill.ask("dynamodb:TransactWriteItems", write=IN_A_TRANSACTION * rows)

    @staticmethod
    def _call(bill: Bill) -> None:
        bill.invocations += 1
        bill.transitions += 1
