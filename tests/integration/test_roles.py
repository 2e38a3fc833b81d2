"""Attacks with the stolen credentials of a function's role, by name; test_permissions sweeps over all permissions."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.crypto import macs
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.secret import SecretKey
from tests.integration.support.messages import encrypt
from tests.integration.support.roles import granted, refused, role_client, role_name
from tests.integration.support.tenants import with_tenants
from tests.integration.support.vault import KEYS, TABLES, Vault, WireItem, open_vault
from tests.permissions import applications

FUNCTIONS = applications()
READERS = ("Reveal", "Lookup", "Verify")
VICTIM, DIRECT = "victim", "of-direct-wrapping"
USES = ("branch", "index", "subject", "audit")

every_function = pytest.mark.parametrize("function", FUNCTIONS)
looking_up = pytest.mark.parametrize("function", ["Lookup", "Verify"])


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """With a number and a message of each victim, and an entry of every function in the trail."""
    with open_vault(with_tenants({DIRECT: {"wrapping": "direct"}})) as opened:
        for tenant in (VICTIM, DIRECT):
            opened.protect(tenant)
            encrypt(opened, tenant)
        for function in FUNCTIONS:
            opened.invoke(function, {"tenant_id": VICTIM, "purpose": "astrology"})
        yield opened


Client = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def stolen(vault: Vault) -> Client:
    """A client of a service with the credentials of a function."""
    return cache(partial(role_client, vault))


def key_of(table: str, row: WireItem) -> WireItem:
    return {name: row[name] for name in KEYS[table]}


def record(vault: Vault, tenant: str = VICTIM) -> WireItem:
    """Of a stored number."""
    (row,) = vault.rows("RecordKeys", f"{tenant}#tok_")
    return row


def entry(vault: Vault, function: str) -> WireItem:
    """The first in a chain of a function."""
    return next(row for row in vault.rows("AuditTrail", f"{function}#") if row["chain"]["S"].startswith(function))


def wrapped(vault: Vault, use: str) -> bytes:
    (row,) = [row for row in vault.rows("KeyRing", VICTIM) if row["key_version"]["S"] == f"{use}#1"]
    return bytes(row["wrapped_key"]["B"])


def context(use: str) -> dict[str, str]:
    return {"tenant": VICTIM, "use": use, "version": "1"}


# Keys.


MAY_UNWRAP = {
    "Protect": {"branch", "index", "audit"},
    "Reveal": {"branch", "audit"},
    "Lookup": {"index", "audit"},
    "Verify": {"index", "audit"},
    "Encrypt": {"branch", "subject", "audit"},
    "Decrypt": {"branch", "subject", "audit"},
}


@every_function
def test_a_role_unwraps_the_uses_it_works_with_and_no_other(vault: Vault, stolen: Client, function: str) -> None:
    attempts = {use: {"CiphertextBlob": wrapped(vault, use), "EncryptionContext": context(use)} for use in USES}
    unwrapped = {use for use, decrypt in attempts.items() if not refused(stolen(function, "kms"), "decrypt", decrypt)}
    assert unwrapped == MAY_UNWRAP[function]


LIES: dict[str, dict[str, str]] = {
    "it is an index key": context("index"),
    "it is an audit key": context("audit"),
    "it is a record key": {"tenant": VICTIM, "token": "tok_00000000000000000000"},
    "it is an index key, and more": {**context("index"), "colour": "red"},
    "nothing": {},
}


@looking_up
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_no_lie_about_the_context_unwraps_a_branch_key(
    vault: Vault, stolen: Client, function: str, lie: dict[str, str]
) -> None:
    """Either IAM refuses the words, or KMS finds that they are not what was authenticated."""
    with pytest.raises(ClientError) as error:
        stolen(function, "kms").decrypt(CiphertextBlob=wrapped(vault, "branch"), EncryptionContext=lie)
    assert error.value.response["Error"]["Code"] in ("InvalidCiphertextException", "AccessDeniedException")


@looking_up
@pytest.mark.parametrize("use", ["index", "audit"])
@pytest.mark.parametrize("key", ["KekId", "StorageKeyId"])
def test_a_branch_key_cannot_be_rewrapped_into_what_may_be_unwrapped(
    vault: Vault, stolen: Client, function: str, use: str, key: str
) -> None:
    re_encrypt = {
        "CiphertextBlob": wrapped(vault, "branch"),
        "SourceEncryptionContext": context("branch"),
        "DestinationKeyId": vault.cloud.outputs[key],
        "DestinationEncryptionContext": context(use),
    }
    assert refused(stolen(function, "kms"), "re_encrypt", re_encrypt)


@every_function
@pytest.mark.parametrize("operation", ["generate_data_key", "generate_data_key_without_plaintext"])
def test_kms_makes_no_data_key_for_any_function(vault: Vault, stolen: Client, function: str, operation: str) -> None:
    for key, use in itertools.product(("KekId", "StorageKeyId"), USES):
        generate = {"KeyId": vault.cloud.outputs[key], "KeySpec": "AES_256", "EncryptionContext": context(use)}
        assert refused(stolen(function, "kms"), operation, generate)


@pytest.mark.parametrize("function", [*READERS, "Decrypt"])
@pytest.mark.parametrize("use", ["branch", "index", "subject"])
def test_only_what_stores_wraps_keys_of_a_tenant(vault: Vault, stolen: Client, function: str, use: str) -> None:
    encrypting = {"KeyId": vault.cloud.outputs["KekId"], "Plaintext": b"0" * 32, "EncryptionContext": context(use)}
    assert refused(stolen(function, "kms"), "encrypt", encrypting)


@pytest.mark.parametrize("function", [*READERS, "Decrypt"])
def test_only_what_stores_makes_the_audit_key_of_a_tenant(vault: Vault, stolen: Client, function: str) -> None:
    encrypting = {
        "KeyId": vault.cloud.outputs["StorageKeyId"],
        "Plaintext": b"0" * 32,
        "EncryptionContext": context("audit"),
    }
    assert refused(stolen(function, "kms"), "encrypt", encrypting)


CONTROL: dict[str, dict[str, Any]] = {
    "cancel_key_deletion": {},
    "create_grant": {"GranteePrincipal": "arn:aws:iam::123456789012:root", "Operations": ["Decrypt"]},
    "disable_key": {},
    "disable_key_rotation": {},
    "enable_key": {},
    "put_key_policy": {"PolicyName": "default", "Policy": "{}"},
    "schedule_key_deletion": {"PendingWindowInDays": 7},
}


def controlled(vault: Vault, kms: Any) -> list[str]:
    """What a role can do to a KMS key beside using it."""
    return [
        f"{operation} {key}"
        for key in ("KekId", "StorageKeyId")
        for operation, parameters in CONTROL.items()
        if not refused(kms, operation, {"KeyId": vault.cloud.outputs[key], **parameters})
    ]


@every_function
def test_no_role_controls_a_kms_key(vault: Vault, stolen: Client, function: str) -> None:
    assert not controlled(vault, stolen(function, "kms"))


def test_a_role_that_was_given_all_of_kms_by_mistake_controls_no_key(vault: Vault, stolen: Client) -> None:
    with granted(vault, "Reveal", "kms:*"):
        assert not controlled(vault, stolen("Reveal", "kms"))


@looking_up
def test_a_role_that_was_given_all_of_kms_by_mistake_unwraps_no_key_without_a_context(
    vault: Vault, stolen: Client, function: str
) -> None:
    """The key policy asks for one, whatever the role's own says."""
    kek = {"KeyId": vault.cloud.outputs["KekId"]}
    blob = vault.kms.encrypt(**kek, Plaintext=b"0" * 32)["CiphertextBlob"]
    with granted(vault, function, "kms:*"):
        assert refused(stolen(function, "kms"), "decrypt", {"CiphertextBlob": blob})


