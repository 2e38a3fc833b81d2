"""KMS keys of other regions and accounts: an ARN says where its key is, and KMS answers for its own region only."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from moto.kms.exceptions import NotFoundException
from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

_validate_key = KmsResponse._validate_cmk_id
_validate_any = KmsResponse._validate_key_id
_describe = KmsBackend.describe_key


@contextmanager
def repairs() -> Iterator[None]:
    """Stock moto looks at the end of an ARN alone, and knows no other account's keys."""
    with (
        patch.object(KmsResponse, "_validate_cmk_id", _validate_key_where_it_is),
        patch.object(KmsResponse, "_validate_key_id", _validate_in_this_region),
        patch.object(KmsBackend, "describe_key", _describe_where_it_is),
    ):
        yield


def owner(backend: KmsBackend, key_id: str) -> KmsBackend:
    """Whose key of this region it is, by its plain id; the backend that asks when it is nobody's."""
    if key_id in backend.keys:
        return backend
    regional = (account[backend.region_name] for account in list(kms_backends.values()))
    return next((each for each in regional if key_id in each.keys), backend)


def key_of(arn: str) -> Key | None:
    """By the ARN of a key, and of nothing else."""
    match arn.split(":"):
        case ["arn", _, "kms", region, account, resource] if resource.startswith("key/"):
            return kms_backends[account][region].keys.get(resource.removeprefix("key/"))
    return None


def require_region(named: str | None, region: str) -> None:
    """Refuses the ARN of another region, as AWS words it: pulumi/pulumi#17022."""
    match (named or "").split(":"):
        case ["arn", _, "kms", another, *_] if another != region:
            raise NotFoundException(f"Invalid arn {another}")


def _validate_in_this_region(response: KmsResponse, key_id: str) -> None:
    require_region(key_id, response.region)
    _validate_any(response, key_id)


def _validate_key_where_it_is(response: KmsResponse, key_id: str) -> None:
    """By its ARN alone a key of another account is known."""
    require_region(key_id, response.region)
    if not key_id.startswith("arn:"):
        _validate_key(response, key_id)
    elif key_of(key_id) is None:
        raise NotFoundException(f"Key '{key_id}' does not exist")


def _describe_where_it_is(backend: KmsBackend, key_id: str) -> Key:
    plain = backend.any_id_to_key_id(key_id)
    return _describe(owner(backend, plain), plain)
