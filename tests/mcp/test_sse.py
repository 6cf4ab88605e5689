"""Events in and out."""

import random

import pytest

from toolgate.errors import BadRequest
from toolgate.mcp.sse import Decoder, Event, encode_event

STREAM = (
    b"\xef\xbb\xbf: a comment\r\n\r\nid: 1\ndata: one\n\nevent: message\rdata: two\rdata:  lines\r\rretry: 50\n\n"
    b"data\n\nevent: other\ndata: x\n\nid: a\0b\ndata: y\r\n\r\ndata: last without an end"
)
EVENTS = [
    Event(b"one", id="1"), Event(b"two\n lines"), Event(b"", retry=50), Event(b""), Event(b"x", "other"), Event(b"y"),
]  # fmt: skip


def decoded(chunks):
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_cut_anywhere_the_events_are_the_same():
    assert decoded([STREAM]) == EVENTS
    for place in range(len(STREAM)):
        assert decoded([STREAM[:place], STREAM[place:]]) == EVENTS, place
    assert decoded([STREAM[i : i + 1] for i in range(len(STREAM))]) == EVENTS


def test_what_is_encoded_is_decoded():
    rng = random.Random(1)
    for _ in range(500):
        data = b"\n".join(
            bytes(rng.choice(b"ab: \x00\xc3") for _ in range(rng.randrange(5))) for _ in range(rng.randrange(1, 4))
        )
        assert decoded([encode_event(data, "message", "7")]) == [Event(data, "message", "7")]


@pytest.mark.parametrize(
    "data", [b"a\ndata: b", b"a\r\revent: x\rdata: forged", b"a\n\nid: 9\n\ndata: forged", b"a\r\n\r\ndata: b"]
)
def test_data_cannot_forge_an_event(data):
    events = decoded([encode_event(data)])
    assert len(events) == 1
    assert events[0].event == "message"
    assert events[0].id is None


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\0"])
def test_names_and_ids_hold_no_line_break(name):
    with pytest.raises(BadRequest):
        encode_event(b"x", name)
    with pytest.raises(BadRequest):
        encode_event(b"x", event_id=name)


def test_endless_events_are_cut_off():
    decoder = Decoder(largest=1000)
    with pytest.raises(BadRequest):
        for _ in range(200):
            decoder.feed(b"data: xxxxxxxxxx\n")
    with pytest.raises(BadRequest):
        Decoder(largest=1000).feed(b"x" * 2000)