# Tables.


def ways_to_delete(vault: Vault, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of a row, or of one that there might be, and of all."""
    name, rows = vault.table(table), vault.rows(table)
    key = key_of(table, rows[0]) if rows else {KEYS[table][0]: {"S": "some"}}
    yield "delete_item", {"TableName": name, "Key": key}
    yield "transact_write_items", {"TransactItems": [{"Delete": {"TableName": name, "Key": key}}]}
    yield "batch_write_item", {"RequestItems": {name: [{"DeleteRequest": {"Key": key}}]}}
    yield "execute_statement", {"Statement": f'DELETE FROM "{name}" WHERE {KEYS[table][0]} = ?'}
    yield "delete_table", {"TableName": name}


@every_function
def test_no_role_deletes(vault: Vault, stolen: Client, function: str) -> None:
    ways = [way for table in TABLES for way in ways_to_delete(vault, table)]
    assert all(refused(stolen(function, "dynamodb"), operation, request) for operation, request in ways)


@every_function
def test_no_role_lists_what_a_table_has(vault: Vault, stolen: Client, function: str) -> None:
    for name in map(vault.table, TABLES):
        assert refused(stolen(function, "dynamodb"), "scan", {"TableName": name})
        assert refused(stolen(function, "dynamodb"), "execute_statement", {"Statement": f'SELECT * FROM "{name}"'})


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if each != "Reveal"])
def test_only_reveal_reads_messages(vault: Vault, stolen: Client, function: str) -> None:
    dynamodb, name = stolen(function, "dynamodb"), vault.table("Numbers")
    key = {"record_id": record(vault)["record_id"]}
    assert refused(dynamodb, "get_item", {"TableName": name, "Key": key})
    assert refused(dynamodb, "batch_get_item", {"RequestItems": {name: {"Keys": [key]}}})
    assert refused(dynamodb, "transact_get_items", {"TransactItems": [{"Get": {"TableName": name, "Key": key}}]})


def ways_to_write(vault: Vault, table: str, row: WireItem) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every way to overwrite a row."""
    name = vault.table(table)
    yield "put_item", {"TableName": name, "Item": row}
    yield "transact_write_items", {"TransactItems": [{"Put": {"TableName": name, "Item": row}}]}
    yield "batch_write_item", {"RequestItems": {name: [{"PutRequest": {"Item": row}}]}}
    update = {
        "TableName": name,
        "Key": key_of(table, row),
        "UpdateExpression": "SET wrapped_key = :value",
        "ExpressionAttributeValues": {":value": {"B": b"x"}},
    }
    yield "update_item", update
    yield "transact_write_items", {"TransactItems": [{"Update": update}]}
    yield "execute_statement", {"Statement": f"INSERT INTO \"{name}\" VALUE {{'{KEYS[table][0]}': 'x'}}"}
    yield "execute_statement", {"Statement": f'UPDATE "{name}" SET wrapped_key = ? WHERE {KEYS[table][0]} = ?'}


@pytest.mark.parametrize("function", READERS)
@pytest.mark.parametrize("table", ["Numbers", "RecordKeys", "LookupIndex", "Subjects"])
def test_a_role_that_reads_numbers_writes_none(vault: Vault, stolen: Client, function: str, table: str) -> None:
    """For Reveal and RecordKeys this means every attribute but the last use and the revision."""
    ways = ways_to_write(vault, table, vault.rows(table)[0])
    assert all(refused(stolen(function, "dynamodb"), operation, request) for operation, request in ways)


@pytest.mark.parametrize("function", [*READERS, "Decrypt"])
def test_a_role_that_stores_nothing_writes_no_row_of_a_tenant_into_the_key_ring(
    vault: Vault, stolen: Client, function: str
) -> None:
    dynamodb, row = stolen(function, "dynamodb"), vault.rows("KeyRing", VICTIM)[0]
    assert all(refused(dynamodb, operation, request) for operation, request in ways_to_write(vault, "KeyRing", row))


def last_use(vault: Vault, attributes: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """What Reveal writes, and other attributes beside it."""
    names = {"#used": "last_used", **(attributes or {})}
    return {
        "TableName": vault.table("RecordKeys"),
        "Key": key_of("RecordKeys", record(vault)),
        "UpdateExpression": "SET " + ", ".join(f"{name} = :used" for name in names),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {":used": {"M": {}}},
        **more,
    }


def test_reveal_may_note_a_last_use(vault: Vault, stolen: Client) -> None:
    """The proof that the refusals around it are not of everything."""
    assert not refused(stolen("Reveal", "dynamodb"), "update_item", last_use(vault))


@pytest.mark.parametrize("attribute", ["purposes", "due", "subject_id", "jurisdictions", "wrapped_key"])
def test_reveal_smuggles_no_other_attribute_beside_the_last_use(vault: Vault, stolen: Client, attribute: str) -> None:
    update = last_use(vault, {"#other": attribute})
    assert refused(stolen("Reveal", "dynamodb"), "update_item", update)


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if each != "Lookup"])
def test_only_lookup_asks_the_index_who_has_a_number(vault: Vault, stolen: Client, function: str) -> None:
    query = {
        "TableName": vault.table("LookupIndex"),
        "KeyConditionExpression": "index_position = :position",
        "ExpressionAttributeValues": {":position": vault.rows("LookupIndex", VICTIM)[0]["index_position"]},
    }
    assert refused(stolen(function, "dynamodb"), "query", query)


