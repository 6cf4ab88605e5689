"""Fixtures that tests share; what they are made of is in `support`."""

import json

import pytest
import uvloop

from support import ALLOW, running, stdio


def pytest_asyncio_loop_factories(config, item):
    """Tests run on the loop that the gateway runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def gateway(tmp_path):
    """Opens gateways in a directory of the test's own."""

    def opened(policy, server=None, grants=None, directory=None):
        policies = policy if "version" not in policy else {"policy": policy}
        return running(directory or tmp_path / "data", policies, {"up": server or stdio()}, grants)

    return opened


@pytest.fixture
def journal(tmp_path):
    """The calls that reached the fixture upstream."""
    path = tmp_path / "journal.jsonl"

    class Journal:
        file = str(path)

        def lines(self):
            return [json.loads(line) for line in path.read_text().split("\n") if line] if path.exists() else []

    return Journal()


@pytest.fixture
def allow():
    return ALLOW
