"""`demo` and `scan`, as a newcomer runs them."""

import json
import subprocess
import sys

import pytest

from support import FIXTURES
from toolgate.cli import demo, main
from toolgate.demo.story import Scene
from toolgate.policy.parse import parse


@pytest.fixture
def scenes(monkeypatch):
    monkeypatch.setattr(demo, "MINUTE_MARGIN", 0)

    def play(*acts):
        monkeypatch.setattr(demo, "scenes", lambda: iter(acts))

    return play


def test_the_demo_says_yes_when_all_went_as_the_policy_says(scenes, capsys):
    scenes(
        Scene("agent", "legacy", "list-pods"),
        Scene("agent", "2026-07-28", "delete-pod", {"podId": "p1"}, "denied", "action_deny"),
        Scene("agent", "2026-07-28", "add-credit", {"amount": 5, "reason": "x"}, approve=True),
    )
    assert main.run(["demo", "--once", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["reached_server"], report["log_intact"]) == (True, 2, True)
    assert [call["outcomes"] for call in report["calls"]] == [["allowed"], ["denied"], ["allowed"]]


def test_the_demo_says_no_when_something_did_not(scenes, capsys):
    scenes(Scene("agent", "legacy", "list-pods", expect="denied"))
    assert main.run(["demo", "--once"]) == 1
    assert "did not go as the policy says" in capsys.readouterr().out


@pytest.mark.slow
def test_the_whole_demo():
    command = [sys.executable, "-m", "toolgate.cli", "demo", "--once", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert result.returncode == 0, result.stdout + result.stderr
    outcomes = [outcome for call in json.loads(result.stdout)["calls"] for outcome in call["outcomes"]]
    assert {"allowed", "limited", "denied", "hidden", "held"} == set(outcomes)


def test_scan_proposes_a_policy(tmp_path, capsys):
    policy = tmp_path / "policy.json"
    words = ["scan", "--json", "--output", str(policy), "--", sys.executable, "-m", "toolgate.demo.cloud"]
    assert main.run(words) == 0
    found = json.loads(capsys.readouterr().out)
    classes = {tool["name"]: tool["class"] for tool in found["tools"]}
    assert classes["retry-job"] == "Execute"
    assert classes["list-pods"] == "Read"
    assert classes["delete-pod"] == "Destructive"
    proposed = json.loads(policy.read_text())
    assert proposed == found["policy"]
    assert proposed["tools"]["retry-job"]["limits"][0]["max"] == 10
    parse(proposed)


def test_scan_shows_a_table_and_survives_servers_that_do_not_start(capsys):
    assert main.run(["scan", "--", sys.executable, str(FIXTURES / "upstream.py")]) == 0
    assert "echo" in capsys.readouterr().out
    assert main.run(["scan", "--", "no-such-command-anywhere"]) == 3
    assert "there is no command" in capsys.readouterr().err
    assert main.run(["scan", "http://127.0.0.1:1/mcp"]) == 3
