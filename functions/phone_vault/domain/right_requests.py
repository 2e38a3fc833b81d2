"""Reading the request of a privacy team: whom it is about, what is to be done, and why."""

from enum import StrEnum
from typing import NamedTuple, TypeVar

from phone_vault.domain import moments
from phone_vault.domain.consent import Consent
from phone_vault.domain.ports import RecordId
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.standing import Ground

_Action = TypeVar("_Action", bound=StrEnum)


class NamedSubject(NamedTuple):
    """A data subject as the application names it, with all that is stored of it."""

    tenant_id: str
    subject_id: str


Whom = RecordId | NamedSubject
"""One stored number, or a whole subject."""


class HoldAction(StrEnum):
    """What becomes of a legal hold."""

    PLACE = "place"
    RELEASE = "release"


class RestrictAction(StrEnum):
    """What becomes of a restriction."""

    RESTRICT = "restrict"
    LIFT = "lift"


class RightReader(RequestReader):
    """Takes the fields of one request; `finish` refuses it for what was wrong."""

    _action_is_known = True

    def whom(self) -> Whom:
        """What `subject_id` or `token` names, with `tenant_id`."""
        tenant_id = self.tenant_id()
        names_token, names_subject = "token" in self._raw, "subject_id" in self._raw
        if names_token is names_subject:
            self._fault("", "must name either a subject_id or a token")
        token = self.token() if names_token else ""
        subject_id = self.subject_id() if names_subject else ""
        return RecordId(tenant_id, token) if names_token else NamedSubject(tenant_id, subject_id)

    def action(self, kind: type[_Action]) -> _Action:
        """Which of these; without one nobody knows which other fields the request has."""
        value = self._take("action")
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        self._action_is_known = False
        self._fault("/action", f"must be one of {', '.join(kind)}" if "action" in self._raw else "is missing")
        return list(kind)[-1]

    def case_id(self) -> str:
        """What a legal hold is for, in the words of whoever places it."""
        return self._required_text("case_id")

    def ground(self) -> Ground:
        """Why processing is restricted."""
        value = self._take("ground")
        if isinstance(value, str) and value in list(Ground):
            return Ground(value)
        self._fault("/ground", f"must be one of {', '.join(Ground)}" if "ground" in self._raw else "is missing")
        return Ground.ACCURACY

    def given_consent(self) -> Consent:
        """`given_at` and `evidence`."""
        value = self._take("given_at")
        given_at = self._now
        try:
            given_at = moments.from_text(value)
        except (TypeError, ValueError):
            what = "must be a time of RFC 3339 with Z" if "given_at" in self._raw else "is missing"
            self._fault("/given_at", what)
        if given_at > self._now:
            self._fault("/given_at", "must not be in the future")
        return Consent(given_at, self._required_text("evidence"))

    def require_reason(self) -> None:
        """Whoever asks must say why."""
        reason = self._raw.get("reason")
        if self._must_say_why:
            return  # it is required already
        if "reason" not in self._raw:
            self._fault("/reason", "is missing")
        elif isinstance(reason, str) and not reason.strip():
            self._fault("/reason", "must not be empty")

    def _required_text(self, field: str) -> str:
        value = self._take(field)
        if field not in self._raw:
            self._fault(f"/{field}", "is missing")
            return ""
        if isinstance(value, str) and not value.strip():
            self._fault(f"/{field}", "must not be empty")
        return self._text(f"/{field}", value)

    def _unknown(self, field: object) -> None:
        if self._action_is_known:
            super()._unknown(field)
