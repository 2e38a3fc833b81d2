"""What each function's role may do, and what none may."""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest

from phone_vault.crypto.macs import subject_ref
from phone_vault.domain.secret import SecretKey
from tests.infrastructure.roles import ROLES, Grant, grants
from tests.infrastructure.templates import (
    ACCOUNT,
    DEAD_LETTERS,
    DEPLOYED,
    FUNCTIONS,
    JOBS,
    KMS_KEYS,
    OF_PURGES,
    RIGHTS,
    TABLES,
    TEMPLATE_OF,
    TENANT_KEY,
    Template,
    listed,
    of_type,
    resolve,
)
from tests.permissions import (
    CONDITION_KEYS,
    Permission,
    Permissions,
    applications,
    exercised_offline,
    jobs,
    page,
    permissions,
    rights,
)

DEPLOYED_FUNCTIONS = [
    name.removesuffix("Function")
    for template in dict.fromkeys(TEMPLATE_OF.values())
    for name in of_type(template, "AWS::Lambda::Function")
]
X_RAY = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
IAM_INLINE_POLICY_LIMIT = 10_240  # characters of all inline policies of a role, white space not counted
MOST_TENANT_KEYS = 25  # as infrastructure/decisions.md says
WRITES = ("dynamodb:PutItem", "dynamodb:UpdateItem")
TABLE_KEYS = {
    logical_id.removesuffix("Table"): [key["AttributeName"] for key in table["Properties"]["KeySchema"]]
    for logical_id, table in of_type("data", "AWS::DynamoDB::Table").items()
}
INDEXES = [
    (logical_id.removesuffix("Table"), index["IndexName"])
    for logical_id, table in of_type("data", "AWS::DynamoDB::Table").items()
    for index in table["Properties"].get("GlobalSecondaryIndexes", ())
]
DESTROYING = {"Hold", "Erase", "PurgePage"}
"""Those that destroy records; Hold what was erased under one that goes."""
BINDING_LATER_NUMBERS = {"Consent", "Restrict", "Hold"}
"""Rights that say of a subject what counts for its first number too."""
LONGEST_KEY_ARN = f"arn:aws-us-gov:kms:ap-southeast-1:{ACCOUNT}:key/{'x' * 36}"

SUBJECT_REF = subject_ref(SecretKey(b"0" * 32), "acme", "subject")

every_role = pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
every_application = pytest.mark.parametrize("function", FUNCTIONS)
every_right = pytest.mark.parametrize("function", RIGHTS)
every_operation = pytest.mark.parametrize("function", [*FUNCTIONS, *RIGHTS])
every_job = pytest.mark.parametrize("function", JOBS)


def of(function: str) -> list[Grant]:
    """What a function is granted."""
    return list(grants(ROLES[f"{function}Role"]))


def actions_on(function: str, resource: str) -> set[str]:
    """What a function may do with a table, by its name, or a KMS key, by its ARN."""
    return {each.action.partition(":")[2] for each in of(function) if each.resource.endswith(resource)}


def allowed_to(action: str, resource: str = "") -> set[str]:
    """The functions that may do it, with anything or with this."""
    return {
        function
        for function in permissions()
        for each in of(function)
        if each.action.partition(":")[2] == action and each.resource.endswith(resource)
    }


def unwraps_record_keys(function: str) -> bool:
    """Whether it may unwrap branch keys, or record keys that KMS wraps itself, of stored numbers."""
    return any(
        grant.action == "kms:Decrypt"
        and grant.resource == KMS_KEYS["Kek"]
        and (
            "branch" in listed(grant.conditions.get("StringEquals", {}).get("kms:EncryptionContext:use", []))
            or "kms:EncryptionContextKeys" in grant.conditions.get("ForAllValues:StringEquals", {})
        )
        for grant in of(function)
    )


