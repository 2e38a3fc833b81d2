"""What moto works out anew for every request although it never changes: a fifth of a transaction's time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from moto.core import responses, utils
from moto.dynamodb.comparisons import ConditionExpressionParser

_parse = ConditionExpressionParser.parse


@contextmanager
def read_once() -> Iterator[None]:
    """Answers stay the same."""
    with ExitStack() as patches:
        for owner, name, repair in (
            (ConditionExpressionParser, "parse", _parsed_once),
            (responses, "method_names_from_class", lru_cache(utils.method_names_from_class)),
        ):
            patches.enter_context(patch.object(owner, name, repair))
        yield


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
