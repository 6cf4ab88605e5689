"""Which processes that use an embedded database are alive: each holds a locked file beside it.

The lock goes with the process, however it ends, so a call left open by a `kill -9` can be told from one under way.
"""

import fcntl
import os
import secrets
from pathlib import Path


class Instances:
    """This process among those that share a database at `path`."""

    def __init__(self, path: Path) -> None:
        self._directory = path.with_name(path.name + ".instances")
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self.name = secrets.token_hex(8)
        self._file = os.open(self._lock(self.name), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def _lock(self, name: str) -> Path:
        return self._directory / f"{name}.lock"

    def dead(self, name: str) -> bool:
        """Whether the process that called itself `name` has ended. Its file is removed when it has."""
        if name == self.name:
            return False
        try:
            file = os.open(self._lock(name), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        self._lock(name).unlink(missing_ok=True)
        return True

    def sweep(self) -> None:
        """Remove the files of processes that have ended."""
        for lock in self._directory.glob("*.lock"):
            self.dead(lock.stem)

    def close(self) -> None:
        """Leave."""
        self._lock(self.name).unlink(missing_ok=True)
        os.close(self._file)