def short_name(function: str, resource: str) -> str:
    table_arn = f"arn:aws:dynamodb:eu-west-1:{DEPLOYED['AWS::AccountId']}:table/phone-vault-"
    names = {f"{table_arn}{table}": table for table in TABLES}
    names |= {f"{table_arn}{table}/index/{index}": f"{table}/{index}" for table, index in INDEXES}
    names |= {arn: name for name, arn in KMS_KEYS.items()} | {TENANT_KEY: "Kek"}
    names |= {DEPLOYED[f"{function}LogGroup.Arn"]: "own log group", DEAD_LETTERS: "dead letters", "*": "everything"}
    return names[resource]


def directly_wrapped(function: str) -> set[str]:
    """Names of the records whose keys the function has KMS itself wrap or unwrap."""
    conditions = [grant.conditions.get("StringLike", {}) for grant in grants(ROLES[f"{function}Role"])]
    return {str(each["kms:EncryptionContext:token"]) for each in conditions if each}


def in_words(function: str, grant: Grant) -> Permission:
    """As the page has it."""
    words = {key: word for word, key in CONDITION_KEYS.items()}
    conditions = set()
    for operator, comparisons in grant.conditions.items():
        if operator == "Null":
            continue  # what `context` names must be there: a test of its own
        assert operator.removeprefix("ForAllValues:") in ("StringEquals", "StringEqualsIfExists", "StringLike")
        for key, values in comparisons.items():
            allowed = frozenset(value.removesuffix(".eu-west-1.amazonaws.com") for value in listed(values))
            conditions.add((words[key], allowed))
    action = grant.action.partition(":")[2]
    return Permission(short_name(function, grant.resource), action, frozenset(conditions))


def translated() -> Permissions:
    """What the roles grant to each function of the template, in the page's words."""
    return {
        name: frozenset(in_words(name, grant) for grant in grants(ROLES[f"{name}Role"])) for name in DEPLOYED_FUNCTIONS
    }


def differences(one: Permissions, other: Permissions) -> set[str]:
    """What is granted on one side alone."""
    sides = [{(name, each) for name, granted in side.items() for each in granted} for side in (one, other)]
    return {f"{function}: {permission}" for function, permission in sides[0] ^ sides[1]}


def test_every_role_is_as_the_page_of_permissions_says() -> None:
    assert translated().keys() == permissions().keys()
    assert not differences(translated(), permissions())


@pytest.mark.parametrize("side", [permissions, translated], ids=["page", "template"])
def test_whatever_is_missing_on_one_side_shows(side: Callable[[], Permissions]) -> None:
    whole = side()
    for function, granted in whole.items():
        for permission in granted:
            less = {**whole, function: granted - {permission}}
            assert differences(less, whole) == differences(whole, less) == {f"{function}: {permission}"}


@pytest.mark.parametrize("side", [permissions, translated], ids=["page", "template"])
def test_a_condition_that_is_missing_on_one_side_shows(side: Callable[[], Permissions]) -> None:
    whole = side()
    for function, granted in whole.items():
        for permission in granted:
            for condition in permission.conditions:
                wider = permission._replace(conditions=permission.conditions - {condition})
                assert differences({**whole, function: granted - {permission} | {wider}}, whole)


def test_whatever_the_page_says_is_not_exercised_offline_stands_on_it() -> None:
    granted = {permission for of_one in permissions().values() for permission in of_one}
    named = {name for each in granted if not exercised_offline(each) for name in (each.resource, str(each))}
    assert page()["not exercised offline"].keys() <= named


def test_every_role_of_a_function_stands_on_the_page() -> None:
    assert ROLES.keys() == {f"{function}Role" for function in permissions()}


def test_the_page_tells_functions_for_applications_from_those_for_privacy_teams_and_from_jobs() -> None:
    assert (set(applications()), set(rights()), set(jobs())) == (set(FUNCTIONS), set(RIGHTS), set(JOBS))


@every_role
def test_a_role_names_every_action(role: Template) -> None:
    assert not [grant for grant in grants(role) if "*" in grant.action]