@every_function
def test_no_role_reads_operations(vault: Vault, stolen: Client, function: str) -> None:
    """It counts in rows of its own name; what comes back is the count."""
    name = vault.table("Operations")
    key = {"operation_id": {"S": f"quota#{function}#direct#2026-01-01T00"}}
    other = {"operation_id": {"S": "plan#1"}}
    query = {"KeyConditionExpression": "operation_id = :id", "ExpressionAttributeValues": {":id": key["operation_id"]}}
    count = {"UpdateExpression": "ADD used :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    attacks: list[tuple[str, dict[str, Any]]] = [
        ("get_item", {"TableName": name, "Key": key}),
        ("batch_get_item", {"RequestItems": {name: {"Keys": [key]}}}),
        ("transact_get_items", {"TransactItems": [{"Get": {"TableName": name, "Key": key}}]}),
        ("query", {"TableName": name, **query}),
        ("put_item", {"TableName": name, "Item": key, "ReturnValues": "ALL_OLD"}),
        ("update_item", {"TableName": name, "Key": key, **count, "ReturnValues": "ALL_NEW"}),
        ("update_item", {"TableName": name, "Key": key, **count, "ReturnValues": "ALL_OLD"}),
        ("update_item", {"TableName": name, "Key": other, **count, "ReturnValues": "UPDATED_NEW"}),
    ]
    assert all(refused(stolen(function, "dynamodb"), operation, request) for operation, request in attacks)


