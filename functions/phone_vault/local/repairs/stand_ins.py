"""Resources that nothing here runs, but that others refer to: they have their names and their ARNs, and that is all."""

from typing import Any, ClassVar

from phone_vault.local.place import arn

Resource = dict[str, Any]


class Created:
    """What CloudFormation asks of a resource."""

    def __init__(self, physical_id: str) -> None:
        self.physical_resource_id = physical_id
        self.cf_resource_type = ""
        self.logical_resource_id = ""

    def is_created(self) -> bool:
        return True


class _Named(Created):
    """`Ref` is its name, the template's own or the resource's logical one."""

    name_property: ClassVar[str] = "Name"

    def __init__(self, name: str, properties: Resource) -> None:
        super().__init__(properties.get(self.name_property, name))
        self.properties = properties

    @classmethod
    def create_from_cloudformation_json(cls, name: str, resource: Resource, *_: Any, **__: Any) -> "_Named":
        return cls(name, resource.get("Properties", {}))

    @staticmethod
    def has_cfn_attr(attribute: str) -> bool:
        return attribute == "Arn"

    def get_cfn_attribute(self, attribute: str) -> str:
        if not self.has_cfn_attr(attribute):
            raise NotImplementedError(f"{type(self).__doc__} has no attribute {attribute} here")
        return self._arn()

    def _arn(self) -> str:
        raise NotImplementedError


class _Schedule(_Named):
    """AWS::Scheduler::Schedule."""

    def _arn(self) -> str:
        return arn("scheduler", f"schedule/{self.properties.get('GroupName', 'default')}/{self.physical_resource_id}")


class _ScheduleGroup(_Named):
    """AWS::Scheduler::ScheduleGroup."""

    def _arn(self) -> str:
        return arn("scheduler", f"schedule-group/{self.physical_resource_id}")


class _Alarm(_Named):
    """AWS::CloudWatch::Alarm."""

    name_property = "AlarmName"

    def _arn(self) -> str:
        return arn("cloudwatch", f"alarm:{self.physical_resource_id}")


STAND_INS = {
    "AWS::CloudWatch::Alarm": _Alarm,
    "AWS::CloudWatch::CompositeAlarm": _Alarm,
    "AWS::Scheduler::Schedule": _Schedule,
    "AWS::Scheduler::ScheduleGroup": _ScheduleGroup,
}
