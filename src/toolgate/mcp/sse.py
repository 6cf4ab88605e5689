"""Server-sent events (WHATWG HTML, section 9.2): an encoder that cannot be injected into, and an incremental decoder."""

from dataclasses import dataclass

from toolgate.errors import BadRequest

LARGEST_EVENT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `data` lines are joined with a newline; `id` is None when the event names none."""

    data: bytes
    event: str = "message"
    id: str | None = None
    retry: int | None = None


def encode_event(data: bytes, event: str = "message", event_id: str | None = None, retry: int | None = None) -> bytes:
    """One event. Any line break in `data` starts another `data:` line; in a name or id it is refused."""
    parts = [b"event: " + _field(event) + b"\n"]
    if event_id is not None:
        parts.append(b"id: " + _field(event_id) + b"\n")
    if retry is not None:
        parts.append(b"retry: %d\n" % retry)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    parts.extend(b"data: " + line + b"\n" for line in data.split(b"\n"))
    return b"".join([*parts, b"\n"])


def _field(text: str) -> bytes:
    if any(character in text for character in "\r\n\0"):
        raise BadRequest("an event's name or id holds a line break")
    return text.encode()


class Decoder:
    """Bytes in, events out. Lines may end in LF, CR or CRLF, and chunks may be cut anywhere."""

    def __init__(self, largest: int = LARGEST_EVENT) -> None:
        self._largest = largest
        self._buffer = b""
        self._started = False
        self._skip_newline = False
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self._id: str | None = None
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises BadRequest past the size cap."""
        if self._skip_newline and chunk:
            self._skip_newline = False
            chunk = chunk.removeprefix(b"\n")
        buffer = self._buffer + chunk
        if not self._started and len(buffer) >= 3:
            self._started = True
            buffer = buffer.removeprefix(b"\xef\xbb\xbf")
        events: list[Event] = []
        lines = self._lines(buffer)
        for line in lines:
            self._line(line, events)
        if len(self._buffer) + self._size > self._largest:
            raise BadRequest(f"the server sent an event of more than {self._largest} bytes")
        return events

    def _lines(self, buffer: bytes) -> list[bytes]:
        if b"\r" in buffer:
            self._skip_newline = buffer.endswith(b"\r")
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._buffer = buffer.split(b"\n")
        return lines

    def _line(self, line: bytes, events: list[Event]) -> None:
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) < 10:
            self._retry = int(value)

    def _dispatch(self, events: list[Event]) -> None:
        if self._data or self._id is not None or self._retry is not None:
            events.append(Event(b"\n".join(self._data), self._event or "message", self._id, self._retry))
        self._data, self._size, self._event, self._id, self._retry = [], 0, "", None, None
