"""A child process that speaks MCP on its pipes: started with a small environment, ended for certain.

It gets its own process group, so that what it starts ends with it. A well-behaved server also ends by itself when its input
closes, which covers a gateway that is killed.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Mapping

from toolgate.errors import Unavailable
from toolgate.proxy.transports.port import Target

PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "USER", "LOGNAME", "SHELL", "TERM", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "VIRTUAL_ENV",
)  # fmt: skip
STDERR_LINES = 20
READ_BYTES = 64 * 1024
STDERR_LINE = 300
EOF_SECONDS = 1.0
TERM_SECONDS = 1.0
LAST_WORDS_SECONDS = 0.3


def environment_of(target: Target, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the child sees: a short list from the gateway's environment, and what the configuration says."""
    return {name: own[name] for name in PASSED_ON if name in own} | dict(target.environment)


class Child:
    """A running process. `wait_closed` is done when it has ended and been reaped."""

    def __init__(self, target: Target, process: asyncio.subprocess.Process) -> None:
        self._target = target
        self._process = process
        self._errors: deque[str] = deque(maxlen=STDERR_LINES)
        self._stderr = asyncio.get_running_loop().create_task(self._read_errors())

    @classmethod
    async def start(cls, target: Target) -> "Child":
        """Start the command. Raises Unavailable (nothing sent) when it cannot be."""
        try:
            process = await asyncio.create_subprocess_exec(
                *target.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, env=environment_of(target), cwd=target.directory,
                start_new_session=True, limit=target.max_answer,
            )  # fmt: skip
        except FileNotFoundError:
            text = f"the server `{target.name}` cannot be started: there is no command `{target.command[0]}`"
            raise Unavailable(text, sent=False) from None
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise Unavailable(f"the server `{target.name}` cannot be started: {reason}", sent=False) from None
        return cls(target, process)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    def write(self, line: bytes) -> None:
        """Queue a line for its input. Raises Unavailable when that is closed."""
        stdin = self._process.stdin
        if stdin is None or stdin.is_closing() or not self.running:
            raise Unavailable(self.epitaph(), sent=False)
        stdin.write(line + b"\n")

    async def drain(self) -> None:
        """Wait until its input takes more. Raises Unavailable when it is gone."""
        try:
            if self._process.stdin is not None:
                await self._process.stdin.drain()
        except (ConnectionError, RuntimeError):
            raise Unavailable(self.epitaph(), sent=True) from None

    async def line(self) -> bytes | None:
        """Its next line; None at the end. Raises Unavailable for one past the cap."""
        stdout = self._process.stdout
        if stdout is None:
            return None
        try:
            return await stdout.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError:
            text = f"the server `{self._target.name}` sent a line of more than {self._target.max_answer} bytes"
            raise Unavailable(text, sent=True) from None

    async def discard(self) -> None:
        """Read what is left of its output, so that the pipe is closed and nothing of the child remains."""
        stdout = self._process.stdout
        while stdout is not None and await stdout.read(READ_BYTES):
            pass

    async def _read_errors(self) -> None:
        stderr = self._process.stderr
        while stderr is not None:
            try:
                line = await stderr.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                line = await stderr.read(max(error.consumed, 1))
            except asyncio.IncompleteReadError as end:
                line = end.partial
                if not line:
                    return
            self._errors.append(line.decode("utf-8", "replace").strip()[:STDERR_LINE])

    def epitaph(self) -> str:
        """How it ended, with its last words; configured secrets are blotted out of them."""
        words = " | ".join(line for line in list(self._errors)[-3:] if line)
        for secret in self._target.environment.values():
            if len(secret) > 3:
                words = words.replace(secret, "…")
        code = self._process.returncode
        how = "closed its output"
        if code is not None:
            how = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"the server `{self._target.name}` {how}" + (f"; it last said: {words}" if words else "")

    async def last_words(self) -> None:
        """Give a child that stopped talking a moment to end and to say why."""
        if await self._ended(LAST_WORDS_SECONDS):
            await asyncio.wait({self._stderr}, timeout=LAST_WORDS_SECONDS)

    async def end(self) -> None:
        """Close its input, then ask, then insist; always reaped. Never raises."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.close()
        for seconds, sign in ((EOF_SECONDS, signal.SIGTERM), (TERM_SECONDS, signal.SIGKILL)):
            if await self._ended(seconds):
                break
            self._signal(sign)
        await self._process.wait()
        self._signal(signal.SIGKILL)
        self._stderr.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._stderr

    async def _ended(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    def _signal(self, sign: signal.Signals) -> None:
        """To the whole group: what the child started must not outlive it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, sign)
