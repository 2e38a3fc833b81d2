"""Makes a new set of vectors with today's code: `python -m tests.vectors.make NAME`. See README.md before you do.

It never touches a set that is there. What a set has to say of itself (`expected.json`) is written out of what was put
in, not out of what today's code reads back.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from phone_vault.crypto import application_messages, macs, numbers
from phone_vault.crypto.messages import WrappingKey
from phone_vault.domain.audit import Event
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.consent import Consent
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.keys import VAULT, WRAPPED_TOGETHER, KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.moments import to_text
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.ports import NewMessageKey, NewNumber
from phone_vault.domain.rotation import Census, Progress, Run, Step
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.stored_number import Grant, StoredNumber, new_token
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.local import LocalCloud
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.index_positions import blind_indexes, bound_to
from tests.unit.adapters.record_tables import RecordTables
from tests.vectors.frozen import HERE, MANIFEST, TABLES, FrozenKms, FrozenVault, in_base64

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MADE = datetime(2026, 1, 1, 12, tzinfo=UTC)
BRITISH, AMERICAN = PhoneNumber("44", "7400123456"), PhoneNumber("1", "2015550123")
DUE = "2026-12-31#07"
RELEASE = "9.0.43"
KMS_KEYS = {
    "Kek": "arn:aws:kms:eu-west-1:123456789012:key/11111111-1111-4111-8111-111111111111",
    "Storage": "arn:aws:kms:eu-west-1:123456789012:key/22222222-2222-4222-8222-222222222222",
    "tenant vip": "arn:aws:kms:us-east-1:210987654321:key/33333333-3333-4333-8333-333333333333",
}
POLICY: Mapping[str, Any] = {
    "purposes": {
        "delivery": {"lawful_basis": "contract", "retention": {"days": 3650, "from": "created"}},
        "security": {"lawful_basis": "contract", "retention": {"days": 3650, "from": "last_used"}},
        "marketing": {"lawful_basis": "consent", "retention": {"days": 3650, "from": "consent"}},
    },
    "tenants": {"vip": {"wrapping": "direct", "kms_key": KMS_KEYS["tenant vip"]}},
    "principals": [{"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}],
}
STATES = {
    KeyUse.BRANCH: ("destroyed", "retired", "decrypt-only", "active", "pending"),
    KeyUse.INDEX: ("destroyed", "retired", "closed", "decrypt-only", "active", "pending"),
    KeyUse.SUBJECT: ("active",),
    KeyUse.AUDIT: ("active",),
    KeyUse.SUPPRESS: ("decrypt-only", "active"),
}
"""Of the versions of `acme`, from 1 on."""
FIRST = (KeyUse.BRANCH, KeyUse.INDEX, KeyUse.SUBJECT, KeyUse.AUDIT)
DELIVERY = Grant(MADE, RetentionRule(3650, RetentionStart.CREATED))


class Making:
    """One set."""

    def __init__(self, tables: RecordTables) -> None:
        self.tables = tables
        self.vault = FrozenVault(tables, FrozenKms(KMS_KEYS), POLICY, to_text(NOW))
        self.keys: dict[str, dict[KeyUse, SecretKey]] = {}
        self.plain: dict[KeyId, SecretKey] = {}
        self.expected: dict[str, Any] = {
            "now": to_text(NOW),
            "policy": POLICY,
            "key_versions": [],
            "off_boarded": {},
            "numbers": [],
            "messages": [],
            "suppressed": [],
        }

    def all(self) -> None:
        """Everything that this release writes."""
        self.keys_of_acme()
        self.first_keys("early")
        self.first_keys("vip")
        self.first_keys("left")
        self.vault.key_ring_store.add_keys([self.version(KeyId(VAULT, KeyUse.AUDIT, 1), "active")])
        self.trail = AuditTrail("Protect", self.vault.log, self.vault.key_ring(KeyUse.AUDIT), self.vault.clock)
        self.stored_numbers()
        self.message_keys()
        self.suppressions()
        self.operations()
        with self.trail.writing([Event("off-boarding", direct_caller("ops"), tenant_id="left")]) as [entry]:
            self.vault.key_ring_store.off_board("left", MADE + timedelta(days=30), entry)
        self.expected["off_boarded"] = {"left": to_text(MADE + timedelta(days=30))}

    def keys_of_acme(self) -> None:
        """Every use in every state, with all that a row may have."""
        for use, states in STATES.items():
            for version, state in enumerate(states, 1):
                is_old = state in ("decrypt-only", "retired", "closed", "destroyed")
                row = self.version(KeyId("acme", use, version), state, proof=version > 1)
                row = replace(
                    row,
                    changed_at=MADE + timedelta(days=version) if len(states) > 1 else None,
                    compromised=is_old and use is KeyUse.BRANCH and version == 3,
                    moved_at=MADE + timedelta(days=40) if state == "decrypt-only" else None,
                )
                self.add(row)

    def first_keys(self, tenant: str) -> None:
        """As first use makes them, and earlier releases did: without any attribute that a row may lack."""
        self.vault.key_ring_store.add_keys([self.version(KeyId(tenant, use, 1), "active") for use in FIRST])
        for use in FIRST:
            self.tell(self.version_of(KeyId(tenant, use, 1)))

    def version(self, key_id: KeyId, state: str, *, proof: bool = False) -> WrappedKey:
        """A row of new bytes; what is shared by several rows of a tenant is the same in all of them."""
        shared = self.keys.setdefault(key_id.tenant_id, {})
        for use in (KeyUse.SUBJECT, KeyUse.AUDIT):
            shared.setdefault(use, numbers.new_key())
        own = shared.get(key_id.use) or numbers.new_key()
        self.plain[key_id] = own
        uses = WRAPPED_TOGETHER[key_id.use]
        joined = b"".join((own if use is key_id.use else shared[use]).expose() for use in uses)
        wrapped, kms_key = self.vault.kms.wrap(key_id, joined)
        made = macs.key_proof(SecretKey(joined), key_id.path) if proof else b""
        is_destroyed = state == "destroyed"
        return WrappedKey(key_id, b"" if is_destroyed else wrapped, KeyState(state), MADE, kms_key, made)

    def version_of(self, key_id: KeyId) -> WrappedKey:
        row = self.vault.key_ring_store.keys_of(key_id.tenant_id).version(key_id)
        assert row is not None
        return row

    def add(self, row: WrappedKey) -> None:
        self.vault.key_ring_store.add_keys([row])
        self.tell(row)

    def tell(self, row: WrappedKey) -> None:
        """What must be read of it."""
        moments = {"created_at": row.created_at, "changed_at": row.changed_at, "moved_at": row.moved_at}
        self.expected["key_versions"].append(
            {
                "path": row.key_id.path,
                "state": str(row.state),
                **{name: to_text(moment) if moment else None for name, moment in moments.items()},
                "compromised": row.compromised,
                "kms_key": row.kms_key,
                "proof": in_base64(row.proof),
                "plaintext": None if row.state is KeyState.DESTROYED else in_base64(self.plain[row.key_id].expose()),
            }
        )

    def stored_numbers(self) -> None:
        """Branch and direct, in and out of the index, on versions of every state."""
        marketing = Grant(MADE, RetentionRule(3650, RetentionStart.CONSENT), Consent(MADE, "form 7 \N{SNOWMAN}"))
        security = Grant(MADE, RetentionRule(3650, RetentionStart.LAST_USED))
        self.store("early", "first", BRITISH, branch=1, index=(1,))
        self.store("early", "no-index", AMERICAN, branch=1, index=())
        self.store("acme", "active", BRITISH, branch=4, index=(4, 5, 6), revision=3)
        self.store(
            "acme",
            "everything",
            AMERICAN,
            branch=4,
            index=(3, 4, 5),
            revision=12,
            key_made_at=MADE + timedelta(days=20),
            jurisdictions=(Jurisdiction.UK_GDPR, Jurisdiction.CCPA),
            grants={"delivery": DELIVERY, "marketing": marketing, "security": security},
            last_used={"security": MADE + timedelta(days=50)},
        )
        self.store("acme", "compromised", BRITISH, branch=3, index=(4, 5))
        self.store("acme", "retired", BRITISH, branch=2, index=(4, 5), revealed="key-unavailable")
        self.store("acme", "destroyed", BRITISH, branch=1, index=(4, 5), revealed="key-unavailable")
        self.store("acme", "was-direct", AMERICAN, branch=None, index=(4, 5), kms_key="Kek")
        self.store("vip", "direct", BRITISH, branch=None, index=(1,), kms_key="tenant vip")
        self.store("vip", "direct-unnamed", AMERICAN, branch=None, index=(1,), kms_key=None)
        self.store("vip", "was-branch", AMERICAN, branch=1, index=(1,))
        self.store("left", "gone", BRITISH, branch=1, index=(1,), revealed="not-found")

    def store(
        self,
        tenant: str,
        subject: str,
        number: PhoneNumber,
        *,
        branch: int | None,
        index: tuple[int, ...],
        kms_key: str | None = None,
        revealed: str | None = None,
        **more: Any,
    ) -> None:
        """All rows of a number."""
        token, record_key = new_token(), numbers.new_key()
        record = StoredNumber(
            tenant_id=tenant,
            token=token,
            subject_id=subject,
            subject_ref=macs.subject_ref(self.keys[tenant][KeyUse.SUBJECT], tenant, subject),
            **{
                "created_at": MADE,
                "revision": 1,
                "wrapped_key": self.wrapped(record_key, tenant, token, branch, kms_key),
                "branch_key_version": branch,
                "kms_key": KMS_KEYS[kms_key] if kms_key else None,
                "jurisdictions": (Jurisdiction.GDPR,),
                "grants": {"delivery": DELIVERY},
                "last_used": {},
                "index_positions": {},
                **more,
            },
        )
        keys = {version: self.plain[KeyId(tenant, KeyUse.INDEX, version)] for version in index}
        record = replace(record, index_positions=bound_to(record, keys, blind_indexes(keys, tenant, number), RELEASE))
        message = numbers.encrypt_number(number, record_key, tenant, token)
        event = Event("created", direct_caller(None), tenant, ("delivery",), tokens=(token,))
        with self.trail.writing([replace(event, subject_ref=record.subject_ref)]) as [entry]:
            self.vault.numbers.add(
                NewNumber(record, message, DUE, Subject(SubjectId(tenant, record.subject_ref))), entry
            )
        self.expected["numbers"].append(
            {
                "tenant_id": tenant,
                "token": token,
                "subject_id": subject,
                "number": number.disclose(),
                "record_key": in_base64(record_key.expose()),
                "branch_key_version": branch,
                "index_versions": sorted(index),
                "key_made_at": to_text(record.key_made_at) if record.key_made_at else None,
                "revision": record.revision,
                "purposes": sorted(record.grants),
                "reveal": revealed or number.disclose(),
            }
        )

    def wrapped(self, key: SecretKey, tenant: str, name: str, branch: int | None, kms_key: str | None) -> bytes:
        """By a version of the branch key, or by KMS."""
        if branch is not None:
            key_id = KeyId(tenant, KeyUse.BRANCH, branch)
            return numbers.wrap(key, WrappingKey(key_id.name, self.plain[key_id]), tenant, name)
        blob, named = self.vault.kms.wrap_record_key(tenant, name, key.expose())
        assert kms_key is None or named == KMS_KEYS[kms_key]
        return blob

    def message_keys(self) -> None:
        """Of two generations and both wrappings, and messages of each."""
        self.message_key("early", "first", branch=1, generation=1)
        self.message_key("acme", "active", branch=4, generation=2)
        self.message_key("acme", "compromised", branch=3, generation=1)
        self.message_key("acme", "retired", branch=2, generation=1, refused="key-unavailable")
        self.message_key("vip", "direct", branch=None, generation=2, kms_key="tenant vip")
        self.message_key("left", "gone", branch=1, generation=1, refused="not-found")

    def message_key(
        self,
        tenant: str,
        subject: str,
        *,
        branch: int | None,
        generation: int,
        kms_key: str | None = None,
        refused: str | None = None,
    ) -> None:
        """A key, a message under it, and one under the key of the generation before."""
        subject_ref = macs.subject_ref(self.keys[tenant][KeyUse.SUBJECT], tenant, subject)
        key_id, plain_key = MessageKeyId(tenant, subject_ref, "delivery"), numbers.new_key()
        key = MessageKey(
            key_id=key_id,
            generation=generation,
            subject_id=subject,
            created_at=MADE,
            revision=1,
            wrapped_key=self.wrapped(plain_key, tenant, key_id.name, branch, kms_key),
            branch_key_version=branch,
            kms_key=KMS_KEYS[kms_key] if kms_key else None,
            jurisdictions=(Jurisdiction.GDPR,),
            grants={"delivery": DELIVERY},
            last_used={},
        )
        event = Event("encrypted", direct_caller(None), tenant, ("delivery",), subject_ref=subject_ref)
        with self.trail.writing([event]) as [entry]:
            self.vault.numbers.add_message_key(NewMessageKey(key, DUE, Subject(SubjectId(tenant, subject_ref))), entry)
        under = {generation: plain_key}
        if generation > 1:
            under[generation - 1] = numbers.new_key()
        for each, its_key in under.items():
            message = application_messages.encrypt_number(AMERICAN, its_key, key_id, each)
            answered = refused or (AMERICAN.disclose() if each == generation else "purpose-not-permitted")
            self.expected["messages"].append(
                {
                    "tenant_id": tenant,
                    "subject_id": subject,
                    "purpose": "delivery",
                    "generation": each,
                    "message": in_base64(message),
                    "key": in_base64(its_key.expose()),
                    "decrypt": answered,
                }
            )

    def suppressions(self) -> None:
        """Under one key, and under two."""
        first, second = (self.plain[KeyId("acme", KeyUse.SUPPRESS, version)] for version in (1, 2))
        for number, layers in ((BRITISH, 1), (AMERICAN, 2)):
            digest = macs.suppression_digest(first, "acme", "marketing", number)
            if layers == 2:
                digest = macs.suppression_layer(second, "acme", digest)
            key = {"subject": "acme#suppressed", "member": macs.as_text(digest)}
            self.tables.put(self.tables.names.subjects, {**key, "digest": digest, "layers": layers})
            self.expected["suppressed"].append(
                {"tenant_id": "acme", "purpose": "marketing", "number": number.disclose(), "layers": layers}
            )

    def operations(self) -> None:
        """A run, how far it has come, and a census."""
        run = Run("20260301T120000Z-0badcafe", NOW, 2, "acme", re_encrypt=True, fingerprint="ab" * 32)
        whole = Run("20260228T120000Z-00c0ffee", NOW - timedelta(days=1), 4, finished=True)
        self.vault.runs.save_run(whole, None)
        self.vault.runs.save_run(run, whole)
        begun = Progress(run.run_id, Step.REWRAP, 0, NOW, {"record_id": "acme#x"}, counts={"done": 3, "failed": 1})
        ended = Progress(run.run_id, Step.LAST_CENSUS, 1, NOW, done=True, counts={"acme/branch/4": 2})
        for each in (begun, ended):
            self.vault.runs.save_progress(each)
        census = Census("acme", NOW, {"branch/4": 2, "index/5": 6}, 6, 3, 1, {"index/5": 6}, 6, 1, 0)
        self.vault.runs.save_census(census)
        self.expected["run"] = _plain(run)
        self.expected["progress"] = [_plain(each) | {"revision": 1} for each in (begun, ended)]
        self.expected["census"] = _plain(census)


def _plain(value: Any) -> dict[str, Any]:
    names = value.__dataclass_fields__
    found = {name: getattr(value, name) for name in names}
    return {name: to_text(each) if isinstance(each, datetime) else each for name, each in found.items()}


def files_of(name: str, making: Making) -> Iterator[tuple[str, Any]]:
    """What a set is made of."""
    for table in TABLES:
        yield table, [in_base64(item) for item in making.vault.items(table)]
    yield "test_keys", making.vault.kms.as_json()
    yield "expected", making.expected


def main(name: str) -> None:
    """Make the set of this name."""
    folder = HERE / name
    int(name)  # sets are ordered by their numbers
    folder.mkdir()  # FileExistsError for a set that is there
    with LocalCloud() as cloud:
        making = Making(RecordTables(cloud))
        making.all()
        for file, content in files_of(name, making):
            text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
            (folder / f"{file}.json").write_text(f"{text}\n", encoding="utf-8")
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8")) if MANIFEST.exists() else {}
    manifest |= {f"{name}/{each.name}": hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}
    MANIFEST.write_text(f"{json.dumps(manifest, indent=1, sort_keys=True)}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
