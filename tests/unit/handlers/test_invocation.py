"""What an invocation says of its caller."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from phone_vault.domain.callers import UNKNOWN, UserPool
from phone_vault.handlers.invocation import Invocation, http_answer, invocation_of
from tests.unit.samples import cases

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:phone-vault-Reveal"
HTTP = f"{FUNCTION}:http"
ROLE = {"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/otp-sender/session"}}
POOL = UserPool("https://issuer", "client")
CLAIMS = {"token_use": "access", "iss": "https://issuer", "client_id": "client", "cognito:groups": "[support]"}
PERSON = {"jwt": {"claims": CLAIMS, "scopes": None}}
BODY = {"purpose": "delivery"}
TOKEN = "tok_" + "a" * 25


def http_event(authorizer: Mapping[str, Any] = ROLE, **more: Any) -> dict[str, Any]:
    """As API Gateway sends it (payload format 2.0)."""
    return {"requestContext": {"authorizer": authorizer, "requestId": "id-1"}, "body": json.dumps(BODY), **more}


class TestDirect:
    """By the function itself or an application's alias."""

    @pytest.mark.parametrize("qualifier", ["", ":$LATEST", ":1", ":42"], ids=["none", "latest", "version", "versions"])
    def test_what_names_no_application_is_direct(self, qualifier: str) -> None:
        assert invocation_of(BODY, FUNCTION + qualifier, POOL).caller.names == ("direct",)

    def test_an_alias_names_its_application(self) -> None:
        assert invocation_of(BODY, f"{FUNCTION}:billing", POOL).caller.names == ("direct:billing",)

    @pytest.mark.parametrize("alias", ["HTTP", "https", "http2", "direct", "x-http"])
    def test_an_alias_that_only_looks_like_http_is_direct(self, alias: str) -> None:
        assert invocation_of(http_event(), f"{FUNCTION}:{alias}", POOL).caller.names == (f"direct:{alias}",)

    def test_a_function_called_http_is_not_the_alias(self) -> None:
        arn = "arn:aws:lambda:eu-west-1:123456789012:function:http"
        assert invocation_of(http_event(), arn, POOL).caller.names == ("direct",)

    @pytest.mark.parametrize("authorizer", [ROLE, PERSON], ids=["role", "person"])
    def test_a_forged_request_context_names_nobody(self, authorizer: Mapping[str, Any]) -> None:
        assert invocation_of(http_event(authorizer), FUNCTION, POOL).caller.names == ("direct",)

    def test_a_forged_request_context_stays_in_the_payload_to_be_refused(self) -> None:
        assert invocation_of(http_event(), FUNCTION, POOL).payload == http_event()

    @pytest.mark.parametrize("event", cases({"null": None, "text": "x", "list": [1], "number": 7}))
    def test_an_event_of_any_type_is_the_payload(self, event: object) -> None:
        assert invocation_of(event, FUNCTION, POOL).payload == event

    def test_the_answer_is_bare(self) -> None:
        assert not invocation_of(BODY, FUNCTION, POOL).over_http


