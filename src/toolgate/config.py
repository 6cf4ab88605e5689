"""The configuration: `toolgate.toml` and the environment, parsed once into frozen data; every error at once.

`${NAME}` in a header, an environment value or a command is taken from the environment when the file is loaded. What it
stands for is never stored or printed.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from toolgate.errors import InvalidDocument, Problem, Unavailable

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
LISTEN = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\[\]\s]+):([0-9]{1,5})")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_LISTEN = "127.0.0.1:8080"
HEADER = re.compile(r"[A-Za-z0-9-]+")
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """An upstream: `url` or `command`, never both. `headers` and `environment` are resolved, and hold secrets."""

    name: str
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] = field(default=(), repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: str | None = None
    allow_private: bool = True
    timeouts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """A policy on a server, from a file or written in place."""

    name: str
    server: str
    file: Path | None = None
    document: Any = None


@dataclass(frozen=True, slots=True)
class GrantConfig:
    """Who may use a server. `expires` in microseconds."""

    label: str
    server: str
    policy: str | None = None
    tags: tuple[str, ...] = ()
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the gateway is told from outside."""

    listen: str = DEFAULT_LISTEN
    data: Path = Path()
    public_url: str = f"http://{DEFAULT_LISTEN}"
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    max_body: int = 4 * 1024 * 1024
    servers: Mapping[str, ServerConfig] = field(default_factory=dict)
    policies: Mapping[str, PolicyConfig] = field(default_factory=dict)
    grants: Mapping[str, GrantConfig] = field(default_factory=dict)
    source: Path | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the gateway; then it may reach this machine, too."""
        return self.listen.rpartition(":")[0] in LOOPBACK

    @property
    def database(self) -> str:
        """The URL of the embedded database."""
        return f"sqlite:///{self.data / 'toolgate.db'}"

    @property
    def key_file(self) -> Path:
        """Where the keys are."""
        return self.data / "keys.json"


def default_data(environment: Mapping[str, str] = os.environ) -> Path:
    """`TOOLGATE_DATA`, else the user's data directory (XDG Base Directory specification)."""
    if environment.get("TOOLGATE_DATA"):
        return Path(environment["TOOLGATE_DATA"]).expanduser()
    base = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".local" / "share")
    return Path(base) / "toolgate"


