"""A bound on what strangers can make the gateway write: refusals without a valid token, beyond so many a second, are counted
instead of recorded one by one, and the next record says how many."""

MICROSECONDS = 1_000_000
A_SECOND = 50


class Flood:
    """Decides which anonymous refusals are recorded."""

    def __init__(self, a_second: int = A_SECOND) -> None:
        self._most = a_second
        self._second = 0
        self._recorded = 0
        self._left_out = 0

    def admit(self, now: int) -> int | None:
        """How many were left out since the last record, or None when this one is left out too."""
        if now // MICROSECONDS != self._second:
            self._second, self._recorded = now // MICROSECONDS, 0
        if self._recorded >= self._most:
            self._left_out += 1
            return None
        self._recorded += 1
        left_out, self._left_out = self._left_out, 0
        return left_out
