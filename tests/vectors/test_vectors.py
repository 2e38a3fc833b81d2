"""What earlier releases have written is read by today's code, goes through today's jobs, and never changes."""

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
import pytest

from phone_vault.adapters.suppressions import DynamoSuppressionStore
from phone_vault.crypto import application_messages, macs, messages, numbers
from phone_vault.crypto.messages import WrappingKey
from phone_vault.domain import moments
from phone_vault.domain.keys import WRAPPED_TOGETHER, KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.ports import RecordId
from phone_vault.domain.rotation import Run, Step
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.local import LocalCloud
from tests.unit.adapters.record_tables import RecordTables
from tests.unit.samples import AMERICAN, BRITISH, example_numbers
from tests.vectors.frozen import CALLER, HERE, MANIFEST, FrozenVault, content, from_base64, sets

NUMBERS = {number.disclose(): number for number in (BRITISH, AMERICAN)}
SHARDS = 2


class TestFrozen:
    """The files."""

    MANIFEST = json.loads(MANIFEST.read_text(encoding="utf-8"))

    @pytest.mark.parametrize("file", sorted(MANIFEST))
    def test_a_file_is_what_it_was(self, file: str) -> None:
        assert hashlib.sha256((HERE / file).read_bytes()).hexdigest() == self.MANIFEST[file]

    def test_every_file_of_a_set_is_in_the_manifest(self) -> None:
        assert {f"{name}/{file.name}" for name in sets() for file in (HERE / name).iterdir()} == self.MANIFEST.keys()

    @pytest.mark.parametrize("name", sets())
    def test_numbers_are_the_library_s_examples(self, name: str) -> None:
        examples = {phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164) for each in example_numbers()}
        expected = content(name, "expected")
        named = {each["number"] for each in (*expected["numbers"], *expected["suppressed"])}
        assert named <= examples
        assert named == NUMBERS.keys()


class Loader:
    """Puts a set's rows into the tables, unless they are there as the caller may leave them."""

    def __init__(self, tables: RecordTables) -> None:
        self._tables = tables
        self._loaded: tuple[str, str] | None = None
        self._vault: FrozenVault | None = None

    def __call__(self, name: str, what_for: str) -> FrozenVault:
        """`read` leaves them as they are, `call` does what applications do to them, `rotate` anything."""
        if self._vault is None or what_for == "rotate" or self._loaded != (name, what_for):
            self._vault = FrozenVault.of(name, self._tables)
        self._loaded = (name, what_for)
        return self._vault


@pytest.fixture(scope="module")
def load() -> Iterator[Loader]:
    with LocalCloud() as cloud:
        yield Loader(RecordTables(cloud))


@pytest.fixture(params=sets())
def name(request: pytest.FixtureRequest) -> str:
    """Of a set."""
    found: str = request.param
    return found


@pytest.fixture
def expected(name: str) -> Any:
    """What its rows and messages say."""
    found = content(name, "expected")
    assert all(found.values())  # what is looked at one by one is there
    return found