def load(
    path: Path | None, data: Path | None = None, environment: Mapping[str, str] = os.environ, listen: str | None = None
) -> Config:
    """The configuration in `path` (None: the defaults), with `data` and `listen` in place of what it says.

    Raises InvalidDocument with every error, or Unavailable when the file cannot be read.
    """
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Unavailable(f"the configuration `{path}` cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidDocument([Problem("", str(error), "TOML")], f"configuration `{path}`") from None
    reader = _Reader(environment, (path or Path("toolgate.toml")).absolute().parent)
    config = reader.config(document, path, data, listen)
    if reader.problems:
        raise InvalidDocument(reader.problems, f"configuration `{path}`" if path else "configuration")
    return config


class _Reader:
    """Reads one document, noting every problem."""

    def __init__(self, environment: Mapping[str, str], base: Path) -> None:
        self.problems: list[Problem] = []
        self._environment = environment
        self._base = base

    def config(self, document: dict[str, Any], path: Path | None, data: Path | None, address: str | None) -> Config:
        top = self.table(document, "", ("gateway", "servers", "policies", "grants"))
        gateway = self.table(
            top.get("gateway", {}), "/gateway",
            ("listen", "data", "public_url", "allowed_origins", "allowed_hosts", "max_body"),
        )  # fmt: skip
        listen = self.listen(address or gateway.get("listen", DEFAULT_LISTEN))
        private = listen.rpartition(":")[0] in LOOPBACK
        own = self._base / Path(self.text(gateway, "data", "/gateway", "")).expanduser() if gateway.get("data") else None
        servers = {name: self.server(name, body, private) for name, body in self.named(top, "servers")}
        policies = {name: self.policy(name, body, servers) for name, body in self.named(top, "policies")}
        grants = {name: self.grant(name, body, servers, policies) for name, body in self.named(top, "grants")}
        return Config(
            listen, data or own or default_data(self._environment),
            self.text(gateway, "public_url", "/gateway", f"http://{listen}").rstrip("/"),
            self.texts(gateway, "allowed_origins", "/gateway"), self.texts(gateway, "allowed_hosts", "/gateway"),
            self.integer(gateway, "max_body", "/gateway", 4 * 1024 * 1024, 1024, 64 * 1024 * 1024),
            servers, policies, grants, path,
        )  # fmt: skip

    def problem(self, pointer: str, found: object, expected: str) -> None:
        text = f"`{found}`" if isinstance(found, str) else type(found).__name__
        self.problems.append(Problem(pointer, text, expected))

    def table(self, value: Any, pointer: str, keys: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.problem(pointer, value, "a table")
            return {}
        for key in value:
            if key not in keys:
                self.problems.append(Problem(f"{pointer}/{key}", "an unknown key", ", ".join(f"`{k}`" for k in keys)))
        return value

    def named(self, top: dict[str, Any], section: str) -> list[tuple[str, Any]]:
        entries = top.get(section, {})
        if not isinstance(entries, dict):
            self.problem(f"/{section}", entries, "a table of tables")
            return []
        for name in entries:
            if section != "grants" and not NAME.fullmatch(name):
                self.problem(f"/{section}/{name}", name, "a name of a-z, 0-9 and -, at most 63 characters")
        return list(entries.items())

    def text(self, table: dict[str, Any], key: str, pointer: str, default: str) -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self.problem(f"{pointer}/{key}", value, "a string")
        return default

    def texts(self, table: dict[str, Any], key: str, pointer: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.problem(f"{pointer}/{key}", value, "an array of strings")
        return ()

    def integer(self, table: dict[str, Any], key: str, pointer: str, default: int, least: int, most: int) -> int:
        value = table.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.problem(f"{pointer}/{key}", value, f"an integer from {least} to {most}")
        return default

    def listen(self, value: Any) -> str:
        match = LISTEN.fullmatch(value) if isinstance(value, str) else None
        if match is None or int(match[2]) > 65535:
            self.problem("/gateway/listen", value, "`host:port`")
            return DEFAULT_LISTEN
        return str(value)

    def resolved(self, value: Any, pointer: str) -> str:
        """A string with its `${NAME}` replaced."""
        if not isinstance(value, str):
            self.problem(pointer, value, "a string")
            return ""

        def replace(match: re.Match[str]) -> str:
            found = self._environment.get(match[1])
            if found is None:
                self.problems.append(Problem(pointer, f"`${{{match[1]}}}`", f"the environment variable {match[1]} to be set"))
            return found or ""

        return VARIABLE.sub(replace, value)

    def strings(self, value: Any, pointer: str) -> dict[str, str]:
        if not isinstance(value, dict):
            self.problem(pointer, value, "a table of strings")
            return {}
        return {name: self.resolved(item, f"{pointer}/{name}") for name, item in value.items()}

    def server(self, name: str, body: Any, private: bool) -> ServerConfig:
        at = f"/servers/{name}"
        table = self.table(body, at, ("command", "env", "directory", "url", "headers", "allow_private", "timeouts"))
        command, url = self.texts(table, "command", at), table.get("url")
        if bool(command) == (url is not None):
            self.problem(at, "both or neither" if command else "neither", "either `command` or `url`")
        headers = self.strings(table.get("headers", {}), f"{at}/headers")
        for header, value in headers.items():
            if not HEADER.fullmatch(header) or not value.isprintable():
                self.problem(f"{at}/headers/{header}", header, "a header name and a printable value")
        directory = self.text(table, "directory", at, "")
        return ServerConfig(
            name, None if url is None else self.address(url, f"{at}/url"), headers,
            tuple(self.resolved(word, f"{at}/command/{i}") for i, word in enumerate(command)),
            self.strings(table.get("env", {}), f"{at}/env"),
            str(self._base / directory) if directory else None,
            table.get("allow_private", private) is True, self.timeouts(table.get("timeouts", {}), f"{at}/timeouts"),
        )  # fmt: skip

    def address(self, url: Any, pointer: str) -> str:
        """Stored and shown as it is, so nothing secret may stand in it."""
        value = url if isinstance(url, str) else ""
        if "${" in value or not re.fullmatch(r"https?://[^\s/?#@$]+(?:[/?][!-~]*)?", value):
            self.problems.append(
                Problem(pointer, "something else", "an http(s) address without user information and `${…}` (use `headers`)")
            )
        return value

    def timeouts(self, value: Any, pointer: str) -> dict[str, float]:
        table = self.table(value, pointer, ("connect", "first_byte", "idle", "total"))
        for key, seconds in table.items():
            if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= 86400:
                self.problem(f"{pointer}/{key}", seconds, "seconds, more than 0")
        return {key: float(seconds) for key, seconds in table.items() if isinstance(seconds, int | float)}

    def policy(self, name: str, body: Any, servers: Mapping[str, ServerConfig]) -> PolicyConfig:
        at = f"/policies/{name}"
        table = self.table(body, at, ("server", "file", "document"))
        file = self.text(table, "file", at, "")
        if bool(file) == ("document" in table):
            self.problem(at, "both or neither", "either `file` or `document`")
        server = self.reference(table, "server", at, servers)
        return PolicyConfig(name, server or "", self._base / file if file else None, table.get("document"))

    def reference(self, table: dict[str, Any], key: str, pointer: str, known: Mapping[str, Any]) -> str | None:
        value = table.get(key)
        if not isinstance(value, str) or value not in known:
            names = ", ".join(f"`{name}`" for name in known) or "one to be defined in this file"
            self.problem(f"{pointer}/{key}", value if value is not None else "nothing", f"one of {names}")
            return None
        return value

    def grant(
        self, label: str, body: Any, servers: Mapping[str, ServerConfig], policies: Mapping[str, PolicyConfig]
    ) -> GrantConfig:
        at = f"/grants/{label}"
        table = self.table(body, at, ("server", "policy", "tags", "expires"))
        server = self.reference(table, "server", at, servers)
        policy = self.reference(table, "policy", at, policies) if "policy" in table else None
        if policy is not None and policies[policy].server != server:
            self.problem(f"{at}/policy", policy, f"a policy on the server `{server}`")
        expires = table.get("expires")
        if expires is not None and not (isinstance(expires, datetime) and expires.tzinfo is not None):
            self.problem(f"{at}/expires", str(expires), "a date and time with an offset, as 2027-01-01T00:00:00Z")
            expires = None
        micros = None if expires is None else int(expires.timestamp() * MICROSECONDS)
        return GrantConfig(label, server or "", policy, self.texts(table, "tags", at), micros)


def data_of(path: Path) -> Path:
    """The data directory that a configuration names, read without resolving anything else in it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return default_data()
    named = document.get("gateway", {}).get("data") if isinstance(document.get("gateway", {}), dict) else None
    return path.absolute().parent / Path(named).expanduser() if isinstance(named, str) else default_data()
