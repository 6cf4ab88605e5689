"""Documentation is run: every policy is parsed, every command line is one the command knows, every link leads somewhere."""

import json
import re
import shlex
from pathlib import Path

import pytest

from toolgate.cli.main import COMMANDS
from toolgate.config import load
from toolgate.policy.parse import parse

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def blocks(language):
    return [
        pytest.param(match[2], id=f"{page.relative_to(ROOT)}:{page.read_text()[: match.start()].count(chr(10)) + 1}")
        for page in PAGES
        for match in BLOCK.finditer(page.read_text())
        if match[1] == language
    ]


@pytest.mark.parametrize("text", blocks("json"))
def test_json_examples_parse_and_policies_are_valid(text):
    document = json.loads(text)
    if isinstance(document, dict) and "version" in document and "default" in document:
        parse(document)


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_examples_are_configurations(text, tmp_path):
    file = tmp_path / "toolgate.toml"
    file.write_text(text)
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "x")
    assert load(file, None, variables).servers


@pytest.mark.parametrize("text", blocks("sh"))
def test_shell_examples_name_commands_that_exist(text, commands):
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"\w+=.*|\$|uvx|exec", words[0]):
            words.pop(0)
        if not words or words[0] not in ("toolgate", "./toolgate"):
            continue
        path = [word for word in words[1:3] if re.fullmatch(r"[a-z]+", word)]
        assert not path or path[0] in commands, f"`{line}` names no command"
        if len(path) == 2 and commands.get(path[0]):
            assert path[1] in commands[path[0]], f"`{line}` names no command"


@pytest.fixture(scope="module")
def commands():
    return {"test": (), "check": (), **COMMANDS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
