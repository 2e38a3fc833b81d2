"""Condition blocks of policy statements.

Source: IAM User Guide, "Condition operators" and "Set operators for multivalued context keys".
"""

from collections.abc import Callable, Mapping
from typing import Any

from phone_vault.local.iam.patterns import UnsupportedPolicy, matches

ContextValues = tuple[str, ...] | None
"""The values of a condition key in a request; None when the request does not have it."""

MULTIVALUED = frozenset({"dynamodb:leadingkeys", "dynamodb:attributes", "kms:encryptioncontextkeys"})

_FOR_ALL = "ForAllValues:"
_FOR_ANY = "ForAnyValue:"
_IF_EXISTS = "IfExists"


def _equals(wanted: str, actual: str) -> bool:
    return wanted == actual


_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equals,
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
}
_NEGATIVE = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def holds(block: Mapping[str, Mapping[str, Any]], value_of: Callable[[str], ContextValues]) -> bool:
    """Whether all conditions of a block hold; `value_of` raises for a key that it does not know."""
    return all(
        _holds(operator, key, _as_texts(wanted), value_of(key.lower()))
        for operator, comparisons in block.items()
        for key, wanted in comparisons.items()
    )


def _holds(operator: str, key: str, wanted: tuple[str, ...], actual: ContextValues) -> bool:
    if operator == "Null":
        return wanted == (str(actual is None).lower(),)
    for prefix, quantifier in ((_FOR_ALL, all), (_FOR_ANY, any)):
        if operator.startswith(prefix):
            compare = _comparison(operator.removeprefix(prefix))
            # Over no values at all, the first is true and the second false.
            return quantifier(compare(wanted, value) for value in actual or ())
    if key.lower() in MULTIVALUED:
        raise UnsupportedPolicy(f"{key} has several values and needs ForAllValues or ForAnyValue: {operator}")
    if operator.endswith(_IF_EXISTS):
        return actual is None or _comparison(operator.removesuffix(_IF_EXISTS))(wanted, actual[0])
    compare = _comparison(operator)
    if actual is None:
        return operator in _NEGATIVE
    return compare(wanted, actual[0])


def _comparison(operator: str) -> Callable[[tuple[str, ...], str], bool]:
    """Several wanted values are alternatives; none of them may match for a negated operator."""
    if operator in _NEGATIVE:
        positive = _POSITIVE[_NEGATIVE[operator]]
        return lambda wanted, actual: not any(positive(each, actual) for each in wanted)
    if operator in _POSITIVE:
        single = _POSITIVE[operator]
        return lambda wanted, actual: any(single(each, actual) for each in wanted)
    raise UnsupportedPolicy(f"unknown condition operator: {operator}")


def _as_texts(wanted: Any) -> tuple[str, ...]:
    values = wanted if isinstance(wanted, list) else [wanted]
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