# The audit trail.


@every_function
def test_a_role_writes_into_no_chain_of_another_function(vault: Vault, stolen: Client, function: str) -> None:
    dynamodb, name = stolen(function, "dynamodb"), vault.table("AuditTrail")
    for other in {*FUNCTIONS, "SealAudit", function.lower(), f"{function}2"} - {function}:
        put = {"TableName": name, "Item": {"chain": {"S": f"{other}#forged"}, "sequence": {"N": "1"}}}
        assert refused(dynamodb, "put_item", put)
        assert refused(dynamodb, "transact_write_items", {"TransactItems": [{"Put": put}]})


@every_function
def test_no_role_reads_the_trail(vault: Vault, stolen: Client, function: str) -> None:
    dynamodb, name, row = stolen(function, "dynamodb"), vault.table("AuditTrail"), entry(vault, function)
    key = key_of("AuditTrail", row)
    chain = {"KeyConditionExpression": "chain = :chain", "ExpressionAttributeValues": {":chain": row["chain"]}}
    assert refused(dynamodb, "get_item", {"TableName": name, "Key": key})
    assert refused(dynamodb, "batch_get_item", {"RequestItems": {name: {"Keys": [key]}}})
    assert refused(dynamodb, "query", {"TableName": name, **chain})


def ways_to_change(vault: Vault, row: WireItem) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every way to change or delete an entry, and to be rid of all, but for putting another one in its place."""
    name, key = vault.table("AuditTrail"), key_of("AuditTrail", row)
    update = {
        "TableName": name,
        "Key": key,
        "UpdateExpression": "SET entry = :entry",
        "ExpressionAttributeValues": {":entry": {"S": "{}"}},
    }
    place = "WHERE chain = ? AND sequence = ?"
    deleting, updating = f'DELETE FROM "{name}" {place}', f"UPDATE \"{name}\" SET entry = '' {place}"
    yield "delete_item", {"TableName": name, "Key": key}
    yield "update_item", update
    yield "transact_write_items", {"TransactItems": [{"Delete": {"TableName": name, "Key": key}}]}
    yield "transact_write_items", {"TransactItems": [{"Update": update}]}
    yield "batch_write_item", {"RequestItems": {name: [{"DeleteRequest": {"Key": key}}]}}
    yield "batch_write_item", {"RequestItems": {name: [{"PutRequest": {"Item": row}}]}}
    for statement in (deleting, updating):
        yield "execute_statement", {"Statement": statement}
        yield "batch_execute_statement", {"Statements": [{"Statement": statement}]}
        yield "execute_transaction", {"TransactStatements": [{"Statement": statement}]}
    yield "delete_table", {"TableName": name}


@every_function
def test_a_role_changes_and_deletes_no_entry_of_its_own_chains(vault: Vault, stolen: Client, function: str) -> None:
    dynamodb = stolen(function, "dynamodb")
    ways = ways_to_change(vault, entry(vault, function))
    assert all(refused(dynamodb, operation, request) for operation, request in ways)


def test_a_role_that_may_do_everything_changes_and_deletes_no_entry(vault: Vault, stolen: Client) -> None:
    """The table's own policy denies it to all."""
    with granted(vault, "Reveal", "*"):
        dynamodb = stolen("Reveal", "dynamodb")
        allowed = [
            operation
            for operation, request in ways_to_change(vault, entry(vault, "Reveal"))
            if not refused(dynamodb, operation, request)
        ]
    assert not allowed


