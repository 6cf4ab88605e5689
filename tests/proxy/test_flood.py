"""What strangers can make the gateway write."""

from toolgate.proxy.flood import Flood

SECOND = 1_000_000


def test_so_many_a_second_and_the_rest_are_counted():
    flood = Flood(3)
    assert [flood.admit(SECOND + n) for n in range(6)] == [0, 0, 0, None, None, None]
    assert flood.admit(2 * SECOND) == 3
    assert flood.admit(2 * SECOND) == 0
