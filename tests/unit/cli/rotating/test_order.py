"""What the options of `phone-vault rotate` come down to."""

import argparse
from typing import Any, NamedTuple

import pytest

from phone_vault.cli import rotate
from phone_vault.cli.problem import WrongUsage
from phone_vault.cli.rotating.order import Order


class Ended(NamedTuple):
    """An execution of before."""

    name: str
    has_succeeded: bool = False


def ordered(*options: str) -> Order:
    parser = argparse.ArgumentParser()
    rotate.add_order_to(parser)
    return rotate.order_in(parser.parse_args(options))


INPUTS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "what is due": ([], {"rotate": "due"}),
    "a use": (["--use", "index"], {"rotate": "due", "use": "index"}),
    "a tenant": (["--tenant", "acme"], {"rotate": "due", "tenant_id": "acme"}),
    "a compromise": (["--compromise"], {"rotate": "due", "reason": "compromise"}),
    "new record keys": (["--re-encrypt"], {"rotate": "due", "re_encrypt": True}),
    "no new keys": (["--no-new-keys"], {"rotate": "none"}),
    "KMS keys, by RotateKeys": (["--use", "kms", "--tenant", "acme"], {"rotate": "none", "tenant_id": "acme"}),
}


@pytest.mark.parametrize(("options", "machine_input"), INPUTS.values(), ids=INPUTS.keys())
def test_options_become_the_input_of_the_machine(options: list[str], machine_input: dict[str, Any]) -> None:
    assert ordered(*options).machine_input == machine_input


def test_kms_keys_alone_are_rotated_before_the_machine_starts() -> None:
    assert ordered("--use", "kms").rotate_keys_request == {"use": "kms"}
    assert ordered("--use", "branch").rotate_keys_request is None


def test_going_on_makes_no_keys() -> None:
    assert ordered("--use", "branch").continued_input == {"rotate": "none", "use": "branch"}


def test_what_cannot_be_taken_back_has_a_warning() -> None:
    warned = [
        bool(ordered(*options).warnings) for options in (["--use", "kms"], ["--re-encrypt"], ["--compromise"], [])
    ]
    assert warned == [True, True, False, False]


@pytest.mark.parametrize("options", [["--use", "kms"], ["--no-new-keys"]])
def test_a_compromise_is_not_answered_by_what_cures_none(options: list[str]) -> None:
    with pytest.raises(WrongUsage):
        ordered("--compromise", *options)


def test_names_of_executions_are_such_as_step_functions_takes() -> None:
    name = ordered("--use", "branch", "--tenant", "a" * 64).execution_name()
    assert len(name) <= 80
    assert name.replace("-", "").isalnum()


def test_an_order_knows_its_unfinished_executions() -> None:
    order, other = ordered("--use", "branch"), ordered("--use", "index")
    mine, theirs = Ended(order.execution_name()), Ended(other.execution_name())
    done = Ended(order.execution_name(), has_succeeded=True)
    assert order.unfinished_in([mine, mine, done, mine]) == [mine, mine]
    assert order.unfinished_in([theirs, mine]) == []
    assert order.unfinished_in([]) == []


def test_kms_keys_are_another_order_than_no_new_keys() -> None:
    kms, none = ordered("--use", "kms"), ordered("--no-new-keys")
    assert not none.is_of(Ended(kms.execution_name()))
