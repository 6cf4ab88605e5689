"""From a policy back to the document: `parse(dump(p)) == p`."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from toolgate.limits.model import Window
from toolgate.policy.model import Policy


def dump(policy: Policy) -> dict[str, Any]:
    """The document of a policy, as JSON-ready data."""
    return _plain(policy)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, Window):
        return value.calendar or value.seconds
    if hasattr(type(value), "__dataclass_fields__"):
        # a condition's value may be null; everything else that is None was absent
        keep = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _plain(member) for name, member in keep.items() if member is not None or name == "value"}
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return value
