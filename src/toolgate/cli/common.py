"""What commands share: opening the store, who acts, where the configuration is, running async work."""

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import uvloop
from cyclopts import Parameter

from toolgate import config as configuration
from toolgate.config import Config
from toolgate.control.desk import Desk
from toolgate.errors import InvalidDocument, Problem
from toolgate.wiring import clock, open_store

T = TypeVar("T")

Data: TypeAlias = Annotated[
    Path | None, Parameter(name="--data", help="Data directory (else $TOOLGATE_DATA, else the user's).")
]
ConfigFile: TypeAlias = Annotated[Path | None, Parameter(name="--config", help="Configuration file, usually toolgate.toml.")]
AsJson: TypeAlias = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for machines.")]
Actor: TypeAlias = Annotated[str | None, Parameter(name="--as", help="Who acts, in the log (else your user name).")]


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run async work to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def find_config(path: Path | None) -> Path | None:
    """The given file, else `toolgate.toml` in this directory if there is one."""
    if path is not None:
        return path
    here = Path("toolgate.toml")
    return here if here.exists() else None


def load_config(path: Path | None, data: Path | None, listen: str | None = None) -> Config:
    """The configuration, with `--data` and `--listen` on top."""
    return configuration.load(find_config(path), None if data is None else data.expanduser().absolute(), listen=listen)


def store_config(data: Path | None) -> Config:
    """Where the store is, for commands that need nothing else of the configuration."""
    if data is not None:
        return Config(data=data.expanduser().absolute())
    source = find_config(None)
    if source is not None and not os.environ.get("TOOLGATE_DATA"):
        # only the place is needed: variables of servers may well be unset in this shell
        return Config(data=configuration.data_of(source))
    return Config(data=configuration.default_data())


def actor(name: str | None) -> str:
    """Who acts: as given, else the user's name, which a container may not have."""
    given = name or os.environ.get("TOOLGATE_ACTOR")
    if given:
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"


@asynccontextmanager
async def desk(config: Config, who: str | None = None) -> AsyncIterator[Desk]:
    """An open desk."""
    store = await open_store(config)
    try:
        yield Desk(store.db, store.keys, store.org_id, actor(who), clock)
    finally:
        await store.close()


def at_desk(data: Path | None, work: Callable[[Desk], Awaitable[T]], who: str | None = None) -> T:
    """Run `work` at a desk."""

    async def opened() -> T:
        async with desk(store_config(data), who) as opened_desk:
            return await work(opened_desk)

    return run_async(opened())


def moment(micros: int | None) -> str:
    """A time for people, in UTC."""
    if micros is None:
        return "never"
    return datetime.fromtimestamp(micros / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


def parse_moment(text: str | None, what: str) -> int | None:
    """A time given by a person, as `2027-01-01` or `2027-01-01T12:00:00Z`; without an offset it is UTC."""
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        problem = Problem(f"/{what}", f"`{text}`", "a time as 2027-01-01 or 2027-01-01T12:00:00Z")
        raise InvalidDocument([problem], "command line") from None
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1_000_000)
