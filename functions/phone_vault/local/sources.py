"""Where templates and policy are: in the wheel that brings them along, else in the checkout around the package."""

from pathlib import Path

_SHIPPED = Path(__file__).parent / "shipped"
_CHECKOUT = Path(__file__).parents[3]


def template() -> Path:
    """The parent template; the nested ones lie beside it as it says."""
    return _found("template.yaml")


def policy() -> Path:
    """The vault policy that ships with the functions."""
    return _found("functions/policy.toml")


def _found(name: str) -> Path:
    for root in (_SHIPPED, _CHECKOUT):
        if (found := root / name).is_file():
            return found
    raise FileNotFoundError(f"{name} is neither in {_SHIPPED} nor in {_CHECKOUT}")