class TestReading:
    """Row by row, message by message."""

    @pytest.fixture
    def vault(self, load: Loader, name: str) -> FrozenVault:
        return load(name, "read")

    def test_key_versions(self, vault: FrozenVault, expected: Any) -> None:
        for each in expected["key_versions"]:
            row = version_at(vault, each["path"])
            dates = [at and moments.to_text(at) for at in (row.created_at, row.changed_at, row.moved_at)]
            assert dates == [each["created_at"], each["changed_at"], each["moved_at"]]
            assert (str(row.state), row.compromised, row.kms_key, row.proof) == (
                each["state"],
                each["compromised"],
                each["kms_key"],
                base64.b64decode(each["proof"]),
            )

    def test_keys(self, vault: FrozenVault, expected: Any) -> None:
        for each in expected["key_versions"]:
            row = version_at(vault, each["path"])
            if each["plaintext"] is None:
                assert (row.state, row.wrapped) == (KeyState.DESTROYED, b"")
                continue
            joined = vault.kms.unwrap(row)
            assert joined[: numbers.KEY_BYTES] == base64.b64decode(each["plaintext"])
            assert len(joined) == numbers.KEY_BYTES * len(WRAPPED_TOGETHER[row.key_id.use])
            assert row.proof in (b"", macs.key_proof(SecretKey(joined), row.key_id.path))

    def test_the_first_set_has_every_use_and_every_state(self, load: Loader) -> None:
        store = load("1", "read").key_ring_store
        rows = [row for tenant in store.tenants() for row in store.keys_of(tenant).keys]
        assert {str(row.key_id.use) for row in rows} == {"branch", "index", "subject", "audit", "suppress"}
        states = {"pending", "active", "decrypt-only", "closed", "retired", "destroyed"}
        assert {str(row.state) for row in rows} == states

    def test_tenants_that_have_left(self, vault: FrozenVault, expected: Any) -> None:
        for tenant in vault.key_ring_store.tenants():
            at = vault.key_ring_store.keys_of(tenant).off_boarded_at
            assert (at and moments.to_text(at)) == expected["off_boarded"].get(tenant)

    def test_records(self, vault: FrozenVault, expected: Any) -> None:
        for each in expected["numbers"]:
            record, _ = stored(vault, each)
            assert record.subject_id == each["subject_id"]
            assert record.branch_key_version == each["branch_key_version"]
            assert sorted(record.index_positions) == each["index_versions"]
            assert (record.key_made_at and moments.to_text(record.key_made_at)) == each["key_made_at"]
            assert (record.revision, sorted(record.grants)) == (each["revision"], each["purposes"])

    def test_record_keys(self, vault: FrozenVault, expected: Any) -> None:
        ring = vault.key_ring(is_a_jobs=True)
        for each in expected["numbers"]:
            record, _ = stored(vault, each)
            if is_readable(vault, record):
                assert vault.record_keys(ring).unwrap(record).expose() == base64.b64decode(each["record_key"])

    def test_messages_of_stored_numbers(self, vault: FrozenVault, expected: Any) -> None:
        for each in expected["numbers"]:
            _, message = stored(vault, each)
            record_key = SecretKey(base64.b64decode(each["record_key"]))
            number = numbers.decrypt_number(message, record_key, each["tenant_id"], each["token"])
            assert number.disclose() == each["number"]

    def test_messages_that_applications_keep(self, expected: Any) -> None:
        for each in expected["messages"]:
            message, key = base64.b64decode(each["message"]), SecretKey(base64.b64decode(each["key"]))
            key_id, generation = application_messages.claimed_origin(message)
            assert (key_id.tenant_id, key_id.purpose, generation) == (
                each["tenant_id"],
                each["purpose"],
                each["generation"],
            )
            assert application_messages.decrypt_number(message, key, key_id, generation) in NUMBERS

    def test_wrapped_record_keys_need_nothing_but_the_branch_key(self, vault: FrozenVault, expected: Any) -> None:
        plain = {each["path"]: each["plaintext"] for each in expected["key_versions"]}
        for each in expected["numbers"]:
            key = plain.get(f"{each['tenant_id']}/branch/{each['branch_key_version']}")
            if key is not None:
                record, _ = stored(vault, each)
                under = WrappingKey(f"branch#{each['branch_key_version']}", SecretKey(base64.b64decode(key)))
                context = {"tenant": each["tenant_id"], "token": each["token"], "use": "record-key"}
                unwrapped = messages.decrypt(record.wrapped_key, under, context)
                assert unwrapped == base64.b64decode(each["record_key"])

    def test_suppressions(self, vault: FrozenVault, expected: Any) -> None:
        plain = {each["path"]: each["plaintext"] for each in expected["key_versions"]}
        store = DynamoSuppressionStore(vault.tables, vault.names)
        for each in expected["suppressed"]:
            tenant = each["tenant_id"]
            keys = [SecretKey(base64.b64decode(plain[f"{tenant}/suppress/{layer}"])) for layer in (1, 2)]
            digest = macs.suppression_digest(keys[0], tenant, each["purpose"], NUMBERS[each["number"]])
            for key in keys[1 : each["layers"]]:
                digest = macs.suppression_layer(key, tenant, digest)
            assert (digest, each["layers"]) in {(row.digest, row.layers) for row in store.of_tenant(tenant)}

    def test_runs(self, vault: FrozenVault, expected: Any) -> None:
        assert as_told(vault.runs.latest(), expected["run"]) == expected["run"]

    def test_progress(self, vault: FrozenVault, expected: Any) -> None:
        for each in expected["progress"]:
            found = vault.runs.progress(each["run_id"], Step(each["step"]), each["shard"])
            assert as_told(found, each) == each

    def test_censuses(self, vault: FrozenVault, expected: Any) -> None:
        assert as_told(vault.runs.census(expected["census"]["tenant_id"]), expected["census"]) == expected["census"]

    def test_audit_entries(self, name: str, expected: Any) -> None:
        plain = {each["path"]: each["plaintext"] for each in expected["key_versions"]}
        heads: dict[str, str] = {}
        checked = 0
        rows = [from_base64(item) for item in content(name, "audit_trail")]
        for row in sorted(rows, key=lambda each: (each["chain"]["S"], int(each["sequence"]["N"]))):
            text, mac = row["entry"]["S"], row["mac"]["B"]
            entry = json.loads(text)
            assert (entry["chain"], entry["sequence"]) == (row["chain"]["S"], int(row["sequence"]["N"]))
            assert entry["previous"] == heads.get(entry["chain"], "0" * 64)
            heads[entry["chain"]] = hashlib.sha256(text.encode() + mac).hexdigest()
            tenant, _, version = entry["keyed_by"].rpartition("/")
            if f"{tenant}/audit/{version}" in plain:
                key = SecretKey(base64.b64decode(plain[f"{tenant}/audit/{version}"]))
                assert macs.audit_mac(key, text.encode()) == mac
                checked += 1
        assert checked


