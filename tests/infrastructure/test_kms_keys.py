"""Who may do what with the KMS keys."""

import re

import pytest

from tests.infrastructure.templates import (
    ACCOUNT,
    ADMINISTRATOR,
    Template,
    listed,
    of_type,
    resolve,
    translation,
)

KEYS = of_type("data", "AWS::KMS::Key")
ROOT_OF_THE_ACCOUNT = f"arn:aws:iam::{ACCOUNT}:root"
OF_A_FUNCTION = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/phone-vault/functions/*"}}
USES = {"kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
CONTROL = {
    "kms:CancelKeyDeletion",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
}

ABOUT_THE_KEY = {
    "CreateAlias",
    "DeleteAlias",
    "EnableKeyRotation",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
}
"""What labels a key, or makes it rotate."""

ENCRYPTING = {name: key for name, key in KEYS.items() if key["Properties"].get("KeyUsage") is None}
every_key = pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
every_encrypting_key = pytest.mark.parametrize("key", ENCRYPTING.values(), ids=ENCRYPTING)


def test_all_keys_but_that_of_receipts_encrypt() -> None:
    assert KEYS.keys() - ENCRYPTING.keys() == {"Receipt"}


def statements(key: Template, effect: str) -> list[Template]:
    policy = resolve(key["Properties"]["KeyPolicy"])
    return [statement for statement in policy["Statement"] if statement["Effect"] == effect]


def allowed_to(key: Template, *actions: str) -> list[Template]:
    return [s for s in statements(key, "Allow") if set(actions) & set(listed(s["Action"]))]


@every_encrypting_key
def test_a_key_rotates_every_year(key: Template) -> None:
    properties = key["Properties"]
    assert (properties["EnableKeyRotation"], properties["RotationPeriodInDays"]) == (True, 365)


@every_key
def test_a_key_waits_as_long_as_kms_allows_before_it_is_deleted(key: Template) -> None:
    assert key["Properties"]["PendingWindowInDays"] == 30


@every_key
def test_a_key_survives_its_stack(key: Template) -> None:
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")


@every_key
def test_only_the_named_administrator_controls_a_key(key: Template) -> None:
    assert [s["Principal"] for s in allowed_to(key, *CONTROL, "kms:DisableKeyRotation")] == [{"AWS": ADMINISTRATOR}]


@every_key
def test_without_a_named_administrator_the_account_decides(key: Template) -> None:
    control = next(s for s in key["Properties"]["KeyPolicy"]["Statement"] if s["Sid"] == "AdministratorControls")
    condition, _, otherwise = control["Principal"]["AWS"]["Fn::If"]
    assert (condition, resolve(otherwise)) == ("HasKeyAdministrator", ROOT_OF_THE_ACCOUNT)


@every_key
def test_the_lockout_check_is_bypassed_only_for_a_named_administrator(key: Template) -> None:
    assert key["Properties"]["BypassPolicyLockoutSafetyCheck"] == {"Fn::If": ["HasKeyAdministrator", True, False]}


@every_key
def test_a_key_denies_control_to_every_function(key: Template) -> None:
    (denial,) = statements(key, "Deny")
    assert set(denial["Action"]) >= CONTROL | {"kms:CreateGrant"}
    assert denial["Principal"] == {"AWS": "*"}
    assert denial["Condition"] == OF_A_FUNCTION


@every_key
def test_the_administrator_ends_and_rules_a_key_and_does_not_use_it(key: Template) -> None:
    (control,) = (s for s in statements(key, "Allow") if s["Principal"] == {"AWS": ADMINISTRATOR})
    assert set(control["Action"]) - {"kms:DisableKeyRotation", "kms:RotateKeyOnDemand"} == CONTROL


@every_encrypting_key
def test_the_administrator_rotates_a_key_and_no_function_keeps_it_from_rotating(key: Template) -> None:
    (control,) = (s for s in statements(key, "Allow") if s["Principal"] == {"AWS": ADMINISTRATOR})
    assert set(control["Action"]) >= {"kms:DisableKeyRotation", "kms:RotateKeyOnDemand"}
    (denial,) = statements(key, "Deny")
    assert "kms:DisableKeyRotation" in denial["Action"]


@every_key
def test_what_the_account_may_do_without_a_condition_neither_uses_nor_rules_a_key(key: Template) -> None:
    open_to_iam = {
        action
        for statement in statements(key, "Allow")
        if statement["Principal"] == {"AWS": ROOT_OF_THE_ACCOUNT} and "Condition" not in statement
        for action in statement["Action"]
    }
    names = {action.removeprefix("kms:") for action in open_to_iam}
    assert {re.match("[A-Z][a-z]+", name)[0] for name in names - ABOUT_THE_KEY} == {"Describe", "Get", "List"}  # type: ignore[index]


@every_key
def test_a_key_policy_names_every_action(key: Template) -> None:
    actions = [a for s in key["Properties"]["KeyPolicy"]["Statement"] for a in listed(s["Action"])]
    assert not [action for action in actions if "*" in action]


@every_key
def test_a_key_is_never_open_to_everyone(key: Template) -> None:
    principals = [value for s in statements(key, "Allow") for value in s["Principal"].values()]
    assert set(principals) <= {ADMINISTRATOR, ROOT_OF_THE_ACCOUNT, "logs.eu-west-1.amazonaws.com"}


@every_key
def test_a_key_has_an_alias_after_the_vault(key: Template) -> None:
    name = next(logical_id for logical_id, value in KEYS.items() if value is key)
    alias = translation("data")["Resources"][f"{name}Alias"]["Properties"]
    assert resolve(alias["AliasName"]) == f"alias/phone-vault-{name.lower()}"
    assert alias["TargetKeyId"] == {"Ref": name}


def test_the_kek_is_used_only_for_rows_of_the_key_ring_and_for_record_keys() -> None:
    rows, record_keys = (s["Condition"] for s in allowed_to(KEYS["Kek"], *USES))
    assert rows == {"Null": {f"kms:EncryptionContext:{name}": "false" for name in ("tenant", "use", "version")}}
    assert record_keys == {
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["tenant", "token"]},
        "Null": {f"kms:EncryptionContext:{name}": "false" for name in ("tenant", "token")},
    }


@pytest.mark.parametrize("key", [KEYS["Kek"], KEYS["Storage"]], ids=["Kek", "Storage"])
def test_whoever_wraps_and_unwraps_under_a_context_may_be_let_move_what_is_wrapped_too(key: Template) -> None:
    ours = [s for s in allowed_to(key, *USES) if "kms:ViaService" not in str(s) and "Service" not in s["Principal"]]
    assert ours
    assert all(set(statement["Action"]) == USES for statement in ours)


def test_new_material_of_the_kek_is_for_its_administrator_and_for_roles_of_functions() -> None:
    administrator, functions = allowed_to(KEYS["Kek"], "kms:RotateKeyOnDemand")
    assert administrator["Principal"] == {"AWS": ADMINISTRATOR}
    assert functions["Action"] == "kms:RotateKeyOnDemand"
    assert functions["Condition"] == OF_A_FUNCTION


def test_new_material_of_the_storage_key_is_for_its_administrator_alone() -> None:
    assert [s["Principal"] for s in allowed_to(KEYS["Storage"], "kms:RotateKeyOnDemand")] == [{"AWS": ADMINISTRATOR}]


def test_nobody_may_make_a_grant_on_the_kek() -> None:
    assert not allowed_to(KEYS["Kek"], "kms:CreateGrant")


def test_the_kek_makes_no_data_keys() -> None:
    assert not allowed_to(KEYS["Kek"], "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext")


def test_the_storage_key_is_used_for_audit_keys_by_dynamodb_and_by_our_log_groups_only() -> None:
    conditions = [s["Condition"] for s in allowed_to(KEYS["Storage"], "kms:Decrypt")]
    logs = [
        f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{prefix}/phone-vault-*"
        for prefix in ("/aws/lambda", "/aws/vendedlogs/states")
    ]
    assert conditions == [
        {"StringEquals": {"kms:EncryptionContext:use": "audit"}},
        {
            "StringEquals": {
                "kms:CallerAccount": ACCOUNT,
                "kms:ViaService": "dynamodb.eu-west-1.amazonaws.com",
            }
        },
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
    ]


def test_the_receipt_key_signs_by_ecdsa_over_p_256() -> None:
    properties = KEYS["Receipt"]["Properties"]
    assert (properties["KeySpec"], properties["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")


def test_only_functions_sign_receipts() -> None:
    (signing,) = allowed_to(KEYS["Receipt"], "kms:Sign")
    assert signing["Condition"] == {
        "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/phone-vault/functions/*"}
    }


def test_the_receipt_key_does_nothing_but_sign_and_show_its_public_key() -> None:
    uses = {"Decrypt", "DeriveSharedSecret", "Encrypt", "GetPublicKey", "Sign", "Verify"}
    allowed = {action for s in statements(KEYS["Receipt"], "Allow") for action in listed(s["Action"])}
    assert allowed & {f"kms:{use}" for use in uses} == {"kms:GetPublicKey", "kms:Sign"}