@every_role
def test_a_role_names_every_resource_but_for_traces_and_the_streams_of_its_log_group(role: Template) -> None:
    unnamed = {grant.action for grant in grants(role) if "*" in grant.resource or "?" in grant.resource}
    assert unnamed == X_RAY | {"logs:CreateLogStream", "logs:PutLogEvents"}


@every_role
def test_a_role_has_all_resources_for_traces_alone(role: Template) -> None:
    assert {grant.action for grant in grants(role) if grant.resource == "*"} == X_RAY


@every_application
def test_a_function_for_applications_asks_kms_for_nothing_but_wrapping(function: str) -> None:
    assert {each.action for each in of(function) if each.action.startswith("kms:")} <= {"kms:Decrypt", "kms:Encrypt"}


@every_role
def test_a_role_wraps_unwraps_and_moves_keys_under_a_condition_alone(role: Template) -> None:
    wrapping = {"kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
    assert all(grant.conditions for grant in grants(role) if grant.action in wrapping)


@every_role
def test_no_role_ends_a_kms_key_or_rules_it(role: Template) -> None:
    known = {"Decrypt", "Encrypt", "GetPublicKey", "ListKeyRotations", "ReEncryptFrom", "ReEncryptTo"}
    known |= {"RotateKeyOnDemand", "Sign"}
    asked = {grant.action.removeprefix("kms:") for grant in grants(role) if grant.action.startswith("kms:")}
    assert asked <= known


def test_only_rotate_keys_makes_new_material_of_kms_keys() -> None:
    assert allowed_to("RotateKeyOnDemand") == {"RotateKeys"}


def test_only_what_ends_in_a_receipt_signs_and_with_the_key_of_receipts_alone() -> None:
    signing = {"Offboard", "Hold", "Erase", "AdvancePurge"}
    assert allowed_to("Sign") == allowed_to("Sign", KMS_KEYS["Receipt"]) == signing
    assert not any(allowed_to("Sign", KMS_KEYS[other]) for other in ("Kek", "Storage"))


@every_role
def test_a_role_may_use_a_tenants_own_key_exactly_as_the_kek(role: Template) -> None:
    of_kek, of_tenant_key = (
        [grant._replace(resource="") for grant in grants(role) if grant.resource == arn]
        for arn in (KMS_KEYS["Kek"], TENANT_KEY)
    )
    assert of_tenant_key == of_kek


@every_role
def test_a_context_that_a_role_must_keep_to_must_be_there_whole(role: Template) -> None:
    for grant in grants(role):
        names = grant.conditions.get("ForAllValues:StringEquals", {}).get("kms:EncryptionContextKeys", [])
        required = {f"kms:EncryptionContext:{name}": "false" for name in names}
        assert grant.conditions.get("Null", {}) == required


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_function_of_stored_numbers_wraps_no_message_key_directly(function: str) -> None:
    assert directly_wrapped(function) <= {"tok_*"}


@pytest.mark.parametrize("function", ["Encrypt", "Decrypt"])
def test_a_function_of_messages_reaches_no_record_key_of_a_stored_number(function: str) -> None:
    assert directly_wrapped(function) == {"m#*"}
    on_record_keys = [g for g in grants(ROLES[f"{function}Role"]) if g.resource.endswith("RecordKeys")]
    leading_keys = [g.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for g in on_record_keys]
    assert leading_keys == [["*#m#*"]] * len(on_record_keys)


def test_protect_cannot_unwrap_what_it_wraps_directly() -> None:
    actions = {g.action for g in grants(ROLES["ProtectRole"]) if "StringLike" in g.conditions}
    assert actions == {"kms:Encrypt"}


@every_application
def test_a_function_for_applications_neither_deletes_nor_scans(function: str) -> None:
    assert not [each.action for each in of(function) if "Delete" in each.action or "Scan" in each.action]


def test_only_those_delete_that_destroy_records_or_end_index_entries_and_suppressions() -> None:
    assert allowed_to("DeleteItem") == DESTROYING | {"SweepIndex", "RotateKeys"}
    assert allowed_to("DeleteItem", "Numbers") == DESTROYING
    assert allowed_to("DeleteItem", "LookupIndex") == DESTROYING | {"SweepIndex"}
    assert allowed_to("DeleteItem", "Subjects") == DESTROYING | {"RotateKeys"}
    (suppressions,) = (each for each in of("RotateKeys") if each.action == "dynamodb:DeleteItem")
    assert suppressions.resource.endswith("Subjects")
    assert suppressions.conditions == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["*#suppressed"]}}


