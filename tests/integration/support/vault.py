"""The vault as an outside caller meets it, with the tables in reach of an attacker."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomli_w

from phone_vault.local import FunctionError, LocalCloud
from tests.integration.support import ledger
from tests.integration.support.corpus import COLLECTED, Corpus
from tests.integration.support.numbers import BRITISH
from tests.integration.support.policy import POLICY
from tests.integration.support.wire import Sent, Wire

TABLES = ("KeyRing", "RecordKeys", "LookupIndex", "Subjects", "Numbers", "AuditTrail", "Operations")
KEYS = {
    "KeyRing": ("tenant_id", "key_version"),
    "RecordKeys": ("record_id",),
    "LookupIndex": ("index_position", "subject_ref"),
    "Subjects": ("subject", "member"),
    "Numbers": ("record_id",),
    "AuditTrail": ("chain", "sequence"),
    "Operations": ("operation_id",),
}

WireItem = dict[str, Any]


class Vault:
    """A `LocalCloud` with an ear at its wire; made by `open_vault`."""

    def __init__(self, cloud: LocalCloud, wire: Wire, corpus: Corpus, policy_file: Path) -> None:
        self.cloud = cloud
        self._policy_file = policy_file
        self.wire = wire
        self.clock = cloud.clock
        self.dynamodb = cloud.client("dynamodb")
        self.kms = cloud.client("kms")
        self.iam = cloud.client("iam")
        self.corpus = corpus
        self._tenants = (f"tenant-{number}" for number in itertools.count(1))

    def tenant(self) -> str:
        """One that nobody has used."""
        return next(self._tenants)

    def invoke(self, function: str, payload: Any, **how: Any) -> Any:
        """As `LocalCloud.invoke`; what comes back is kept for the leak sweep."""
        self.corpus.asked(payload)
        with self.wire.during(function):
            try:
                answer = self.cloud.invoke(function, payload, **how)
            except FunctionError as error:
                self.corpus.heard(f"{error}\n{''.join(error.stack_trace)}")
                raise
        self.corpus.answered(answer)
        return answer

    def invoke_api(self, function: str, event: Any, qualifier: str | None = None) -> Any:
        """By Lambda's own Invoke API, with an event as it stands: (function error or None, payload)."""
        more = {"Qualifier": qualifier} if qualifier else {}
        with self.wire.during(function):
            answer = self.cloud.client("lambda").invoke(
                FunctionName=f"phone-vault-{function}", Payload=json.dumps(event), **more
            )
        payload = json.loads(answer["Payload"].read())
        self.corpus.asked(event)
        self.corpus.answered(payload)
        if "body" in payload:
            self.corpus.answered(json.loads(payload["body"]))
        return answer.get("FunctionError"), payload

    def protect(
        self,
        tenant: str,
        subject: str = "subject-a",
        number: str = BRITISH,
        purposes: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        """Protect, for `account_security` unless told otherwise."""
        return self.invoke(
            "Protect",
            {
                "tenant_id": tenant,
                "subject_id": subject,
                "number": number,
                "purposes": {"account_security": {}} if purposes is None else purposes,
                **more,
            },
        )

    def reveal(self, tenant: str, token: str, purpose: str = "account_security", **more: Any) -> Any:
        return self.invoke("Reveal", {"tenant_id": tenant, "token": token, "purpose": purpose, **more})

    def lookup(self, tenant: str, number: str = BRITISH, purpose: str = "account_security", **more: Any) -> Any:
        return self.invoke("Lookup", {"tenant_id": tenant, "number": number, "purpose": purpose, **more})

    def verify(
        self, tenant: str, token: str, number: str = BRITISH, purpose: str = "account_security", **more: Any
    ) -> Any:
        payload = {"tenant_id": tenant, "token": token, "number": number, "purpose": purpose, **more}
        return self.invoke("Verify", payload)

    def rows(self, table: str, containing: str = "") -> list[WireItem]:
        """All items, or those that have a text in one of their keys."""
        query: dict[str, Any] = {"TableName": self.table(table), "ConsistentRead": True}
        if containing:
            texts = [key for key in KEYS[table] if key != "sequence"]
            query |= {
                "FilterExpression": " OR ".join(f"contains(#{key}, :text)" for key in texts),
                "ExpressionAttributeNames": {f"#{key}": key for key in texts},
                "ExpressionAttributeValues": {":text": {"S": containing}},
            }
        return [item for page in self.dynamodb.get_paginator("scan").paginate(**query) for item in page["Items"]]

    def tables(self, tenant: str) -> dict[str, list[str]]:
        """All that a tenant has, in a form that can be compared; the audit trail and counters of the hour aside."""
        return {
            table: sorted(repr(sorted(row.items())) for row in self.rows(table, tenant))
            for table in TABLES
            if table not in ("AuditTrail", "Operations")
        }

    def put(self, table: str, item: WireItem) -> None:
        self.dynamodb.put_item(TableName=self.table(table), Item=item)

    def delete(self, table: str, item: WireItem) -> None:
        self.dynamodb.delete_item(TableName=self.table(table), Key={key: item[key] for key in KEYS[table]})

    def table(self, name: str) -> str:
        return self.cloud.outputs[f"{name}Table"]

    def entries(self) -> list[dict[str, Any]]:
        """What the audit trail says, chain after chain."""
        rows = sorted(self.rows("AuditTrail"), key=lambda row: (row["chain"]["S"], int(row["sequence"]["N"])))
        return [json.loads(row["entry"]["S"]) for row in rows]

    @contextmanager
    def audited(self) -> Iterator[list[dict[str, Any]]]:
        """The entries that are made meanwhile: those that were sent, as far as they are in the table now."""
        made: list[dict[str, Any]] = []
        with self.wire.recorded() as sent:
            yield made
        keys = {(item["chain"]["S"], int(item["sequence"]["N"])) for item in written(sent, "AuditTrail")}
        for chain, sequence in sorted(keys):
            key = {"chain": {"S": chain}, "sequence": {"N": str(sequence)}}
            row = self.dynamodb.get_item(TableName=self.table("AuditTrail"), Key=key, ConsistentRead=True)
            if "Item" in row:
                made.append(json.loads(row["Item"]["entry"]["S"]))

    @contextmanager
    def sending(self) -> Iterator[list[Sent]]:
        """What goes over the wire meanwhile."""
        with self.wire.recorded() as sent:
            yield sent

    def broken_entries(self) -> list[str]:
        """Where the audit trail is not whole."""
        return ledger.broken_at(self.rows("AuditTrail"), self.rows("KeyRing"), self.kms)

    @contextmanager
    def denied(self, function: str, action: str, resource: str = "*") -> Iterator[None]:
        """The function's role loses a right."""
        role = next(
            each["RoleName"] for each in self.iam.list_roles()["Roles"] if f"{function}Role" in each["RoleName"]
        )
        statement = {"Effect": "Deny", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName=role, PolicyName="Denied", PolicyDocument=document)
        try:
            yield
        finally:
            self.iam.delete_role_policy(RoleName=role, PolicyName="Denied")

    def replace_policy(self, policy: Mapping[str, Any]) -> None:
        """Another policy for the same tables; to the functions it is a deployment."""
        self._policy_file.write_text(tomli_w.dumps(policy))
        self.cloud.restart()

    def collect(self) -> None:
        """Give the sweep all that is left of this vault."""
        for line in self.cloud.logs:
            self.corpus.heard(line)
        for table in TABLES:
            for row in self.rows(table):
                self.corpus.stored(row)
        for sent in self.wire.sent:
            if sent.service == "kms":
                self.corpus.heard(json.dumps(sent.body.get("EncryptionContext", {})))


@contextmanager
def open_vault(policy: Mapping[str, Any] = POLICY, *, swept: bool = True, **more: Any) -> Iterator[Vault]:
    """A vault of its own; when it closes, the leak sweep gets what is left of it, unless `swept` is False."""
    wire, corpus = Wire(), COLLECTED if swept else Corpus()
    with wire.tapped(), TemporaryDirectory() as folder:
        policy_file = Path(folder) / "policy.toml"
        policy_file.write_text(tomli_w.dumps(policy))
        with LocalCloud(policy=policy_file, **more) as cloud:
            vault = Vault(cloud, wire, corpus, policy_file)
            try:
                yield vault
            finally:
                vault.collect()


def writes(sent: Sequence[Sent]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Table and action of everything that these requests write."""
    for each in sent:
        if each.operation == "TransactWriteItems":
            named = (next(iter(item.items())) for item in each.body["TransactItems"])
            actions = [action for kind, action in named if kind != "ConditionCheck"]
        elif each.operation in ("PutItem", "UpdateItem", "DeleteItem"):
            actions = [each.body]
        else:
            actions = []
        for action in actions:
            yield action["TableName"].rpartition("-")[2], action


def written(sent: Sequence[Sent], table: str) -> list[Mapping[str, Any]]:
    """Items that were put into a table."""
    return [action["Item"] for name, action in writes(sent) if name == table and "Item" in action]


def changed(sent: Sequence[Sent]) -> set[str]:
    """The tables that these requests write to, the audit trail and the vault's own audit key aside."""
    return {
        table
        for table, action in writes(sent)
        if table != "AuditTrail" and not (table == "KeyRing" and action["Item"]["tenant_id"] == {"S": "#vault"})
    }


def problem(answer: Mapping[str, Any]) -> str | None:
    """The problem's name, None for an answer."""
    if "problem" not in answer:
        return None
    return str(answer["problem"]["type"]).removeprefix("urn:phone-vault:problem:")