def test_a_role_that_may_do_everything_still_appends(vault: Vault, stolen: Client) -> None:
    item = {"chain": {"S": "Attacker#1"}, "sequence": {"N": "1"}}
    with granted(vault, "Reveal", "*"):
        put = {"TableName": vault.table("AuditTrail"), "Item": item}
        assert not refused(stolen("Reveal", "dynamodb"), "put_item", put)
    vault.delete("AuditTrail", item)


# Other functions, policies, code.


@every_function
def test_no_role_changes_a_policy_or_a_function_or_becomes_another(vault: Vault, stolen: Client, function: str) -> None:
    own, name = role_name(vault, function), f"phone-vault-{function}"
    another = role_name(vault, "Reveal" if function != "Reveal" else "Protect")
    lambda_role = f"arn:aws:iam::123456789012:role/phone-vault/functions/{another}"
    attacks: list[tuple[str, str, dict[str, Any]]] = [
        ("iam", "put_role_policy", {"RoleName": own, "PolicyName": "more", "PolicyDocument": "{}"}),
        ("iam", "attach_role_policy", {"RoleName": own, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("iam", "update_assume_role_policy", {"RoleName": another, "PolicyDocument": "{}"}),
        ("lambda", "update_function_code", {"FunctionName": name, "ZipFile": b"code"}),
        ("lambda", "update_function_configuration", {"FunctionName": name, "Role": lambda_role}),
        ("lambda", "create_alias", {"FunctionName": name, "Name": "mine", "FunctionVersion": "1"}),
        ("lambda", "invoke", {"FunctionName": "phone-vault-Reveal", "Qualifier": "http", "Payload": b"{}"}),
        ("s3", "put_object", {"Bucket": "phone-vault-artifacts", "Key": "functions.zip", "Body": b"code"}),
        ("sts", "assume_role", {"RoleArn": lambda_role, "RoleSessionName": "another"}),
        ("cloudformation", "update_stack", {"StackName": "phone-vault", "UsePreviousTemplate": True}),
        ("dynamodb", "put_resource_policy", {"ResourceArn": trail_arn(vault), "Policy": "{}"}),
        ("dynamodb", "delete_resource_policy", {"ResourceArn": trail_arn(vault)}),
    ]
    allowed = [
        f"{service}:{operation}"
        for service, operation, parameters in attacks
        if not refused(stolen(function, service), operation, parameters)
    ]
    assert not allowed


def trail_arn(vault: Vault) -> str:
    return f"arn:aws:dynamodb:eu-west-1:123456789012:table/{vault.table('AuditTrail')}"


# What IAM cannot refuse. These are limits of the design: decisions.md says what follows from them.


def test_iam_cannot_tell_an_overwriting_put_from_a_new_entry_but_the_chain_shows_it(
    vault: Vault, stolen: Client
) -> None:
    row = entry(vault, "Verify")
    forged = {**row, "entry": {"S": row["entry"]["S"].replace("refused", "matched")}}
    put = {"TableName": vault.table("AuditTrail"), "Item": forged}
    assert not refused(stolen("Verify", "dynamodb"), "put_item", put)
    assert f"{row['chain']['S']}/{row['sequence']['N']}" in vault.broken_entries()
    vault.put("AuditTrail", row)


def test_iam_cannot_keep_a_role_that_puts_a_row_from_reading_it_by_a_condition_that_fails(
    vault: Vault, stolen: Client
) -> None:
    """Protect unwraps branch keys: whoever has its credentials, and a token, has the number."""
    key = {"record_id": record(vault)["record_id"]}
    with pytest.raises(ClientError) as failed:
        stolen("Protect", "dynamodb").put_item(
            TableName=vault.table("Numbers"),
            Item=key,
            ConditionExpression="attribute_not_exists(record_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    response: Mapping[str, Any] = failed.value.response
    assert "message" in response["Item"]


def test_what_protect_reads_so_of_a_direct_tenant_it_cannot_decrypt(vault: Vault, stolen: Client) -> None:
    row = record(vault, DIRECT)
    decrypt = {
        "CiphertextBlob": row["wrapped_key"]["B"],
        "EncryptionContext": {"tenant": DIRECT, "token": row["record_id"]["S"].partition("#")[2]},
    }
    assert refused(stolen("Protect", "kms"), "decrypt", decrypt)


@looking_up
def test_iam_cannot_keep_who_looks_up_from_trying_numbers_offline(vault: Vault, stolen: Client, function: str) -> None:
    """The index key and the row of a token that it is told are all that a guess needs, and there are 10^10 guesses."""
    key = {"record_id": record(vault)["record_id"]}
    name = vault.table("RecordKeys")
    (row,) = stolen(function, "dynamodb").batch_get_item(RequestItems={name: {"Keys": [key]}})["Responses"][name]
    unwrapped = stolen(function, "kms").decrypt(
        CiphertextBlob=wrapped(vault, "index"), EncryptionContext=context("index")
    )["Plaintext"]
    guess = PhoneNumber("44", "7400123456")
    assert macs.blind_index(SecretKey(unwrapped[:32]), VICTIM, guess) in binary_values(row)


def binary_values(node: Any) -> set[bytes]:
    """All that a wire item holds, however deep."""
    if isinstance(node, bytes):
        return {node}
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return {found for each in values for found in binary_values(each)}
