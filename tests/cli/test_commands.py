"""Every command, in-process, on a store of its own: what people see, what machines get, the exit codes."""

import inspect
import json
import re

import pytest

from toolgate.cli import main as cli
from toolgate.cli.main import ABOUT, COMMANDS

POLICY = {
    "version": "1",
    "default": "deny",
    "tools": {"retry-job": {"limits": [{"counter": "c", "window": "minute", "max": 2}]}},
}


@pytest.fixture
def toolgate(tmp_path, monkeypatch, capsys):
    """Runs a command line; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLGATE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("API_KEY", "canary-of-the-environment")
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))

    def run(*words):
        capsys.readouterr()
        code = cli.run(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def ready(toolgate):
    """A store with a server, a policy and a grant."""
    assert toolgate("server", "add", "up", "--url", "http://127.0.0.1:9/mcp")[0] == 0
    assert toolgate("policy", "save", "careful", "policy.json", "--server", "up", "-m", "first")[0] == 0
    code, out, _ = toolgate("grant", "mint", "ci", "--server", "up", "--policy", "careful", "--tags", "a", "--json")
    assert code == 0
    return json.loads(out)["token"]


def walk():
    for command, inner in COMMANDS.items():
        yield (command,)
        yield from ((command, name) for name in inner)


@pytest.mark.parametrize("words", list(walk()), ids=" ".join)
def test_every_command_has_help_with_an_example(toolgate, words):
    code, out, _ = toolgate(*words, "--help")
    assert code == 0
    if len(words) == 1 and COMMANDS[words[0]]:
        assert all(name in out for name in COMMANDS[words[0]])
    else:
        assert "Example:" in out
        assert f"toolgate {' '.join(words)}" in " ".join(out.split())
    assert ABOUT[words[0]]


def test_the_command_page_is_current(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "cli.md").read_text()
    for command, inner in COMMANDS.items():
        assert f"## `toolgate {command}`" in page
        section = page.partition(f"## `toolgate {command}`")[2].partition("\n## ")[0]
        assert set(re.findall(r"^\| `([a-z]+)` \|", section, re.MULTILINE)) == set(inner)


def test_policies(toolgate, ready, tmp_path):
    assert "valid" in toolgate("policy", "validate", "policy.json")[1]
    (tmp_path / "bad.json").write_text('{"version": "1", "default": "deny", "tool": {}}')
    code, out, _ = toolgate("policy", "validate", "policy.json", "bad.json")
    assert code == 1
    assert "/tool" in out
    code, out, _ = toolgate("policy", "validate", "policy.json", "bad.json", "--json")
    assert [item["valid"] for item in json.loads(out)] == [True, False]
    stricter = {**POLICY, "hide": ["x"]}
    (tmp_path / "next.yaml").write_text(json.dumps(stricter))
    assert "version 2" in toolgate("policy", "save", "careful", "next.yaml", "--server", "up")[1]
    assert json.loads(toolgate("policy", "show", "careful")[1]) == stricter
    history = json.loads(toolgate("policy", "history", "careful", "--json")[1])
    assert [(version["version"], version["message"]) for version in history] == [(2, ""), (1, "first")]
    assert "version 3" in toolgate("policy", "rollback", "careful", "1")[1]
    assert json.loads(toolgate("policy", "show", "careful")[1]) == POLICY
    changes = json.loads(toolgate("policy", "diff", "policy.json", "next.yaml", "--json")[1])
    assert changes == [{"kind": "added", "pointer": "/hide", "before": "", "after": '["x"]'}]
    assert toolgate("policy", "remove", "careful")[0] == 2
    assert toolgate("policy", "detach", "ci")[0] == 0
    assert toolgate("policy", "attach", "ci", "careful")[0] == 0
    assert "careful" in toolgate("policy", "list")[1]
    assert json.loads(toolgate("policy", "schema")[1])["title"]


def test_a_policy_with_errors_is_never_saved(toolgate, ready, tmp_path):
    (tmp_path / "bad.json").write_text('{"version": "1", "default": "deny", "tools": {"a": {"limits": [{}]}}}')
    code, _, err = toolgate("policy", "save", "careful", "bad.json", "--server", "up")
    assert code == 1
    assert "/tools/a/limits/0" in err
    assert json.loads(toolgate("policy", "list", "--json")[1])[0]["version"] == 1


def test_yaml_with_a_key_twice_is_refused(toolgate, tmp_path):
    (tmp_path / "p.yaml").write_text('version: "1"\ndefault: deny\ndefault: allow\n')
    code, out, _ = toolgate("policy", "validate", "p.yaml")
    assert code == 1
    assert "twice" in " ".join(out.split())


def test_explaining(toolgate):
    call = '{"name": "retry-job", "arguments": {}}'
    code, out, _ = toolgate("policy", "explain", "--policy", "policy.json", "--call", call)
    assert code == 0
    assert "/tools/retry-job/limits/c-per-minute" in out
    assert "allowed by /tools/retry-job" in out
    out = toolgate("policy", "explain", "--policy", "policy.json", "--call", '{"name": "other"}', "--json")[1]
    assert json.loads(out)["code"] == "default_deny"
    code, _, err = toolgate("policy", "explain", "--policy", "policy.json", "--call", "{")
    assert code == 1
    assert "column" in err


def test_policy_cases(toolgate, tmp_path):
    call = {"name": "retry-job"}
    now = "2027-01-01T00:00:00Z"
    allowed = {"call": call, "now": now, "expect": {"effect": "allow"}}
    third = {
        "call": call,
        "now": now,
        "expect": {"effect": "deny", "code": "limit_exceeded", "rule": "/tools/retry-job/limits/c-per-minute"},
    }
    (tmp_path / "cases.json").write_text(json.dumps([allowed, allowed, third]))
    assert toolgate("policy", "test", "cases.json", "--policy", "policy.json")[0] == 0
    (tmp_path / "cases.json").write_text(json.dumps([allowed, allowed, allowed]))
    code, out, _ = toolgate("policy", "test", "cases.json", "--policy", "policy.json")
    assert code == 1
    assert "2 of 3 cases pass" in out
    (tmp_path / "cases.json").write_text('[{"cal": {}}]')
    assert toolgate("policy", "test", "cases.json", "--policy", "policy.json")[0] == 1


def test_lint(toolgate, tmp_path):
    (tmp_path / "tools.json").write_text(json.dumps({"tools": [{"name": "other", "inputSchema": {}}]}))
    assert toolgate("policy", "lint", "policy.json")[0] == 0
    code, out, _ = toolgate("policy", "lint", "policy.json", "--tools", "tools.json")
    assert code == 1
    assert "no tool of the server is called `retry-job`" in " ".join(out.split())


def test_grants(toolgate, ready):
    assert ready.startswith("tg_")
    listed = json.loads(toolgate("grant", "list", "--json")[1])
    assert [(grant["label"], grant["policy"], grant["state"], grant["tags"]) for grant in listed] == [
        ("ci", "careful", "live", ["a"])
    ]
    assert ready not in toolgate("grant", "list")[1]
    code, out, _ = toolgate("grant", "rotate", "ci", "--overlap", "0", "--json")
    assert json.loads(out)["token"] != ready
    assert toolgate("grant", "mint", "ci", "--server", "up")[0] == 2
    assert toolgate("grant", "expire", "ci", "2001-01-01")[0] == 2
    assert toolgate("grant", "expire", "ci", "2101-01-01")[0] == 0
    assert "2101-01-01" in toolgate("grant", "list")[1]
    assert toolgate("grant", "revoke", "ci")[0] == 0
    assert json.loads(toolgate("grant", "list", "--json")[1]) == []
    assert json.loads(toolgate("grant", "list", "--all", "--json")[1])[0]["state"] == "revoked"
    code, _, err = toolgate("grant", "revoke", "cj")
    assert code == 2
    assert "there is no grant `cj`" in err
    assert toolgate("grant", "mint", "x", "--server", "up", "--expires", "soon")[0] == 1


def test_servers(toolgate, ready):
    assert "http://127.0.0.1:9/mcp" in toolgate("server", "list")[1]
    assert "/mcp/up/" in toolgate("server", "show", "up")[1]
    assert toolgate("server", "add", "up", "--url", "http://x")[0] == 2
    assert toolgate("server", "add", "Bad Name", "--url", "http://x")[0] == 1
    assert toolgate("server", "add", "y", "--url", "http://user:pw@x/")[0] == 1
    assert toolgate("server", "remove", "up")[0] == 2
    code, _, err = toolgate("server", "show", "upp")
    assert code == 2
    assert "did you mean `up`?" in err
    assert toolgate("server", "add", "free", "--url", "http://x")[0] == 0
    assert toolgate("server", "remove", "free")[0] == 0


def test_the_log(toolgate, ready, tmp_path):
    assert "no records yet" in toolgate("audit", "list")[1]
    code, out, _ = toolgate("audit", "verify", "--json")
    assert (code, json.loads(out)["intact"]) == (0, True)
    assert toolgate("audit", "export", "--output", "log.jsonl")[0] == 0
    assert toolgate("audit", "tail", "--no-follow")[0] == 0
    (tmp_path / "nothing").write_text("")
    assert toolgate("audit", "verify", "--checkpoint", "nothing")[0] == 1
    assert "nothing waits" in toolgate("approvals", "list")[1]


TOML = """
[servers.up]
command = ["server"]
env = {{ KEY = "${{API_KEY}}" }}
[policies.careful]
server = "up"
file = "policy.json"
[grants.ci]
server = "up"
policy = "careful"
tags = {tags}
"""


def test_applying_is_idempotent_and_can_be_looked_at_first(toolgate, tmp_path):
    file = tmp_path / "toolgate.toml"
    file.write_text(TOML.format(tags="[]"))

    def apply(*more):
        code, out, err = toolgate("apply", "-f", str(file), "--json", *more)
        assert code == 0, err
        assert "canary" not in out + err
        result = json.loads(out)
        return [(change["action"], change["kind"]) for change in result["changes"]], result["tokens"]

    created = [("create", "server"), ("create", "policy"), ("create", "grant")]
    assert apply("--dry-run") == (created, {})
    changes, tokens = apply()
    assert changes == created
    assert tokens["ci"].startswith("tg_")
    assert apply() == ([("keep", "server"), ("keep", "policy"), ("keep", "grant")], {})
    file.write_text(TOML.format(tags='["new"]'))
    (tmp_path / "policy.json").write_text(json.dumps({**POLICY, "default": "allow"}))
    assert apply()[0] == [("keep", "server"), ("update", "policy"), ("update", "grant")]
    file.write_text('[servers.up]\ncommand = ["server"]\n')
    assert apply()[0] == [("keep", "server"), ("leave", "grant"), ("leave", "policy")]
    assert apply("--prune")[0] == [("keep", "server"), ("remove", "grant"), ("remove", "policy")]
    assert json.loads(toolgate("grant", "list", "--json")[1]) == []
    database = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert b"canary-of-the-environment" not in database


def test_reading_order_matters_to_globs_so_it_is_an_update(toolgate, tmp_path):
    file = tmp_path / "toolgate.toml"
    file.write_text(TOML.format(tags="[]"))
    (tmp_path / "policy.json").write_text('{"version": "1", "default": "deny", "tools": {"a*": {}, "*a": {"action": "deny"}}}')
    assert toolgate("apply", "-f", str(file))[0] == 0
    (tmp_path / "policy.json").write_text('{"version": "1", "default": "deny", "tools": {"*a": {"action": "deny"}, "a*": {}}}')
    out = toolgate("apply", "-f", str(file), "--json")[1]
    assert [change["action"] for change in json.loads(out)["changes"]] == ["keep", "update", "keep"]


def test_wrong_use_is_exit_2(toolgate):
    assert toolgate("no-such-command")[0] == 2
    assert toolgate("grant", "mint")[0] == 2
    assert toolgate("scan")[0] == 2


def test_no_words_say_where_to_start(toolgate):
    code, out, _ = toolgate()
    assert code == 0
    assert "toolgate demo" in out


def test_help_of_help_is_docstrings():
    assert inspect.getdoc(cli.run)
