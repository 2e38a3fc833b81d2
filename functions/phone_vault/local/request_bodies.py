"""What a request says, as it came over the wire: read once, however many of us ask."""

import json
from typing import Any

from moto.core.responses import BaseResponse

_BODY = "_phone_vault_body"


def body_of(response: BaseResponse) -> Any:
    """The JSON body of the request that moto is answering, not to be changed; moto has an object for each request."""
    if _BODY not in response.__dict__:
        setattr(response, _BODY, json.loads(response.raw_body or "{}"))
    return response.__dict__[_BODY]
