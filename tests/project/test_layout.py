"""The directions of imports, and the few habits that a machine can check. The reasons stand in CONTRIBUTING.md."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "toolgate"

PURE = {"errors", "policy", "limits", "mcp", "risk"}
MAY_IMPORT = {
    "errors": set(),
    "limits": {"errors"},
    "policy": {"errors", "limits"},
    "mcp": {"errors"},
    "risk": {"errors"},
    "secrets": {"errors"},
    "config": {"errors"},
    "store": {*PURE},
    "proxy": {*PURE, "store", "secrets", "config"},
    "control": {*PURE, "store", "secrets", "config"},
    "demo": set(),
    "wiring": {*PURE, "store", "proxy", "control", "secrets", "config"},
    "cli": {*PURE, "store", "control", "secrets", "config", "wiring", "proxy", "demo"},
}
IMPURE_MODULES = {"asyncio", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "subprocess", "time", "logging"}
LARGEST_FILE = 400
LARGEST_FUNCTION = 60

FILES = sorted(SOURCE.rglob("*.py"))


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path):
    package = package_of(path)
    if package == "__init__":
        return
    assert package in MAY_IMPORT, f"give `{package}` a line in MAY_IMPORT"
    allowed = {package, "__version__", *MAY_IMPORT[package]}
    inner = {name.split(".")[1] for name in imports_of(path) if name.startswith("toolgate.")}
    assert inner <= allowed, f"{path.relative_to(ROOT)} may not import {sorted(inner - allowed)}"


@pytest.mark.parametrize("path", [f for f in FILES if package_of(f) in PURE], ids=lambda p: str(p.relative_to(SOURCE)))
def test_pure_packages_do_no_io(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & IMPURE_MODULES


WRITTEN = [path for path in FILES if "versions" not in path.parts]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_stay_readable(path):
    text = path.read_text()
    assert text.count("\n") <= LARGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < LARGEST_FUNCTION, f"{path.name}:{node.lineno} {node.name}"


def test_only_the_store_speaks_sql():
    for path in FILES:
        if package_of(path) not in ("store", "wiring") and any(n.split(".")[0] == "sqlite3" for n in imports_of(path)):
            raise AssertionError(f"{path.relative_to(ROOT)} imports sqlite3")


def test_locks_name_no_hosts():
    for lock in (ROOT / "requirements").glob("*.lock"):
        assert "://" not in lock.read_text(), f"{lock.name} holds an address"
