"""`toolgate up`: the gateway."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import structlog
from cyclopts import Parameter

from toolgate.cli.apply import show_plan, show_tokens
from toolgate.cli.common import ConfigFile, Data, actor, find_config, load_config, run_async
from toolgate.cli.output import hint, say
from toolgate.config import Config
from toolgate.control import apply as apply_use
from toolgate.control.desk import Desk
from toolgate.errors import ToolgateError
from toolgate.proxy.serve import listen
from toolgate.proxy.serve import server as http_server
from toolgate.wiring import Gateway, clock, open_gateway, replace_targets

WATCH_SECONDS = 1.0

log = structlog.get_logger(__name__)


def run(
    *,
    config: ConfigFile = None,
    data: Data = None,
    address: Annotated[str | None, Parameter(name="--listen", help="host:port")] = None,
) -> None:
    """Start the gateway. The configuration is applied at start and whenever the file changes."""
    prepare_logs()
    path = find_config(config)
    run_async(serve(load_config(path, data, address), path))


def prepare_logs() -> None:
    """Logs go to stderr, one JSON line each."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def serve(config: Config, path: Path | None) -> None:
    """Open, apply, listen; close in order when told to stop."""
    listener = listen(*config.address)
    gateway = await open_gateway(config)
    try:
        await apply_config(gateway, config)
        running = http_server(gateway.edge(config), listener)
        announce(config, listener.getsockname()[1])
        watcher = None if path is None else asyncio.get_running_loop().create_task(_watch(gateway, config, path))
        await running.run_until_stopped()
        if watcher is not None:
            watcher.cancel()
    finally:
        await gateway.close()


async def apply_config(gateway: Gateway, config: Config, *, quiet: bool = False) -> dict[str, str]:
    """Apply the configuration to the open store. Returns the tokens of new grants."""
    desk = Desk(gateway.store.db, gateway.store.keys, gateway.store.org_id, actor(None), clock)
    plan = await apply_use.plan(desk, config)
    tokens = await apply_use.apply(desk, plan)
    await replace_targets(gateway, config.servers)
    if plan.pending and not quiet:
        show_plan(plan)
        show_tokens(tokens)
    return tokens


def announce(config: Config, port: int) -> None:
    """Say where the servers are."""
    base = config.public_url if config.address[1] else f"http://{config.address[0]}:{port}"
    say(f"\ntoolgate is up at {base}", "bold")
    for name in config.servers:
        say(f"  {base}/mcp/{name}/")
    if not config.servers:
        hint("no servers are configured; write a toolgate.toml (see docs/configuration.md)")


async def _watch(gateway: Gateway, config: Config, path: Path) -> None:
    """Apply the file again whenever it or a policy file it names changes. A broken file changes nothing."""
    seen = _times(config, path)
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        times = _times(config, path)
        if times == seen:
            continue
        seen = times
        try:
            config = load_config(path, config.data, config.listen)
            await apply_config(gateway, config)
            log.info("configuration_applied", file=str(path))
        except ToolgateError as error:
            log.error("configuration_refused", file=str(path), reason=str(error))


def _times(config: Config, path: Path) -> dict[str, int]:
    files = [path, *(policy.file for policy in config.policies.values() if policy.file is not None)]
    return {str(file): file.stat().st_mtime_ns if file.exists() else 0 for file in files}
