"""Which addresses an upstream may have."""

import pytest

from toolgate.errors import Unavailable
from toolgate.proxy.transports.address import choose, is_public

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
    "fd00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1",
    "::127.0.0.1", "::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::",
    "2002:a00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:1::", "fec0::1", "100::1", "", "localhost", "1.2.3", "0x7f.1", "2130706433", "127.1",
    "::ffff:192.168.1.1", "2001:10::1", "5f00::1", "3fff::1", "::ffff:0.0.0.0", "192.88.99.1", "0:0:0:0:0:ffff:7f00:1", "[::1]",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address):
    assert not is_public(address)


def resolving(*addresses):
    async def resolver(host, port):
        return list(addresses)

    return resolver


async def test_the_address_that_was_judged_is_the_one_connected_to():
    assert await choose("a.example", 80, allow_private=False, name="up", resolver=resolving("8.8.8.8")) == "8.8.8.8"
    assert await choose("127.0.0.1", 80, allow_private=True, name="up") == "127.0.0.1"


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"], []])
async def test_one_private_address_refuses_a_name(addresses):
    with pytest.raises(Unavailable) as refused:
        await choose("a.example", 80, allow_private=False, name="up", resolver=resolving(*addresses))
    assert not refused.value.sent


async def test_literals_are_judged_too():
    with pytest.raises(Unavailable, match="private address"):
        await choose("169.254.169.254", 80, allow_private=False, name="up", resolver=resolving("8.8.8.8"))
