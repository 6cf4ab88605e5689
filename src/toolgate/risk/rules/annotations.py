"""Annotations are the server's claims: they may raise a class; `readOnlyHint` says something only where words do not."""

from collections.abc import Iterator

from toolgate.risk.model import Evidence, Text


def destructive_hint(text: Text) -> Iterator[Evidence]:
    """An explicit `destructiveHint: true` on a tool that is not read-only weighs 1.0."""
    if text.destructive is True and text.read_only is not True:
        yield Evidence("Destructive", 1.0, "annotations", (0, len("destructiveHint")), "destructiveHint", "destructive-hint")


def read_only_hint(text: Text) -> Iterator[Evidence]:
    """`readOnlyHint: true` weighs 0.6: enough to break silence, never enough against a verb."""
    if text.read_only is True:
        yield Evidence("Read", 0.6, "annotations", (0, len("readOnlyHint")), "readOnlyHint", "read-only-hint")