class TestHttp:
    """By the alias that API Gateway alone may invoke."""

    def test_a_role_is_believed(self) -> None:
        caller = invocation_of(http_event(ROLE), HTTP, POOL).caller
        assert caller.names == ("arn:aws:iam::123456789012:role/otp-sender",)

    def test_a_person_is_believed(self) -> None:
        assert invocation_of(http_event(PERSON), HTTP, POOL).caller.names == ("group:support",)

    def test_a_person_of_another_pool_is_nobody(self) -> None:
        other = UserPool("https://issuer", "other client")
        assert invocation_of(http_event(PERSON), HTTP, other).caller == UNKNOWN

    def test_a_person_is_nobody_where_no_pool_is_set(self) -> None:
        assert invocation_of(http_event(PERSON), HTTP, None).caller == UNKNOWN

    @pytest.mark.parametrize(
        "event",
        cases(
            {
                "no-context": {"body": "{}"},
                "null-context": {"requestContext": None, "body": "{}"},
                "text-context": {"requestContext": "x", "body": "{}"},
                "no-authorizer": {"requestContext": {}, "body": "{}"},
                "list-authorizer": {"requestContext": {"authorizer": [ROLE]}, "body": "{}"},
                "empty-authorizer": http_event({}),
                "null-arn": http_event({"iam": {"userArn": None}}),
                "list-arn": http_event({"iam": {"userArn": ["x"]}}),
                "null-claims": http_event({"jwt": {"claims": None}}),
                "text-claims": http_event({"jwt": {"claims": "x"}}),
                "claims-elsewhere": http_event({"claims": CLAIMS}),
                "null-event": None,
                "list-event": [1],
            }
        ),
    )
    def test_without_an_authorizer_s_word_the_caller_is_nobody(self, event: object) -> None:
        assert invocation_of(event, HTTP, POOL).caller == UNKNOWN

    def test_a_role_that_is_not_readable_is_not_replaced_by_claims(self) -> None:
        assert invocation_of(http_event({"iam": {"userArn": "x"}, **PERSON}), HTTP, POOL).caller == UNKNOWN

    def test_an_identity_in_the_body_names_nobody(self) -> None:
        event = {"requestContext": {}, "body": json.dumps(http_event())}
        assert invocation_of(event, HTTP, POOL).caller == UNKNOWN

    def test_the_body_is_the_payload(self) -> None:
        assert invocation_of(http_event(), HTTP, POOL).payload == BODY

    def test_a_body_in_base64_is_the_payload(self) -> None:
        body = base64.b64encode(json.dumps(BODY).encode()).decode()
        assert invocation_of(http_event(body=body, isBase64Encoded=True), HTTP, POOL).payload == BODY

    @pytest.mark.parametrize(
        "more",
        cases(
            {
                "none": {"body": None},
                "empty": {"body": ""},
                "no-json": {"body": "{"},
                "object": {"body": {"purpose": "delivery"}},
                "number": {"body": 7},
                "no-base64": {"body": "{}", "isBase64Encoded": True},
                "no-ascii": {"body": "ä", "isBase64Encoded": True},
                "no-utf-8": {"body": base64.b64encode(b"\xff").decode(), "isBase64Encoded": True},
                "digits-without-end": {"body": "1" * 5000},
            }
        ),
    )
    def test_a_body_that_is_not_json_is_a_payload_that_no_function_takes(self, more: dict[str, Any]) -> None:
        assert not isinstance(invocation_of(http_event(**more), HTTP, POOL).payload, Mapping)

    @pytest.mark.parametrize("opening", ["[", '{"a":'], ids=["lists", "objects"])
    def test_a_body_nested_without_end_is_a_payload_that_no_function_takes(self, opening: str) -> None:
        assert not isinstance(invocation_of(http_event(body=opening * 100_000), HTTP, POOL).payload, Mapping)

    def test_the_path_s_token_stands_above_the_body_s(self) -> None:
        event = http_event(pathParameters={"token": TOKEN}, body=json.dumps({"token": "tok_other"}))
        assert invocation_of(event, HTTP, POOL).payload == {"token": TOKEN}

    def test_the_header_s_tenant_stands_above_the_body_s(self) -> None:
        event = http_event(headers={"x-tenant-id": "acme"}, body=json.dumps({"tenant_id": "other"}))
        assert invocation_of(event, HTTP, POOL).payload == {"tenant_id": "acme"}

    def test_api_gateway_s_request_id_is_kept(self) -> None:
        assert invocation_of(http_event(), HTTP, POOL).request_id == "id-1"

    def test_a_direct_invocation_has_no_request_id_of_api_gateway(self) -> None:
        assert invocation_of(http_event(), FUNCTION, POOL).request_id is None

    def test_the_invocation_shows_no_payload_type_that_it_does_not_have(self) -> None:
        assert invocation_of(http_event(), HTTP, POOL) == Invocation(
            invocation_of(http_event(), HTTP, POOL).caller, BODY, over_http=True, request_id="id-1"
        )


class TestHttpAnswer:
    """What API Gateway returns to the caller."""

    def test_an_answer_is_json_with_status_200(self) -> None:
        assert http_answer({"match": True}) == {
            "statusCode": 200,
            "headers": {"content-type": "application/json"},
            "body": '{"match": true}',
        }

    def test_a_problem_is_the_bare_object_with_its_status(self) -> None:
        problem = {"type": "urn:phone-vault:problem:not-found", "status": 404}
        assert http_answer({"problem": problem}) == {
            "statusCode": 404,
            "headers": {"content-type": "application/problem+json"},
            "body": json.dumps(problem),
        }

    def test_a_batch_with_problems_has_status_200(self) -> None:
        assert http_answer({"results": [{"problem": {"status": 404}}]})["statusCode"] == 200
