"""Ids and progress tokens of the gateway's own, so that two clients' can never meet on one link."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import msgspec

from toolgate.mcp.messages import Interim
from toolgate.mcp.strictjson import dumps

PROGRESS = "notifications/progress"


class Minted:
    """The ids of one link, and what the caller's progress tokens became."""

    def __init__(self) -> None:
        self._next = count(1)
        self._tokens: dict[Any, Any] = {}

    def begin(self, params: Mapping[str, Any] | None) -> tuple[int, Mapping[str, Any] | None]:
        """A fresh id, and the parameters with a fresh progress token where there was one."""
        request_id = next(self._next)
        meta = params.get("_meta") if params else None
        if params is None or not isinstance(meta, dict) or "progressToken" not in meta:
            return request_id, params
        self._tokens[request_id] = meta["progressToken"]
        return request_id, {**params, "_meta": {**meta, "progressToken": request_id}}

    def end(self, request_id: int) -> None:
        """The request is over."""
        self._tokens.pop(request_id, None)

    def request_of(self, message: Interim) -> int | None:
        """The request that a progress notification is about."""
        if message.method != PROGRESS or message.params is None:
            return None
        token = _token(message.params)
        return token if token in self._tokens else None

    def restored(self, message: Interim) -> Interim:
        """A progress notification with the caller's own token again; anything else as it is."""
        request_id = self.request_of(message)
        if request_id is None or message.params is None:
            return message
        fields = msgspec.json.decode(message.params, type=dict[str, msgspec.Raw])
        fields["progressToken"] = msgspec.Raw(dumps(self._tokens[request_id]))
        return Interim(message.method, msgspec.Raw(dumps(fields)))


def _token(params: msgspec.Raw) -> int | None:
    try:
        token = msgspec.json.decode(params).get("progressToken")
    except (msgspec.DecodeError, AttributeError):
        return None
    return token if isinstance(token, int) and not isinstance(token, bool) else None
