"""The table of transports: a new one is a file and a line."""

from collections.abc import Callable

from toolgate.proxy.transports.http import HttpTransport
from toolgate.proxy.transports.port import Transport
from toolgate.proxy.transports.stdio import StdioTransport

TRANSPORTS: dict[str, Callable[[], Transport]] = {"http": HttpTransport, "stdio": StdioTransport}