class TestFunctions:
    """As applications ask."""

    @pytest.fixture
    def vault(self, load: Loader, name: str) -> FrozenVault:
        return load(name, "call")

    def test_reveal(self, vault: FrozenVault, expected: Any) -> None:
        for each in expected["numbers"]:
            request = {"tenant_id": each["tenant_id"], "token": each["token"], "purpose": "delivery"}
            assert told(vault.call("Reveal", **request), "number") == each["reveal"]

    def test_verify(self, vault: FrozenVault, expected: Any) -> None:
        for each in in_the_index(expected):
            request = {"tenant_id": each["tenant_id"], "token": each["token"], "purpose": "delivery"}
            answers = [vault.call("Verify", **request, number=number)["match"] for number in NUMBERS]
            assert answers == [number == each["number"] for number in NUMBERS]

    def test_lookup(self, vault: FrozenVault, expected: Any) -> None:
        look_all_up(vault, expected)

    def test_protect_again(self, vault: FrozenVault, expected: Any) -> None:
        for each in in_the_index(expected):
            answer = protect(vault, each)
            assert (answer["token"], answer["created"]) == (each["token"], False)

    def test_decrypt(self, vault: FrozenVault, expected: Any) -> None:
        for each in expected["messages"]:
            request = {name: each[name] for name in ("tenant_id", "subject_id", "purpose", "message")}
            assert told(vault.call("Decrypt", **request), "number") == each["decrypt"]

    def test_lost_messages_of_tenants_that_have_left_stay_lost(self, vault: FrozenVault, expected: Any) -> None:
        gone = [each for each in expected["numbers"] if each["tenant_id"] in expected["off_boarded"]]
        assert gone
        assert {told(protect(vault, each), "token") for each in gone} == {"not-found"}


