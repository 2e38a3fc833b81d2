"""Junk is refused in the one way that is meant for it."""

import copy
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from phone_vault.adapters.rows import record_of
from phone_vault.crypto.messages import NotAuthentic, decrypt
from phone_vault.domain.callers import UserPool, iam_caller, jwt_caller
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.moments import from_text, to_text
from phone_vault.domain.policy_file import PolicyFaults, parse
from phone_vault.handlers.invocation import invocation_of
from tests.unit.adapters.test_rows import row
from tests.unit.crypto.test_messages import CONTEXT, KEY, MESSAGE
from tests.unit.domain.test_policy_file import DOCUMENT

HTTP = "arn:aws:lambda:eu-west-1:123456789012:function:phone-vault-Reveal:http"
POOL = UserPool("https://issuer", "client")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.datetimes(),
    st.dates(),
    st.binary(max_size=4),
)
known_keys = st.sampled_from(
    [
        "version",
        "mask",
        "visible_suffix",
        "rotation",
        "purposes",
        "delivery",
        "lawful_basis",
        "retention",
        "days",
        "from",
        "jurisdictions",
        "GDPR",
        "tenants",
        "principals",
        "match",
        "functions",
        "views",
        "quotas",
        "kms_key",
        "wrapping",
    ]
)
junk: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda children: st.one_of(
        st.lists(children, max_size=4),
        st.dictionaries(st.one_of(known_keys, st.text(max_size=8), st.integers()), children, max_size=5),
    ),
    max_leaves=15,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in the document, with each of its keys."""
    keys: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@given(junk)
def test_a_policy_of_junk_raises_policy_faults_alone(document: Any) -> None:
    with suppress(PolicyFaults):
        parse(document)


@given(st.data(), junk)
def test_a_policy_with_junk_in_one_place_raises_policy_faults_alone(data: st.DataObject, value: Any) -> None:
    document = copy.deepcopy(dict(DOCUMENT))
    container, key = data.draw(st.sampled_from(places(document)))
    container[key] = value
    with suppress(PolicyFaults):
        parse(document)


@given(st.text(max_size=30) | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z"))
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert to_text(from_text(text)) == text.partition(".")[0].removesuffix("Z") + "Z"


@given(junk)
def test_any_event_under_http_without_an_authorizer_names_nobody(event: Any) -> None:
    assert invocation_of(event, HTTP, POOL).caller.names == ()


@given(st.text(max_size=60) | st.builds("arn:aws:sts::123456789012:assumed-role/{}/{}".format, st.text(), st.text()))
def test_a_role_s_name_is_never_longer_than_its_own_segment(arn: str) -> None:
    for name in iam_caller(arn).names:
        assert name.count("/") == 1
        assert name.startswith("arn:aws:iam::123456789012:role/")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "token_use": st.just("access") | junk,
            "iss": st.just(POOL.issuer) | junk,
            "client_id": st.just(POOL.client_id) | junk,
            "cognito:groups": st.builds("[{}]".format, st.text(max_size=12)) | junk,
        },
    )
)
def test_any_claims_name_groups_or_nobody(claims: dict[str, object]) -> None:
    assert all(name.startswith("group:") for name in jwt_caller(claims, POOL).names)


@given(st.data(), st.integers(1, 8))
def test_a_message_with_any_bytes_changed_is_refused(data: st.DataObject, count: int) -> None:
    changed = bytearray(MESSAGE)
    for _ in range(count):
        changed[data.draw(st.integers(0, len(MESSAGE) - 1))] = data.draw(st.integers(0, 255))
    if bytes(changed) == MESSAGE:
        return
    try:
        decrypt(bytes(changed), KEY, CONTEXT)
    except NotAuthentic:
        return
    raise AssertionError("taken for a message of ours")


@given(st.data(), junk)
def test_a_row_with_junk_in_one_place_reads_or_is_tampered(data: st.DataObject, value: Any) -> None:
    changed = row()
    container, key = data.draw(st.sampled_from(places(changed)))
    if key == "record_id":
        return
    container[key] = value
    with suppress(TamperedStore):
        record_of(changed)
