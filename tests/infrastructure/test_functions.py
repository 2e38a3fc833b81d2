"""How every function is set up."""

import pytest

from phone_vault.domain.rotation import LATEST_WRITE, LONGEST_FUNCTION
from tests.infrastructure.templates import (
    DEAD_LETTERS,
    DEPLOYED,
    FUNCTIONS,
    JOBS,
    RIGHTS,
    ROOT,
    SOURCES,
    TEMPLATE_OF,
    Template,
    of_type,
    resolve,
    source,
    translation,
)

DEPLOYED_FUNCTIONS = {
    name: function for each in SOURCES for name, function in of_type(each, "AWS::Lambda::Function").items()
}
ENVIRONMENT_LIMIT = 4096
HTTP_API_LIMIT_SECONDS = 30
VARIABLES = {
    "KEY_RING_TABLE",
    "RECORD_KEYS_TABLE",
    "LOOKUP_INDEX_TABLE",
    "SUBJECTS_TABLE",
    "NUMBERS_TABLE",
    "AUDIT_TRAIL_TABLE",
    "OPERATIONS_TABLE",
    "KEK_ARN",
    "STORAGE_KEY_ARN",
    "KEY_CACHE_CAPACITY",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
}
OF_CALLERS = {"USER_POOL_ISSUER", "USER_POOL_CLIENT_ID"}
OF_RECEIPTS = {"KEY_RECOVERY_DAYS", "RECEIPT_KEY_ARN"}
MORE_VARIABLES = {
    **dict.fromkeys(FUNCTIONS, OF_CALLERS),
    **dict.fromkeys(RIGHTS, OF_CALLERS | OF_RECEIPTS),
    **dict.fromkeys(JOBS, OF_RECEIPTS | {"SHARDS"}),
}

every_function = pytest.mark.parametrize("name", TEMPLATE_OF)
every_operation = pytest.mark.parametrize("name", [*FUNCTIONS, *RIGHTS])
every_application = pytest.mark.parametrize("name", FUNCTIONS)
every_job = pytest.mark.parametrize("name", JOBS)


def properties(name: str) -> Template:
    found: Template = DEPLOYED_FUNCTIONS[f"{name}Function"]["Properties"]
    return found


def invocations(name: str) -> list[Template]:
    """How asynchronous invocations of a function are handled, for each way to invoke it."""
    configs = of_type(TEMPLATE_OF[name], "AWS::Lambda::EventInvokeConfig").values()
    return [each["Properties"] for each in configs if each["Properties"]["FunctionName"] == {"Ref": f"{name}Function"}]


def test_there_is_one_function_a_verb() -> None:
    assert set(DEPLOYED_FUNCTIONS) == {f"{name}Function" for name in TEMPLATE_OF}


@every_function
def test_a_function_is_named_after_the_vault_and_its_verb(name: str) -> None:
    assert resolve(properties(name)["FunctionName"]) == f"phone-vault-{name}"


@every_function
def test_the_handler_of_a_function_exists(name: str) -> None:
    module, _, attribute = properties(name)["Handler"].rpartition(".")
    assert (ROOT / "functions" / f"{module.replace('.', '/')}.py").is_file()
    assert attribute == "handler"


@every_function
def test_a_function_runs_on_the_runtime_that_the_build_compiles_for(name: str) -> None:
    assert properties(name)["Runtime"] == "python3.13"
    assert properties(name)["Architectures"] == [{"Ref": "Architecture"}]


@pytest.mark.parametrize("template", dict.fromkeys(TEMPLATE_OF.values()))
def test_all_functions_share_one_build(template: str) -> None:
    assert source(template)["Globals"]["Function"]["CodeUri"] == "../functions"
    own = [r["Properties"].get("CodeUri") for r in source(template)["Resources"].values()]
    assert set(own) == {None}


