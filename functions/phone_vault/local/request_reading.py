"""What moto and the SDK work out anew for every request although it never changes: a fifth of a transaction's time."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from botocore import useragent
from moto.core import responses, utils
from moto.core.base_backend import BackendDict
from moto.dynamodb.comparisons import ConditionExpressionParser

_SANITIZE = "sanitize_user_agent_string_component"
_parse = ConditionExpressionParser.parse
_create = BackendDict._create_account_specific_backend


@contextmanager
def read_once() -> Iterator[None]:
    """Answers stay the same."""
    with ExitStack() as patches:
        for owner, name, repair in (
            (ConditionExpressionParser, "parse", _parsed_once),
            (responses, "method_names_from_class", lru_cache(utils.method_names_from_class)),
            (responses, "gen_amzn_requestid_long", _request_id),
            (useragent, _SANITIZE, lru_cache(getattr(useragent, _SANITIZE))),
            (BackendDict, "_create_account_specific_backend", _created_once),
        ):
            patches.enter_context(patch.object(owner, name, repair))
        yield


def _request_id(headers: dict[str, Any]) -> str:
    """Drawn at once; moto draws its 52 characters one by one."""
    headers["x-amzn-requestid"] = request_id = secrets.token_hex(26).upper()
    return request_id


def _created_once(backends: BackendDict[Any], account_id: str) -> None:
    """Thirty times a request moto takes a lock and looks through a list for a service that has long been there."""
    if account_id not in backends:
        _create(backends, account_id)


def _parsed_once(parser: ConditionExpressionParser) -> Any:
    """A condition's tree by its text and names. Values are part of the tree: with them it is parsed each time."""
    if parser.expression_attribute_values or not parser.condition_expression:
        return _parse(parser)
    names = tuple(sorted((parser.expression_attribute_names or {}).items()))
    tree, names_found = _tree(parser.condition_expression, names)
    parser.expr_attr_names_found = list(names_found)  # which the caller extends
    return tree


@lru_cache(maxsize=256)
def _tree(condition: str, names: tuple[tuple[str, str], ...]) -> tuple[Any, tuple[str, ...]]:
    parser = ConditionExpressionParser(condition, dict(names), {})
    return _parse(parser), tuple(parser.expr_attr_names_found)
