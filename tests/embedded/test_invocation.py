"""Invocations arrive and answer as in Lambda."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.local import FunctionError, LocalCloud
from phone_vault.local.errors import UnknownFunction
from tests.embedded.probes import deploy

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:phone-vault-Probe"
SENDER = "arn:aws:iam::123456789012:role/services/otp-sender"


@pytest.fixture(autouse=True)
def _probe(cloud: LocalCloud) -> None:
    deploy(cloud)


@pytest.fixture
def _http_probe(cloud: LocalCloud) -> None:
    deploy(cloud, name="Http", handler="tests.embedded.http_probe.handler")


def test_a_direct_invocation_is_unqualified(cloud: LocalCloud) -> None:
    answer = cloud.invoke("Probe", {})
    assert (answer["arn"], answer["version"]) == (ARN, "$LATEST")


def test_an_invocation_by_alias_ends_in_the_alias(cloud: LocalCloud) -> None:
    answer = cloud.invoke("Probe", {}, alias="billing")
    assert (answer["arn"], answer["version"]) == (f"{ARN}:billing", "1")


def test_a_principal_comes_by_the_alias_http(cloud: LocalCloud) -> None:
    assert cloud.invoke("Probe", {}, principal=SENDER)["arn"] == f"{ARN}:http"


def test_a_principal_has_no_other_alias(cloud: LocalCloud) -> None:
    with pytest.raises(ValueError, match="alias of its own"):
        cloud.invoke("Probe", {}, principal=SENDER, alias="billing")


def test_a_role_comes_as_its_session_without_its_path(cloud: LocalCloud) -> None:
    event = cloud.invoke("Probe", {}, principal=SENDER)["event"]
    user = event["requestContext"]["authorizer"]["iam"]["userArn"]
    assert user == "arn:aws:sts::123456789012:assumed-role/otp-sender/embedded"


def test_a_group_comes_as_claims_of_an_access_token(cloud: LocalCloud) -> None:
    claims = cloud.invoke("Probe", {}, principal="group:support")["event"]["requestContext"]["authorizer"]["jwt"][
        "claims"
    ]
    assert (claims["token_use"], claims["cognito:groups"]) == ("access", "[support]")
    assert claims["sub"]


def test_a_group_comes_from_the_deployed_user_pool(cloud: LocalCloud) -> None:
    claims = cloud.invoke("Probe", {}, principal="group:support")["event"]["requestContext"]["authorizer"]["jwt"][
        "claims"
    ]
    pool = (cloud.outputs["UserPoolIssuer"], cloud.outputs["UserPoolClientId"])
    assert (claims["iss"], claims["client_id"]) == pool


def test_an_access_token_lives_as_long_as_the_template_says(cloud: LocalCloud) -> None:
    claims = cloud.invoke("Probe", {}, principal="group:support")["event"]["requestContext"]["authorizer"]["jwt"][
        "claims"
    ]
    assert int(claims["exp"]) - int(claims["iat"]) == 15 * 60


def test_another_kind_of_principal_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(ValueError, match="a principal is"):
        cloud.invoke("Probe", {}, principal="otp-sender")


@pytest.mark.usefixtures("_http_probe")
def test_a_body_over_http_is_the_answer(cloud: LocalCloud) -> None:
    assert cloud.invoke("Http", {"token": "tok"}, principal=SENDER)["asked"] == {"token": "tok"}


@pytest.mark.usefixtures("_http_probe")
def test_a_problem_over_http_reads_as_one_of_a_direct_invocation(cloud: LocalCloud) -> None:
    assert cloud.invoke("Http", {"status": 404}, principal=SENDER) == {"problem": {"status": 404}}


@pytest.mark.parametrize("payload", [{"a": [1, 2.5, None, True, "é"]}, [], "text", 7, None])
def test_a_payload_comes_by_way_of_json(cloud: LocalCloud, payload: Any) -> None:
    assert cloud.invoke("Probe", payload)["event"] == payload


def test_a_payload_that_is_no_json_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        cloud.invoke("Probe", {"set": {1}})


def test_the_context_is_the_functions_own(cloud: LocalCloud) -> None:
    answer = cloud.invoke("Probe", {})
    assert (answer["name"], answer["memory"]) == ("phone-vault-Probe", "256")
    assert 0 < answer["remaining"] <= 10_000


def test_each_invocation_has_a_request_id_of_its_own(cloud: LocalCloud) -> None:
    assert cloud.invoke("Probe", {})["request_id"] != cloud.invoke("Probe", {})["request_id"]


def test_an_exception_is_reported_by_its_class_and_text(cloud: LocalCloud) -> None:
    with pytest.raises(FunctionError) as raised:
        cloud.invoke("Probe", {"fail": "no such luck"})
    assert (raised.value.error_type, raised.value.message) == ("PermissionError", "no such luck")


def test_an_answer_that_is_no_json_is_reported(cloud: LocalCloud) -> None:
    with pytest.raises(FunctionError) as raised:
        cloud.invoke("Probe", {"unserialisable": True})
    assert raised.value.error_type == "Runtime.MarshalError"


def test_a_handler_that_cannot_be_imported_is_reported(cloud: LocalCloud) -> None:
    deploy(cloud, name="Absent", handler="tests.embedded.absent.handler")
    with pytest.raises(FunctionError) as raised:
        cloud.invoke("Absent", {})
    assert raised.value.error_type == "Runtime.ImportModuleError"


def test_an_unknown_function_is_named_with_those_that_are_known(cloud: LocalCloud) -> None:
    with pytest.raises(UnknownFunction, match=r"no function Shred; deployed are: .*Protect"):
        cloud.invoke("Shred", {})


def test_the_lambda_api_reaches_the_same_function(cloud: LocalCloud) -> None:
    answer = cloud.client("lambda").invoke(FunctionName="phone-vault-Probe", Payload=b'{"a": 1}')
    assert (answer["StatusCode"], "FunctionError" in answer) == (200, False)
    assert json.load(answer["Payload"])["event"] == {"a": 1}


@pytest.mark.parametrize(
    "named",
    [
        {"FunctionName": "phone-vault-Probe", "Qualifier": "http"},
        {"FunctionName": "phone-vault-Probe:http"},
        {"FunctionName": f"{ARN}:http"},
    ],
)
def test_the_lambda_api_takes_an_alias_in_every_form(cloud: LocalCloud, named: dict[str, str]) -> None:
    answer = cloud.client("lambda").invoke(**named)
    assert json.load(answer["Payload"])["arn"] == f"{ARN}:http"


def test_the_lambda_api_marks_an_exception(cloud: LocalCloud) -> None:
    answer = cloud.client("lambda").invoke(FunctionName="phone-vault-Probe", Payload=b'{"fail": "no such luck"}')
    error = json.load(answer["Payload"])
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (error["errorType"], error["errorMessage"]) == ("PermissionError", "no such luck")


def test_the_lambda_api_does_not_know_an_unknown_function(cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.client("lambda").invoke(FunctionName="phone-vault-Shred")


def test_the_lambda_api_does_not_know_an_unknown_alias(cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.client("lambda").invoke(FunctionName="phone-vault-Probe", Qualifier="nobody")


def test_the_lambda_api_refuses_what_is_no_json(cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        cloud.client("lambda").invoke(FunctionName="phone-vault-Probe", Payload=b"{")
