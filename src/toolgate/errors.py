"""The errors Toolgate raises on purpose: a small tree, each with a stable code and a text made for its reader.

Foreign exceptions are wrapped where they arise (at a port); `proxy.reply` alone maps these to the wire, `cli` alone to
exit codes. Texts are lower case, quote the reader's own words in backticks and say what to do next.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class ToolgateError(Exception):
    """Base of every expected failure. `str(error)` may be shown to whoever caused it."""

    code = "internal"


class BadRequest(ToolgateError):
    """The peer sent something that cannot be accepted: it was parsed strictly and refused.

    `rpc_code` is the JSON-RPC error code that the reply carries (JSON-RPC 2.0 section 5.1, MCP 2026-07-28).
    """

    code = "bad_request"

    def __init__(self, text: str, rpc_code: int = -32600, http_status: int = 400, data: object = None) -> None:
        super().__init__(text)
        self.rpc_code = rpc_code
        self.http_status = http_status
        self.data = data


class Unauthenticated(ToolgateError):
    """No grant token, or one that is unknown, expired or revoked. The text never says which."""

    code = "unauthenticated"


class NotFound(ToolgateError):
    """The named thing does not exist, or not in this organisation."""

    code = "not_found"


class Conflict(ToolgateError):
    """The change cannot be made as things stand (a name is taken, a policy is attached, …)."""

    code = "conflict"


class Unavailable(ToolgateError):
    """Something Toolgate needs cannot be reached, counted or recorded right now: the call is refused.

    `sent` is False only when it is certain that no byte of the call went upstream.
    """

    code = "unavailable"

    def __init__(self, text: str, *, sent: bool = False) -> None:
        super().__init__(text)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: where (RFC 6901 JSON Pointer, `""` is the whole), what is there, what may be."""

    pointer: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.pointer or '(document)'}: found {self.found}, expected {self.expected}"


class InvalidDocument(ToolgateError):
    """A policy or configuration with errors: all of them at once, in document order."""

    code = "invalid_document"

    def __init__(self, problems: Sequence[Problem], what: str = "document") -> None:
        self.problems = tuple(problems)
        self.what = what
        super().__init__("\n".join([f"the {what} has {len(self.problems)} error(s):", *map(str, self.problems)]))
