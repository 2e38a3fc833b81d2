"""Judges each request of a role session before moto answers it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import Role, iam_backends
from moto.s3.exceptions import S3AccessDeniedError
from moto.sts.models import AssumedRole, sts_backends

from phone_vault.local.iam import dynamodb_requests, kms_requests
from phone_vault.local.iam.patterns import UnsupportedPolicy
from phone_vault.local.iam.policies import AuthorizationRequest, Verdict, mentions, verdict
from phone_vault.local.place import ACCOUNT, PARTITION, REGION
from phone_vault.local.repairs.kms_places import key_of
from phone_vault.local.request_bodies import body_of

_DERIVED: dict[str, Callable[[str, Mapping[str, Any], str], Iterator[AuthorizationRequest]]] = {
    "dynamodb": lambda operation, body, _: dynamodb_requests.derive(operation, body),
    "kms": kms_requests.derive,
}
"""By operation, body and region."""
_ALLOWED_TO_EVERYBODY = frozenset({("sts", "GetCallerIdentity")})
_OTHER_SERVICES = {"awslambda": "lambda", "cloudformation": "cloudformation", "iam": "iam", "s3": "s3", "sts": "sts"}
"""What IAM calls services whose resources have no policies here that would let a role in."""
_ACCOUNT_ROOT = f"arn:{PARTITION}:iam::{ACCOUNT}:root"


@contextmanager
def enforced() -> Iterator[None]:
    """Stock moto refuses whatever is allowed by ARN, ignores conditions, and restricts everybody or nobody."""
    with (
        patch.object(ActionAuthenticatorMixin, "_authenticate_and_authorize_action", _authorize),
        patch.object(ActionAuthenticatorMixin, "_authenticate_and_authorize_normal_action", _authorize),
    ):
        yield


def _authorize(moto_request: Any, *_: Any) -> None:
    token = moto_request.headers.get("X-Amz-Security-Token")
    if not token:
        return
    session = _session(token)
    service, operation = moto_request.service_name, moto_request._get_action()
    if (service, operation) in _ALLOWED_TO_EVERYBODY:
        return
    if service not in _DERIVED:
        _refuse_unless_mentioned(session, service, operation)
        raise UnsupportedPolicy(f"nobody has derived what {service}:{operation} of a role needs")
    for request in _DERIVED[service](operation, body_of(moto_request), moto_request.region):
        _judge(session, request, moto_request.region)


def _session(token: str) -> AssumedRole:
    for session in sts_backends[ACCOUNT][PARTITION].assumed_roles:
        if session.session_token == token:
            return session
    raise JsonRESTError("UnrecognizedClientException", "The security token included in the request is invalid.")


def _refuse_unless_mentioned(session: AssumedRole, service: str, operation: str) -> None:
    """What a role's policies do not speak of at all is refused, whatever the operation needs."""
    name = _OTHER_SERVICES.get(service)
    if name is None or any(mentions(policy, name) for policy in _identity_policies(_role(session))):
        return
    match name:
        case "s3":
            raise S3AccessDeniedError
        case "lambda":
            raise _denied(
                session, AuthorizationRequest(f"lambda:{operation}", "*"), "because no policy speaks of lambda"
            )
        case _:
            raise AccessDeniedError(user_arn=session.arn, action=f"{name}:{operation}")


def _role(session: AssumedRole) -> Role:
    return iam_backends[ACCOUNT][PARTITION].get_role_by_arn(session.role_arn)


def _judge(session: AssumedRole, request: AuthorizationRequest, region: str) -> None:
    request = replace(
        request,
        context={
            **request.context,
            "aws:principalaccount": (ACCOUNT,),
            "aws:principalarn": (session.role_arn,),
            "aws:requestedregion": (region,),
            "aws:securetransport": ("true",),
        },
    )
    by_identity = verdict(_identity_policies(_role(session)), request)
    if by_identity is Verdict.DENIED:
        raise _denied(session, request, "with an explicit deny in an identity-based policy")
    policies = _resource_policies(request.resource)
    as_role = verdict(policies, request, frozenset({session.role_arn, session.arn}))
    as_account = verdict(policies, request, frozenset({_ACCOUNT_ROOT, ACCOUNT}))
    if Verdict.DENIED in (as_role, as_account):
        raise _denied(session, request, "with an explicit deny in a resource-based policy")
    if as_role is Verdict.ALLOWED and not _of_another_account(request.resource):
        return
    if by_identity is Verdict.SILENT:
        raise _denied(session, request, f"because no identity-based policy allows the {request.action} action")
    if _needs_its_own_policy(request) and Verdict.ALLOWED not in (as_role, as_account):
        raise _denied(session, request, f"because no resource-based policy allows the {request.action} action")


def _identity_policies(role: Role) -> list[str]:
    if role.permissions_boundary_arn:
        raise UnsupportedPolicy(f"permissions boundaries are not evaluated: {role.name}")
    return [*role.policies.values(), *(policy.versions[-1].document for policy in role.managed_policies.values())]


def _resource_policies(resource: str) -> list[str]:
    if key := key_of(resource):
        return [key.policy]
    attached = dynamodb_backends[ACCOUNT][REGION].resource_policies.get(resource.partition("/index/")[0])
    return [attached.policy_doc] if attached else []


def _needs_its_own_policy(request: AuthorizationRequest) -> bool:
    """A KMS key is nobody's by IAM policies alone: its key policy has to hand the decision to the account."""
    return key_of(request.resource) is not None


def _of_another_account(resource: str) -> bool:
    """There its own policy is not enough: both accounts have to allow."""
    return resource.startswith("arn:") and resource.split(":")[4] != ACCOUNT


def _denied(session: AssumedRole, request: AuthorizationRequest, reason: str) -> JsonRESTError:
    return JsonRESTError(
        "AccessDeniedException",
        f"User: {session.arn} is not authorized to perform: {request.action} on resource: {request.resource} {reason}",
    )