class TestJobs:
    """Through a rotation of today's."""

    @pytest.fixture
    def vault(self, load: Loader, name: str) -> FrozenVault:
        return load(name, "rotate")

    def test_re_wrapped_records_are_on_the_active_version_and_read(self, vault: FrozenVault, expected: Any) -> None:
        pass_over(vault, Step.REWRAP)
        for each in expected["numbers"]:
            if each["tenant_id"] in expected["off_boarded"]:
                continue
            record, message = stored(vault, each)
            active = vault.key_ring_store.keys_of(each["tenant_id"]).active(KeyUse.BRANCH)
            assert active is not None
            is_direct = each["tenant_id"] == "vip"
            on_destroyed = each["branch_key_version"] is not None and not is_readable(vault, stored(vault, each)[0])
            if on_destroyed:
                assert record.branch_key_version == each["branch_key_version"]
                continue
            assert record.branch_key_version == (None if is_direct else active.key_id.version)
            assert record.kms_key == (vault.kms.kms_key_of(each["tenant_id"]) if is_direct else None)
            assert decrypted(vault, record, message) == each["number"]
            request = {"tenant_id": each["tenant_id"], "token": each["token"], "purpose": "delivery"}
            assert told(vault.call("Reveal", **request), "number") == each["number"]

    def test_re_wrapped_message_keys_read_the_same_messages(self, vault: FrozenVault, expected: Any) -> None:
        pass_over(vault, Step.REWRAP)
        for each in expected["messages"]:
            request = {name: each[name] for name in ("tenant_id", "subject_id", "purpose", "message")}
            answer = told(vault.call("Decrypt", **request), "number")
            assert answer == (AMERICAN.disclose() if each["decrypt"] == "key-unavailable" else each["decrypt"])

    def test_a_second_re_wrap_has_nothing_to_do(self, vault: FrozenVault) -> None:
        pass_over(vault, Step.REWRAP)
        before = vault.items("record_keys")
        pass_over(vault, Step.REWRAP)
        assert vault.items("record_keys") == before

    def test_re_wrapping_touches_nothing_but_record_keys(self, vault: FrozenVault) -> None:
        tables = ("key_ring", "lookup_index", "subjects", "numbers")
        before = {table: vault.items(table) for table in tables}
        pass_over(vault, Step.REWRAP)
        assert {table: vault.items(table) for table in tables} == before

    def test_re_indexed_records_stand_in_every_live_version(self, vault: FrozenVault, expected: Any) -> None:
        pass_over(vault, Step.REWRAP)
        pass_over(vault, Step.REINDEX)
        for each in in_the_index(expected):
            record, _ = stored(vault, each)
            live = {row.key_id.version for row in index_rows(vault, each["tenant_id"]) if row.is_written}
            if is_readable(vault, record):
                assert set(record.index_positions) == live | set(each["index_versions"])
        look_all_up(vault, expected)

    def test_re_indexed_records_are_found_by_every_live_version(self, vault: FrozenVault, expected: Any) -> None:
        pass_over(vault, Step.REWRAP)
        pass_over(vault, Step.REINDEX)
        for each in in_the_index(expected):
            record, _ = stored(vault, each)
            for version, key in vault.key_ring().index_keys(each["tenant_id"]).items():
                if is_readable(vault, record):
                    index = macs.blind_index(key, each["tenant_id"], NUMBERS[each["number"]])
                    entries = vault.numbers.index_entries(each["tenant_id"], version, index)
                    assert each["token"] in {entry.token for entry in entries}

    def test_re_encrypted_numbers_read(self, vault: FrozenVault, expected: Any) -> None:
        pass_over(vault, Step.REWRAP)
        before = {each["token"]: stored(vault, each)[1] for each in expected["numbers"]}
        pass_over(vault, Step.RE_ENCRYPT)
        for each in expected["numbers"]:
            record, message = stored(vault, each)
            if each["tenant_id"] in expected["off_boarded"] or not is_readable(vault, record):
                assert message == before[each["token"]]
                continue
            assert message != before[each["token"]]
            assert decrypted(vault, record, message) == each["number"]