def test_nobody_deletes_a_record_key_but_time() -> None:
    """What was destroyed leaves a tombstone, of which readers are told until it goes by itself."""
    assert not allowed_to("DeleteItem", "RecordKeys")


@pytest.mark.parametrize("function", sorted(DESTROYING))
def test_what_destroys_records_learns_nothing_of_them_by_deleting(function: str) -> None:
    for delete in (each for each in of(function) if each.action == "dynamodb:DeleteItem"):
        assert delete.conditions["StringEqualsIfExists"] == {"dynamodb:ReturnValues": "NONE"}


@pytest.mark.parametrize("function", [*RIGHTS, *OF_PURGES])
def test_what_is_said_of_subjects_is_reached_by_subject_and_no_suppression_is(function: str) -> None:
    for grant in (each for each in of(function) if each.resource.endswith("Subjects")):
        (pattern,) = grant.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        assert fnmatchcase(f"acme#{SUBJECT_REF}", pattern)
        assert not fnmatchcase("acme#suppressed", pattern)


@every_right
def test_a_right_neither_scans_nor_stores_numbers(function: str) -> None:
    assert not actions_on(function, "Numbers") - {"DeleteItem"}
    assert not [each.action for each in of(function) if "Scan" in each.action]
    assert actions_on(function, "RecordKeys") == {"BatchGetItem", "UpdateItem"}


@every_right
def test_a_right_unwraps_the_key_of_subject_references_and_no_other(function: str) -> None:
    unwrapping = [each for each in of(function) if (each.action, each.resource) == ("kms:Decrypt", KMS_KEYS["Kek"])]
    assert {str(each.conditions) for each in unwrapping} == {
        str({"StringEquals": {"kms:EncryptionContext:use": ["subject"]}})
    }


@every_right
def test_a_right_wraps_a_tenants_first_keys_where_it_binds_later_numbers_and_no_others(function: str) -> None:
    wrapping = [each for each in of(function) if (each.action, each.resource) == ("kms:Encrypt", KMS_KEYS["Kek"])]
    assert [each.conditions for each in wrapping] == (
        [{"StringEquals": {"kms:EncryptionContext:use": ["branch", "index", "subject"]}}]
        if function in BINDING_LATER_NUMBERS
        else []
    )
    assert actions_on(function, KMS_KEYS["Kek"]) <= {"Decrypt", "Encrypt"}


@pytest.mark.parametrize("function", OF_PURGES)
def test_a_purge_unwraps_no_key_of_a_tenant_but_that_of_its_audit_entries(function: str) -> None:
    assert not actions_on(function, KMS_KEYS["Kek"])
    asked = {str(each.conditions) for each in of(function) if each.resource == KMS_KEYS["Storage"]}
    assert all("'kms:EncryptionContext:use': 'audit'" in each or "kms:ViaService" in each for each in asked)


@pytest.mark.parametrize("function", [*RIGHTS, *OF_PURGES])
def test_neither_a_right_nor_a_purge_reads_a_message(function: str) -> None:
    assert actions_on(function, "Numbers") == ({"DeleteItem"} if function in DESTROYING else set())


