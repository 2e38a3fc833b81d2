"""What each function's role may not do, tried with the role's real credentials."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.support.vault import KEYS, TABLES, Vault

FUNCTIONS = ("Protect", "Reveal", "Lookup", "Verify")
TENANT = "victim"


@pytest.fixture(scope="module")
def token(vault: Vault) -> str:
    return str(vault.protect(TENANT)["token"])


@pytest.fixture(scope="module")
def client(vault: Vault) -> Callable[[str, str], Any]:
    """A client with the credentials that a function has."""

    def of_role(function: str, service: str) -> Any:
        (role,) = [each for each in vault.iam.list_roles()["Roles"] if f"{function}Role" in each["RoleName"]]
        credentials = vault.cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="attacker")[
            "Credentials"
        ]
        return vault.cloud.client(
            service,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    return of_role


Client = Callable[[str, str], Any]


def refused(call: Callable[..., Any], **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"] == "AccessDeniedException"
    return False


def wrapped(vault: Vault, use: str, tenant: str = TENANT) -> bytes:
    (row,) = [row for row in vault.rows("KeyRing", tenant) if row["key_version"]["S"] == f"{use}#1"]
    return bytes(row["wrapped_key"]["B"])


def context(use: str, tenant: str = TENANT) -> dict[str, str]:
    return {"tenant": tenant, "use": use, "version": "1"}


MAY_UNWRAP = {
    "Protect": {"branch", "index", "audit"},
    "Reveal": {"branch", "audit"},
    "Lookup": {"index", "audit"},
    "Verify": {"index", "audit"},
}


@pytest.mark.parametrize(
    ("function", "use"), list(itertools.product(FUNCTIONS, ["branch", "index", "subject", "audit"]))
)
def test_a_role_unwraps_the_uses_it_works_with_and_no_other(
    vault: Vault, client: Client, token: str, function: str, use: str
) -> None:
    kms = client(function, "kms")
    denied = refused(kms.decrypt, CiphertextBlob=wrapped(vault, use), EncryptionContext=context(use))
    assert denied is (use not in MAY_UNWRAP[function])


@pytest.mark.parametrize("function", ["Lookup", "Verify"])
@pytest.mark.parametrize("disguise", ["index", "audit"])
def test_a_branch_key_cannot_be_unwrapped_under_the_name_of_a_permitted_use(
    vault: Vault, client: Client, token: str, function: str, disguise: str
) -> None:
    kms = client(function, "kms")
    with pytest.raises(ClientError) as error:
        kms.decrypt(CiphertextBlob=wrapped(vault, "branch"), EncryptionContext=context(disguise))
    assert error.value.response["Error"]["Code"] in ("InvalidCiphertextException", "AccessDeniedException")


@pytest.mark.parametrize("function", ["Lookup", "Verify"])
def test_a_branch_key_cannot_be_unwrapped_without_any_context(
    vault: Vault, client: Client, token: str, function: str
) -> None:
    assert refused(client(function, "kms").decrypt, CiphertextBlob=wrapped(vault, "branch"))


@pytest.mark.parametrize("function", ["Lookup", "Verify"])
def test_a_branch_key_cannot_be_rewrapped_into_a_permitted_use(
    vault: Vault, client: Client, token: str, function: str
) -> None:
    assert refused(
        client(function, "kms").re_encrypt,
        CiphertextBlob=wrapped(vault, "branch"),
        SourceEncryptionContext=context("branch"),
        DestinationKeyId=vault.cloud.outputs["KekId"],
        DestinationEncryptionContext=context("index"),
    )


@pytest.mark.parametrize("function", ["Reveal", "Lookup", "Verify"])
@pytest.mark.parametrize("use", ["branch", "index", "subject"])
def test_only_protect_wraps_keys(vault: Vault, client: Client, token: str, function: str, use: str) -> None:
    kek = vault.cloud.outputs["KekId"]
    kms = client(function, "kms")
    assert refused(kms.encrypt, KeyId=kek, Plaintext=b"0" * 32, EncryptionContext=context(use))


@pytest.mark.parametrize("function", ["Reveal", "Lookup", "Verify"])
def test_other_roles_make_no_audit_key_of_a_tenant(vault: Vault, client: Client, token: str, function: str) -> None:
    kms, storage = client(function, "kms"), vault.cloud.outputs["StorageKeyId"]
    assert refused(kms.encrypt, KeyId=storage, Plaintext=b"0" * 32, EncryptionContext=context("audit"))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("operation", ["disable_key", "enable_key", "schedule_key_deletion", "cancel_key_deletion"])
@pytest.mark.parametrize("key", ["KekId", "StorageKeyId"])
def test_no_role_controls_a_kms_key(
    vault: Vault, client: Client, token: str, function: str, operation: str, key: str
) -> None:
    assert refused(getattr(client(function, "kms"), operation), KeyId=vault.cloud.outputs[key])


@pytest.mark.parametrize(("function", "table"), list(itertools.product(FUNCTIONS, TABLES)))
def test_no_role_can_delete_anything(vault: Vault, client: Client, token: str, function: str, table: str) -> None:
    dynamodb = client(function, "dynamodb")
    row = vault.rows(table)[0]
    key = {name: row[name] for name in KEYS[table]}
    name = vault.table(table)
    assert refused(dynamodb.delete_item, TableName=name, Key=key)
    assert refused(dynamodb.transact_write_items, TransactItems=[{"Delete": {"TableName": name, "Key": key}}])
    assert refused(dynamodb.batch_write_item, RequestItems={name: [{"DeleteRequest": {"Key": key}}]})
    assert refused(dynamodb.delete_table, TableName=name)


@pytest.mark.parametrize(("function", "table"), list(itertools.product(FUNCTIONS, TABLES)))
def test_no_role_can_scan(vault: Vault, client: Client, token: str, function: str, table: str) -> None:
    assert refused(client(function, "dynamodb").scan, TableName=vault.table(table))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_reads_the_trail(vault: Vault, client: Client, token: str, function: str) -> None:
    dynamodb, row = client(function, "dynamodb"), vault.rows("AuditTrail")[0]
    key = {name: row[name] for name in KEYS["AuditTrail"]}
    assert refused(dynamodb.get_item, TableName=vault.table("AuditTrail"), Key=key)
    assert refused(dynamodb.batch_get_item, RequestItems={vault.table("AuditTrail"): {"Keys": [key]}})


def writing(vault: Vault, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every way to overwrite the first row of a table."""
    row, name = vault.rows(table)[0], vault.table(table)
    yield "put_item", {"TableName": name, "Item": row}
    yield "transact_write_items", {"TransactItems": [{"Put": {"TableName": name, "Item": row}}]}
    yield "batch_write_item", {"RequestItems": {name: [{"PutRequest": {"Item": row}}]}}
    update = {
        "TableName": name,
        "Key": {key: row[key] for key in KEYS[table]},
        "UpdateExpression": "SET wrapped_key = :value",
        "ExpressionAttributeValues": {":value": {"B": b"x"}},
    }
    yield "update_item", update
    yield "transact_write_items", {"TransactItems": [{"Update": update}]}


