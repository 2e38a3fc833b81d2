"""Requests of jobs: read strictly, all faults at once, no value echoed."""

from collections.abc import Callable
from typing import Any

import pytest

from phone_vault.domain.errors import InvalidRequest
from phone_vault.domain.job_requests import JobReader
from tests.fakes import NEW_YEAR

Read = Callable[[JobReader], object]
NO_VALUES: list[Any] = [None, True, 1, 1.5, "", "x", "1", [], {}]
_SECRET = "+447400123456"


def reader(**raw: Any) -> JobReader:
    """Of one request."""
    return JobReader(raw, NEW_YEAR)


def read(reading: JobReader, one: Read) -> object:
    """What one field is read as, in a request of nothing else."""
    value = one(reading)
    reading.finish()
    return value


def pointers(reading: JobReader, one: Read) -> list[str]:
    """Where the faults are."""
    one(reading)
    with pytest.raises(InvalidRequest) as refused:
        reading.finish()
    assert _SECRET not in str(refused.value)
    return [fault.pointer for fault in refused.value.faults]


class TestTenant:
    """All, one, or one that must be named."""

    def test_none_named_means_all(self) -> None:
        assert read(reader(), JobReader.optional_tenant_id) is None

    def test_one_may_be_named(self) -> None:
        assert read(reader(tenant_id="acme"), JobReader.optional_tenant_id) == "acme"

    @pytest.mark.parametrize("value", [None, 1, "", "#vault", "a b", "x" * 65, [], pytest.param(_SECRET, id="number")])
    def test_anything_else_is_a_fault_and_does_not_mean_all(self, value: Any) -> None:
        assert "/tenant_id" in pointers(reader(tenant_id=value), JobReader.optional_tenant_id)

    def test_where_it_is_required_there_is_no_default(self) -> None:
        assert pointers(reader(), JobReader.required_tenant_id) == ["/tenant_id"]

    def test_a_required_one_may_stand_in_another_field(self) -> None:
        assert read(reader(confirm="acme"), lambda each: each.required_tenant_id("confirm")) == "acme"
        assert pointers(reader(confirm="#vault"), lambda each: each.required_tenant_id("confirm")) == ["/confirm"]


class TestWords:
    """One of a few."""

    @staticmethod
    def use(each: JobReader) -> str | None:
        return each.one_of("use", ("branch", "index"))

    @staticmethod
    def required(each: JobReader) -> str:
        return each.required_one_of("use", ("branch", "index"))

    def test_one_of_them_is_read(self) -> None:
        assert read(reader(use="index"), self.use) == "index"
        assert read(reader(use="index"), self.required) == "index"

    def test_an_optional_one_may_be_missing(self) -> None:
        assert read(reader(), self.use) is None

    def test_a_required_one_may_not(self) -> None:
        assert pointers(reader(), self.required) == ["/use"]

    @pytest.mark.parametrize("value", [*NO_VALUES, "Branch", pytest.param(_SECRET, id="number")])
    def test_anything_else_is_a_fault(self, value: Any) -> None:
        assert pointers(reader(use=value), self.use) == ["/use"]
        assert pointers(reader(use=value), self.required) == ["/use"]


class TestNumbers:
    """Versions from 1, shards from 0."""

    @pytest.mark.parametrize("value", [1, 2, 1_000_000])
    def test_a_version_is_read(self, value: int) -> None:
        assert read(reader(version=value), JobReader.version) == value

    @pytest.mark.parametrize("value", [0, -1, 1_000_001, 1.0, True, "1", None, [1]])
    def test_anything_else_is_no_version(self, value: Any) -> None:
        assert pointers(reader(version=value), JobReader.version) == ["/version"]

    def test_a_version_must_be_named(self) -> None:
        assert pointers(reader(), JobReader.version) == ["/version"]

    def test_shards_count_from_zero(self) -> None:
        assert read(reader(shard=0), JobReader.shard) == 0

    @pytest.mark.parametrize("value", [-1, False, "0", None, 0.0])
    def test_anything_else_is_no_shard(self, value: Any) -> None:
        assert pointers(reader(shard=value), JobReader.shard) == ["/shard"]


class TestFlags:
    """True or false."""

    @pytest.mark.parametrize(("raw", "meant"), [({}, False), ({"destroy": False}, False), ({"destroy": True}, True)])
    def test_what_is_not_said_is_false(self, raw: dict[str, Any], meant: bool) -> None:  # noqa: FBT001  what it reads
        assert read(reader(**raw), lambda each: each.flag("destroy")) is meant

    @pytest.mark.parametrize("value", [None, 0, 1, "true", "", [], {}])
    def test_anything_else_is_a_fault(self, value: Any) -> None:
        assert pointers(reader(destroy=value), lambda each: each.flag("destroy")) == ["/destroy"]


class TestParts:
    """A request within the request."""

    @staticmethod
    def rotation(each: JobReader) -> JobReader:
        return each.part("rotation", NEW_YEAR)

    def test_it_is_read_by_itself(self) -> None:
        outer = reader(rotation={"rotate": "none"})
        inner = self.rotation(outer)
        assert inner.one_of("rotate", ("due", "none")) == "none"
        outer.finish()
        inner.finish()

    def test_what_is_unknown_in_it_is_a_fault_of_its_own(self) -> None:
        inner = self.rotation(reader(rotation={"rotat": "none"}))
        with pytest.raises(InvalidRequest, match="rotat"):
            inner.finish()

    def test_none_is_an_empty_one(self) -> None:
        self.rotation(reader()).finish()

    @pytest.mark.parametrize("value", [None, 1, "none", []])
    def test_anything_else_is_a_fault(self, value: Any) -> None:
        assert pointers(reader(rotation=value), self.rotation) == ["/rotation"]


def test_a_run_is_named_by_a_text() -> None:
    assert read(reader(run_id="r"), JobReader.run_id) == "r"
    assert pointers(reader(), JobReader.run_id) == ["/run_id"]
    assert pointers(reader(run_id=7), JobReader.run_id) == ["/run_id"]


def test_a_field_that_nobody_takes_is_a_fault() -> None:
    assert pointers(reader(tenant_id="acme", number=_SECRET), JobReader.optional_tenant_id) == ["/number"]


def test_all_faults_are_told_at_once() -> None:
    def both(each: JobReader) -> None:
        each.version()
        each.flag("destroy")

    assert pointers(reader(destroy=1), both) == ["/version", "/destroy"]


def test_a_reason_that_holds_a_number_is_refused() -> None:
    assert pointers(reader(reason=f"asked by {_SECRET}"), lambda _: None) == ["/reason"]