@pytest.mark.parametrize("function", ["PlanPurge", "AdvancePurge"])
def test_what_plans_a_purge_changes_no_record(function: str) -> None:
    assert not actions_on(function, "RecordKeys") - {"BatchGetItem", "Scan"}
    assert actions_on(function, "RecordKeys/index/Due") == {"Query"}
    assert not any(actions_on(function, table) for table in ("LookupIndex", "Subjects", "Numbers"))


def test_of_a_purge_only_what_destroys_says_so_of_a_page_and_only_what_proves_it_of_a_run() -> None:
    writes = {
        function: {
            key
            for each in of(function)
            if each.action == "dynamodb:PutItem" and each.resource.endswith("Operations")
            for key in each.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        }
        for function in OF_PURGES
    }
    assert writes == {
        "PlanPurge": {"plan#*"},
        "AdvancePurge": {"plan#*", "purge#*", "receipt#purge#*"},
        "PurgePage": {"purge#*#*"},
    }


def test_no_role_writes_in_batches_in_which_a_put_cannot_be_told_from_a_delete() -> None:
    assert not allowed_to("BatchWriteItem")


@every_job
def test_a_job_scans_for_attributes_by_their_names_or_counts(function: str) -> None:
    for scan in (each for each in of(function) if each.action == "dynamodb:Scan"):
        assert scan.conditions["StringEquals"]["dynamodb:Select"] in ("SPECIFIC_ATTRIBUTES", "COUNT")
        assert scan.conditions["ForAllValues:StringEquals"]["dynamodb:Attributes"]