def version_at(vault: FrozenVault, path: str) -> WrappedKey:
    """The row of `acme/branch/1`."""
    tenant, use, version = path.split("/")
    row = vault.key_ring_store.keys_of(tenant).version(KeyId(tenant, KeyUse(use), int(version)))
    assert row is not None
    return row


def index_rows(vault: FrozenVault, tenant: str) -> list[WrappedKey]:
    """A tenant's versions of the index."""
    return vault.key_ring_store.keys_of(tenant).of_use(KeyUse.INDEX)


def stored(vault: FrozenVault, each: Any) -> tuple[StoredNumber, bytes]:
    """Record and message."""
    record_id = RecordId(each["tenant_id"], each["token"])
    records, found = vault.numbers.records_and_messages([record_id])
    record = records[record_id]
    assert isinstance(record, StoredNumber)
    return record, found[record_id]


def is_readable(vault: FrozenVault, record: StoredNumber) -> bool:
    """Whether the key that wraps its record key is not destroyed."""
    if record.branch_key_version is None:
        return True
    row = version_at(vault, f"{record.tenant_id}/branch/{record.branch_key_version}")
    return row.state is not KeyState.DESTROYED


def decrypted(vault: FrozenVault, record: StoredNumber, message: bytes) -> str:
    """The number."""
    record_key = vault.record_keys(vault.key_ring(is_a_jobs=True)).unwrap(record)
    number: PhoneNumber = numbers.decrypt_number(message, record_key, record.tenant_id, record.token)
    return number.disclose()


def in_the_index(expected: Any) -> list[Any]:
    """The numbers that stand in it, of tenants that are still there."""
    found = [
        each
        for each in expected["numbers"]
        if each["index_versions"] and each["tenant_id"] not in expected["off_boarded"]
    ]
    assert found
    return found


def look_all_up(vault: FrozenVault, expected: Any) -> None:
    """Every number is found where it is stored, and nowhere else."""
    for tenant in {each["tenant_id"] for each in in_the_index(expected)}:
        for number in NUMBERS:
            matches = vault.call("Lookup", tenant_id=tenant, number=number, purpose="delivery")["matches"]
            wanted = {
                each["token"]: each["subject_id"]
                for each in in_the_index(expected)
                if (each["tenant_id"], each["number"]) == (tenant, number)
            }
            assert {match["token"]: match["subject_id"] for match in matches} == wanted


def protect(vault: FrozenVault, each: Any) -> dict[str, Any]:
    """The same number for the same subject."""
    request = {name: each[name] for name in ("tenant_id", "subject_id", "number")}
    return vault.call("Protect", **request, purposes={"delivery": {}})


def told(answer: dict[str, Any], field: str) -> str:
    """What is answered, or the problem's name."""
    if "problem" in answer:
        return str(answer["problem"]["type"]).removeprefix("urn:phone-vault:problem:")
    return str(answer[field])


def pass_over(vault: FrozenVault, step: Step) -> None:
    """A step of a run of its own, over all shards to their end."""
    latest = vault.runs.latest()
    vault.clock.advance(timedelta(days=1))
    run = Run(f"run-{step}-{vault.clock.now():%Y%m%d}", vault.clock.now(), SHARDS)
    vault.runs.save_run(run, latest)
    job = vault.rewrap() if step is Step.REWRAP else vault.reindex()
    for shard in range(SHARDS):
        while not job(CALLER, {"run_id": run.run_id, "step": str(step), "shard": shard})["done"]:
            pass


def as_told(value: Any, wanted: Any) -> dict[str, Any]:
    """What it says under the names that there were when the set was made."""
    found = {name: getattr(value, name) for name in wanted}
    return {name: moments.to_text(each) if isinstance(each, datetime) else each for name, each in found.items()}