READ_ONLY = [
    ("Reveal", "Numbers"),
    ("Reveal", "RecordKeys"),
    ("Reveal", "LookupIndex"),
    ("Reveal", "Subjects"),
    *list(itertools.product(("Lookup", "Verify"), ("Numbers", "RecordKeys", "LookupIndex", "Subjects"))),
]


@pytest.mark.parametrize(("function", "table"), READ_ONLY)
def test_a_role_that_only_reads_numbers_cannot_write_them(
    vault: Vault, client: Client, token: str, function: str, table: str
) -> None:
    """For Reveal and RecordKeys this includes every attribute but the last use and the revision."""
    dynamodb = client(function, "dynamodb")
    assert all(refused(getattr(dynamodb, operation), **request) for operation, request in writing(vault, table))


def test_reveal_may_note_a_last_use(vault: Vault, client: Client, token: str) -> None:
    """The proof that the refusals above are not of everything."""
    client("Reveal", "dynamodb").update_item(
        TableName=vault.table("RecordKeys"),
        Key={"record_id": {"S": f"{TENANT}#{token}"}},
        UpdateExpression="SET last_used = :used",
        ExpressionAttributeValues={":used": {"M": {}}},
    )


@pytest.mark.parametrize("attribute", ["purposes", "due", "subject_id", "jurisdictions"])
def test_reveal_cannot_smuggle_another_attribute_beside_the_last_use(
    vault: Vault, client: Client, token: str, attribute: str
) -> None:
    assert refused(
        client("Reveal", "dynamodb").update_item,
        TableName=vault.table("RecordKeys"),
        Key={"record_id": {"S": f"{TENANT}#{token}"}},
        UpdateExpression="SET last_used = :used, #other = :used",
        ExpressionAttributeNames={"#other": attribute},
        ExpressionAttributeValues={":used": {"M": {}}},
    )


@pytest.mark.parametrize("function", ["Lookup", "Verify", "Protect"])
def test_only_reveal_reads_messages(vault: Vault, client: Client, token: str, function: str) -> None:
    dynamodb, key = client(function, "dynamodb"), {"record_id": {"S": f"{TENANT}#{token}"}}
    name = vault.table("Numbers")
    assert refused(dynamodb.get_item, TableName=name, Key=key)
    assert refused(dynamodb.batch_get_item, RequestItems={name: {"Keys": [key]}})
    assert refused(dynamodb.transact_get_items, TransactItems=[{"Get": {"TableName": name, "Key": key}}])


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Verify"])
def test_only_lookup_queries_the_index(vault: Vault, client: Client, token: str, function: str) -> None:
    position = vault.rows("LookupIndex", TENANT)[0]["index_position"]
    assert refused(
        client(function, "dynamodb").query,
        TableName=vault.table("LookupIndex"),
        KeyConditionExpression="index_position = :position",
        ExpressionAttributeValues={":position": position},
    )


@pytest.mark.parametrize(("function", "other"), list(itertools.permutations(FUNCTIONS, 2)))
def test_a_role_cannot_write_into_another_functions_chain(
    vault: Vault, client: Client, token: str, function: str, other: str
) -> None:
    item = {"chain": {"S": f"{other}#forged"}, "sequence": {"N": "1"}}
    name = vault.table("AuditTrail")
    dynamodb = client(function, "dynamodb")
    assert refused(dynamodb.put_item, TableName=name, Item=item)
    assert refused(dynamodb.transact_write_items, TransactItems=[{"Put": {"TableName": name, "Item": item}}])


@pytest.mark.parametrize("function", ["Reveal", "Lookup", "Verify"])
def test_other_roles_put_no_row_of_a_tenant_into_the_key_ring(
    vault: Vault, client: Client, token: str, function: str
) -> None:
    row = vault.rows("KeyRing", TENANT)[0]
    assert refused(client(function, "dynamodb").put_item, TableName=vault.table("KeyRing"), Item=row)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_reaches_other_services(vault: Vault, client: Client, token: str, function: str) -> None:
    for service, operation in (
        ("iam", "list_roles"),
        ("lambda", "list_functions"),
        ("s3", "list_buckets"),
        ("logs", "describe_log_groups"),
    ):
        with pytest.raises(Exception, match=r"AccessDenied|nobody has derived"):
            getattr(client(function, service), operation)()