def test_what_says_whom_a_number_belongs_to_is_scanned_by_re_indexing_alone() -> None:
    scanning = {
        function
        for function in permissions()
        for each in of(function)
        if each.action == "dynamodb:Scan"
        and "subject_id" in each.conditions["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    }
    assert scanning == {"Reindex"}


@every_role
def test_attributes_that_a_read_is_held_to_must_be_named_by_it(role: Template) -> None:
    """A read that names none asks for all, and `ForAllValues` holds for none."""
    for grant in grants(role):
        if "dynamodb:Attributes" in grant.conditions.get("ForAllValues:StringEquals", {}):
            reads = grant.action in ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan")
            assert ("dynamodb:Select" in grant.conditions.get("StringEquals", {})) is reads


@every_role
def test_attributes_that_a_role_is_held_to_include_the_whole_key_of_the_table(role: Template) -> None:
    """Otherwise DynamoDB cannot use them: Developer Guide, "Using IAM policy conditions"."""
    for grant in grants(role):
        if allowed := grant.conditions.get("ForAllValues:StringEquals", {}).get("dynamodb:Attributes"):
            assert set(allowed) >= set(TABLE_KEYS[grant.resource.rpartition("-")[2]])


@every_role
def test_a_role_only_appends_to_the_audit_trail(role: Template) -> None:
    on_the_trail = {grant.action for grant in grants(role) if grant.resource.endswith("AuditTrail")}
    assert on_the_trail == {"dynamodb:PutItem"}


@pytest.mark.parametrize("function", permissions())
def test_a_function_writes_its_own_audit_chains_only(function: str) -> None:
    (write,) = [g for g in grants(ROLES[f"{function}Role"]) if g.resource.endswith("AuditTrail")]
    assert write.conditions == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{function}#*"]}}


@pytest.mark.parametrize("function", ["Lookup", "Verify"])
def test_looking_up_needs_no_branch_key_and_no_number(function: str) -> None:
    role = list(grants(ROLES[f"{function}Role"]))
    uses = [g.conditions["StringEquals"] for g in role if g.resource == KMS_KEYS["Kek"]]
    assert uses == [{"kms:EncryptionContext:use": ["index"]}]
    assert not [grant for grant in role if grant.resource.endswith("Numbers")]


def test_reveal_alone_reads_numbers_and_re_indexing_among_the_jobs() -> None:
    readers = {function for function in permissions() if actions_on(function, "Numbers") - {"PutItem", "DeleteItem"}}
    assert readers == {"Reveal", "Reindex"}


def test_of_the_jobs_re_indexing_alone_unwraps_record_keys_and_reads_what_they_encrypt() -> None:
    unwrapping = {function for function in JOBS if unwraps_record_keys(function)}
    assert unwrapping == {"RotateKeys", "Rewrap", "Reindex"}
    assert {function for function in unwrapping if actions_on(function, "Numbers")} == {"Reindex"}


def test_rotate_keys_unwraps_branch_keys_and_reaches_no_record_key() -> None:
    assert not actions_on("RotateKeys", "RecordKeys")
    assert not any("kms:EncryptionContextKeys" in str(each.conditions) for each in of("RotateKeys"))


@pytest.mark.parametrize("table", ["Numbers", "LookupIndex", "Subjects"])
def test_re_wrapping_has_no_access_to_numbers_the_index_or_data_subjects(table: str) -> None:
    assert not actions_on("Rewrap", table)


@pytest.mark.parametrize("function", ["Rewrap", "Reindex"])
def test_neither_re_wrapping_nor_re_indexing_deletes(function: str) -> None:
    assert not [each.action for each in of(function) if "Delete" in each.action or "BatchWrite" in each.action]


def test_re_wrapping_writes_wrapped_keys_and_nothing_beside_them() -> None:
    (write,) = (each for each in of("Rewrap") if each.action == "dynamodb:UpdateItem")
    assert set(write.conditions["ForAllValues:StringEquals"]["dynamodb:Attributes"]) == {
        "record_id",
        "wrapped_key",
        "branch_key_version",
        "kms_key",
        "revision",
    }


@pytest.mark.parametrize("function", ["AdvanceRotation", "Census", "SweepIndex", "RetireKeys", "Offboard", *OF_PURGES])
def test_a_job_that_only_counts_or_destroys_unwraps_no_key_of_a_tenant(function: str) -> None:
    assert not actions_on(function, KMS_KEYS["Kek"])


@pytest.mark.parametrize("function", ["SweepIndex", "Offboard", "RetireKeys", "Census", "AdvanceRotation"])
def test_no_key_that_was_destroyed_is_written_again_by_a_job_that_cannot_wrap(function: str) -> None:
    writes = [each for each in of(function) if each.resource.endswith("RecordKeys") and each.action in WRITES]
    gets_a_key = "wrapped_key"
    for write in writes:
        named = write.conditions["ForAllValues:StringEquals"]["dynamodb:Attributes"]
        assert gets_a_key not in named or function == "Offboard"  # which takes it away: IAM knows no REMOVE


@every_operation
def test_no_payload_of_a_caller_reaches_the_queue_of_what_failed(function: str) -> None:
    assert not actions_on(function, DEAD_LETTERS)


@every_job
def test_a_job_sends_what_failed_and_receives_nothing(function: str) -> None:
    assert actions_on(function, DEAD_LETTERS) == {"SendMessage"}


@every_role
def test_a_role_is_for_lambda_alone(role: Template) -> None:
    assert role["Properties"]["AssumeRolePolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


@every_role
def test_a_role_brings_no_managed_policy(role: Template) -> None:
    assert "ManagedPolicyArns" not in role["Properties"]


@every_role
def test_a_role_lies_under_the_path_that_the_key_policies_deny_control(role: Template) -> None:
    assert resolve(role["Properties"]["Path"]) == "/phone-vault/functions/"


@every_role
def test_the_policies_of_a_role_fit_into_what_iam_takes_for_as_many_tenant_keys_as_are_promised(role: Template) -> None:
    names = DEPLOYED | {"KeyEncryptionKeyArns": [LONGEST_KEY_ARN] * (1 + MOST_TENANT_KEYS)}
    documents = [resolve(policy["PolicyDocument"], names) for policy in role["Properties"]["Policies"]]
    assert sum(len(json.dumps(d, separators=(",", ":"))) for d in documents) < IAM_INLINE_POLICY_LIMIT
