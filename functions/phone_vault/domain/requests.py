"""Reading a request: field by field, all faults at once, in the contract's order, no value ever echoed."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from phone_vault.domain import identifiers, moments
from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import Fault, InvalidMessage, InvalidNumber, InvalidRequest
from phone_vault.domain.free_text import fault_of, holds_digits_of
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import View

DEFAULT_TENANT = "default"
MOST_PURPOSES = 50

_LONGEST_MESSAGE_TEXT = 5464  # base64 of 4,096 bytes, the longest message that is looked at
_UNREADABLE = PhoneNumber("", "")
_PRINTABLE_FIELD = re.compile(r"[A-Za-z_]{1,40}")
_Name = TypeVar("_Name", Jurisdiction, View)


class RequestReader:
    """Takes the fields of one request; `finish` refuses it for what was wrong.

    A field that is faulty or missing reads as a placeholder, which nobody sees because `finish` raises. With
    `partial` the fields are those that a batch's items share: nothing is missing from them. With `must_say_why` the
    request needs a `reason`, which any request may have.
    """

    def __init__(
        self,
        raw: Mapping[str, Any],
        now: datetime,
        *,
        in_batch: bool = False,
        partial: bool = False,
        must_say_why: bool = False,
    ) -> None:
        self._faults: list[Fault] = []
        self._raw = raw
        self._now = now
        self._in_batch = in_batch
        self.partial = partial
        self._must_say_why = must_say_why
        self._taken: set[str] = set()
        self._texts: list[tuple[str, str]] = []
        self._identifier: str | None = None
        self._number: PhoneNumber | None = None
        self._number_refusal: InvalidNumber | None = None
        self._message_refusal: InvalidMessage | None = None

    def tenant_id(self) -> str:
        """The tenant; `default` when the request names none."""
        return self._matching("tenant_id", identifiers.TENANT_ID, "1 to 64 of A-Z, a-z, 0-9, _ and -", DEFAULT_TENANT)

    def subject_id(self) -> str:
        """The application's pseudonymous id of the data subject."""
        self._identifier = self._string("subject_id")
        return self._identifier

    def token(self) -> str:
        """The token, as `Protect` gave it."""
        return self._matching("token", identifiers.TOKEN, "tok_ and at least 20 of 0-9 and a-z")

    def purpose(self) -> str:
        """One purpose's name; whether the policy knows it is asked later."""
        return self._matching("purpose", identifiers.PURPOSE, "1 to 64 of a-z, 0-9 and _")

    def view(self) -> View:
        """How much of the number the answer shows; `full` when the request does not say."""
        return self._named("view", View) or View.FULL

    def jurisdiction(self) -> Jurisdiction | None:
        """The regime that the caller declares."""
        return self._named("jurisdiction", Jurisdiction)

    def idempotency_key(self) -> str | None:
        """What an application calls one attempt to store, so that the attempt can be repeated."""
        if "idempotency_key" in self._raw and self.partial:
            self._fault("/idempotency_key", "belongs in each item: it names one attempt")
        text = self._matching(
            "idempotency_key", identifiers.IDEMPOTENCY_KEY, "1 to 128 of A-Z, a-z, 0-9, _, ., : and -", ""
        )
        return text or None

    def reason(self) -> str | None:
        """Why, kept in the audit trail; `finish` looks at it."""
        reason = self._raw.get("reason")
        return reason if isinstance(reason, str) else None

    def number(self) -> PhoneNumber:
        """`number`, with `region` when it is not international."""
        text = self._string("number")
        region = self._region()
        if "number" not in self._raw or self._faults_at("/number", "/region"):
            return _UNREADABLE
        if self.partial and region is None and "+" not in text:
            return _UNREADABLE  # its region stands in the items, which are read in their turn
        from phone_vault.domain.numbering import parse_number

        try:
            self._number = parse_number(text, region)
        except InvalidNumber as refusal:
            self._number_refusal = refusal
            return _UNREADABLE
        return self._number

    def message(self) -> bytes:
        """An AWS Encryption SDK message in base64; whether it is one of the vault's is asked later."""
        text = self._string("message")
        if len(text) > _LONGEST_MESSAGE_TEXT:
            self._message_refusal = InvalidMessage("longer than any message of the vault")
            return b""
        try:
            message = base64.b64decode(text, validate=True)
        except ValueError:
            message = b""
        if base64.b64encode(message).decode() != text:  # the decoder overlooks bits that stand for nothing
            self._message_refusal = InvalidMessage("not base64")
        return message

    def consent(self) -> Consent | None:
        """A consent that came with the request's one purpose."""
        value = self._take("consent")
        return self._consent("/consent", value) if "consent" in self._raw else None

    def purposes(self) -> dict[str, Consent | None]:
        """A non-empty object from purpose to `{}` or `{"consent": {"given_at", "evidence"}}`."""
        value = self._take("purposes")
        if self.partial and "purposes" not in self._raw:
            return {}
        if not isinstance(value, Mapping) or not 1 <= len(value) <= MOST_PURPOSES:
            self._fault("/purposes", f"must be an object of 1 to {MOST_PURPOSES} purposes")
            return {}
        if not all(isinstance(name, str) and identifiers.PURPOSE.fullmatch(name) for name in value):
            self._fault("/purposes", "each purpose must be 1 to 64 of a-z, 0-9 and _")
            return {}
        return {name: self._purpose_detail(detail) for name, detail in value.items()}

    def refuse(self, pointer: str, detail: str) -> None:
        """Note a fault that the caller of the reader has found."""
        self._fault(pointer, detail)

    def reference(self) -> str | None:
        """The item's `reference` if it may be returned: a text without a number in it."""
        text = self._raw.get("reference")
        if not self._in_batch or not isinstance(text, str) or fault_of(text, self._number) is not None:
            return None
        typed = self._raw.get("number")
        return None if isinstance(typed, str) and holds_digits_of(text, typed) else text

    def finish(self) -> None:
        """Refuse the request for its faults, in the contract's order; nothing when there are none."""
        self._check_reason()
        if self._in_batch:
            self._optional_text("reference")
        for field in sorted(self._raw.keys() - self._taken, key=str):
            self._unknown(field)
        for pointer, text in self._texts:
            what = fault_of(text, self._number)
            if what is not None:
                self._fault(pointer, what)
        for field in ("tenant_id", "idempotency_key"):
            identifier = self._raw.get(field)
            if isinstance(identifier, str) and identifiers.gives_away(identifier, self._number):
                self._fault(f"/{field}", "must not be the number")
        if self._faults:
            raise InvalidRequest(self._faults)
        if self._identifier is not None and "subject_id" in self._raw:
            self._check_subject_id(self._identifier)
        if self._number_refusal is not None:
            raise self._number_refusal
        if self._message_refusal is not None:
            raise self._message_refusal

    def _check_reason(self) -> None:
        reason = self._optional_text("reason")
        if not self._must_say_why:
            return
        if reason is None and not self.partial:
            self._fault("/reason", "is missing: the caller's rights are for emergencies")
        elif isinstance(self._raw.get("reason"), str) and not self._raw["reason"].strip():
            self._fault("/reason", "must not be empty: the caller's rights are for emergencies")

    def _check_subject_id(self, subject_id: str) -> None:
        written = [self._raw.get("number", "")]
        if self._number is not None:
            from phone_vault.domain.numbering import national_format

            written.append(national_format(self._number))
        identifiers.check_pseudonymous(subject_id, number=self._number, written=written)
        if not identifiers.SUBJECT_ID.fullmatch(subject_id):
            raise InvalidRequest([Fault("/subject_id", "must be 1 to 128 of A-Z, a-z, 0-9, _, ., : and -")])

    def _purpose_detail(self, detail: object) -> Consent | None:
        if not isinstance(detail, Mapping) or not detail.keys() <= {"consent"}:
            self._fault("/purposes", 'each purpose must be {} or {"consent": {"given_at", "evidence"}}')
            return None
        return self._consent("/purposes", detail["consent"]) if detail else None

    def _consent(self, pointer: str, consent: object) -> Consent | None:
        if not isinstance(consent, Mapping) or consent.keys() != {"given_at", "evidence"}:
            self._fault(pointer, "a consent must be an object of given_at and evidence")
            return None
        evidence = self._text(pointer, consent["evidence"])
        if consent["evidence"] == "":
            self._fault(pointer, "a consent's evidence must not be empty")
        try:
            given_at = moments.from_text(consent["given_at"])
        except (TypeError, ValueError):
            self._fault(pointer, "a consent's given_at must be a time of RFC 3339 with Z")
            return None
        if given_at > self._now:
            self._fault(pointer, "a consent's given_at must not be in the future")
        return Consent(given_at, evidence)

    def _region(self) -> str | None:
        region = self._take("region")
        if "region" not in self._raw:
            return None
        from phone_vault.domain.numbering import is_region

        if not isinstance(region, str) or not is_region(region):
            self._fault("/region", "must be a region code of libphonenumber, such as GB")
            return None
        return region

    def _optional_text(self, field: str) -> str | None:
        value = self._take(field)
        return self._text(f"/{field}", value) if field in self._raw else None

    def _text(self, pointer: str, value: object) -> str:
        """Free text; its content is looked at in `finish`, when the request's number is known."""
        if not isinstance(value, str):
            self._fault(pointer, "must be a string")
            return ""
        self._texts.append((pointer, value))
        return value

    def _matching(self, field: str, pattern: re.Pattern[str], what: str, default: str | None = None) -> str:
        text = self._string(field, default)
        if isinstance(self._raw.get(field), str) and not pattern.fullmatch(text):
            self._fault(f"/{field}", f"must be {what}")
        return text

    def _string(self, field: str, default: str | None = None) -> str:
        value = self._take(field)
        if field not in self._raw and (self.partial or default is not None):
            return default or ""
        if field not in self._raw:
            self._fault(f"/{field}", "is missing")
            return ""
        if not isinstance(value, str):
            self._fault(f"/{field}", "must be a string")
            return ""
        return value

    def _named(self, field: str, kind: type[_Name]) -> _Name | None:
        value = self._take(field)
        if field not in self._raw:
            return None
        if not isinstance(value, str) or value not in list(kind):
            self._fault(f"/{field}", f"must be one of {', '.join(kind)}")
            return None
        return kind(value)

    def _take(self, field: str) -> Any:
        self._taken.add(field)
        return self._raw.get(field)

    def _unknown(self, field: object) -> None:
        if isinstance(field, str) and _PRINTABLE_FIELD.fullmatch(field):
            self._fault(f"/{field}", "is not a field of this request")
        else:
            self._fault("", "has a field that is not one of this request")

    def _fault(self, pointer: str, detail: str) -> None:
        self._faults.append(Fault(pointer, detail))

    def _faults_at(self, *pointers: str) -> bool:
        return any(fault.pointer in pointers for fault in self._faults)