def test_no_two_functions_share_a_role() -> None:
    roles = {name: properties(name)["Role"] for name in TEMPLATE_OF}
    assert roles == {name: {"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in TEMPLATE_OF}


@every_function
def test_no_function_runs_longer_than_a_rotation_waits_for_it(name: str) -> None:
    assert properties(name)["Timeout"] <= LONGEST_FUNCTION.total_seconds()


@every_application
def test_an_application_s_function_leaves_a_rotation_s_wait_time_for_the_writing_of_key_versions(name: str) -> None:
    assert properties(name)["Timeout"] <= (LONGEST_FUNCTION - LATEST_WRITE).total_seconds()


@every_operation
def test_a_function_has_the_alias_http(name: str) -> None:
    alias = translation(TEMPLATE_OF[name])["Resources"][f"{name}FunctionAliashttp"]
    assert alias["Properties"]["Name"] == "http"
    assert alias["Properties"]["FunctionName"] == {"Ref": f"{name}Function"}


@every_job
def test_a_job_has_no_route_and_no_alias(name: str) -> None:
    assert not of_type(TEMPLATE_OF[name], "AWS::Lambda::Alias")
    assert "Events" not in source(TEMPLATE_OF[name])["Resources"][f"{name}Function"]["Properties"]


@every_operation
def test_a_change_of_configuration_reaches_the_alias_too(name: str) -> None:
    written = source(TEMPLATE_OF[name])["Resources"][f"{name}Function"]["Properties"]
    assert written["AutoPublishAliasAllProperties"] is True


@every_operation
def test_payloads_are_never_retried_whichever_way_a_function_is_invoked(name: str) -> None:
    assert [setting["MaximumRetryAttempts"] for setting in invocations(name)] == [0, 0]
    assert {setting["Qualifier"] for setting in invocations(name)} == {"$LATEST", "http"}


@every_operation
def test_payloads_are_stored_nowhere_when_an_invocation_fails(name: str) -> None:
    assert "DeadLetterConfig" not in properties(name)
    assert not any(setting.get("DestinationConfig") for setting in invocations(name))


@every_job
def test_an_invocation_of_a_job_is_tried_again_and_then_kept(name: str) -> None:
    assert [(each["MaximumRetryAttempts"], each["Qualifier"]) for each in invocations(name)] == [(2, "$LATEST")]
    assert resolve(properties(name)["DeadLetterConfig"]) == {"TargetArn": DEAD_LETTERS}


@every_function
def test_a_function_is_traced(name: str) -> None:
    assert properties(name)["TracingConfig"] == {"Mode": "Active"}


@every_application
def test_a_function_answers_before_the_http_api_gives_up(name: str) -> None:
    assert properties(name)["Timeout"] <= HTTP_API_LIMIT_SECONDS


@every_function
def test_a_function_knows_what_it_is_told_and_no_more(name: str) -> None:
    assert set(properties(name)["Environment"]["Variables"]) == VARIABLES | MORE_VARIABLES[name]


@every_function
def test_the_environment_of_a_function_fits_into_what_lambda_takes(name: str) -> None:
    longest = dict.fromkeys(source(TEMPLATE_OF[name])["Parameters"], "x" * 80) | DEPLOYED
    variables = resolve(properties(name)["Environment"]["Variables"], longest)
    assert sum(len(key) + len(value) for key, value in variables.items()) < ENVIRONMENT_LIMIT


@every_function
def test_a_function_logs_into_its_own_group_encrypted_and_for_a_time(name: str) -> None:
    assert properties(name)["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}LogGroup"}
    group = translation(TEMPLATE_OF[name])["Resources"][f"{name}LogGroup"]["Properties"]
    assert resolve(group["LogGroupName"]) == f"/aws/lambda/phone-vault-{name}"
    assert group["KmsKeyId"] == {"Ref": "StorageKeyArn"}
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@every_function
def test_logs_survive_their_stack(name: str) -> None:
    group = translation(TEMPLATE_OF[name])["Resources"][f"{name}LogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
