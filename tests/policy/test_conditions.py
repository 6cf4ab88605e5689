"""Operators one by one: what they hold for, what they do not, and what leaves them in doubt (None)."""

import json

import pytest

from toolgate.policy.conditions.table import OPERATORS
from toolgate.policy.decision import Call, Facts
from toolgate.policy.evaluate import compile_condition
from toolgate.policy.model import Condition
from toolgate.policy.paths import MISSING


def judge(op, value, found, path="args.a", every=True):
    arguments = {} if found is MISSING else {"a": found}
    return compile_condition(Condition(path, op, value), every=every)(Call("tool", "t", arguments), Facts(0))


TABLE = [
    ("eq", 5, 5.0, True), ("eq", 5, "5", False), ("eq", 1, True, False), ("eq", True, True, True), ("eq", None, None, True),
    ("eq", [1, {"b": 2}], [1.0, {"b": 2.0}], True), ("eq", [1], [True], False), ("eq", "x", MISSING, False),
    ("eq", 9007199254740993, 9007199254740992.0, False), ("neq", 5, 5.0, False), ("neq", 5, "5", True),
    ("neq", 5, MISSING, False), ("in", [1, "a"], 1.0, True), ("in", [1, "a"], True, False), ("in", [], 1, False),
    ("in", ["a", "b"], ["a"], False), ("not_in", [1], 2, True), ("not_in", [1], MISSING, False), ("gt", 10000, 10000.000001, True),
    ("gt", 10000, 10000, False), ("gt", 0.3, 0.1 + 0.2, True), ("gte", 5, 5, True), ("lt", 5, "4", None), ("lt", 5, True, None),
    ("lt", 5, None, None), ("lte", 9007199254740992, 9007199254740993, False), ("gt", 1, MISSING, False), ("exists", True, None, True),
    ("exists", True, MISSING, False), ("exists", False, MISSING, True), ("exists", False, 0, False), ("regex", "^a+$", "aaa", True),
    ("regex", "b", "abc", True), ("regex", "b", 5, None), ("regex", "b", MISSING, False), ("contains", "b", "abc", True),
    ("contains", 1, [1.0], True), ("contains", 1, [True], False), ("contains", "b", 5, None), ("contains", 1, "1", None),
    ("starts_with", "ab", "abc", True), ("starts_with", "b", "abc", False), ("starts_with", "b", [], None),
    ("ends_with", "bc", "abc", True), ("ends_with", "x", {}, None), ("length_lte", 2, "éé", True), ("length_lte", 2, [1, 2, 3], False),
    ("length_lte", 0, {}, True), ("length_lte", 3, 5, None),
]  # fmt: skip


@pytest.mark.parametrize(("op", "value", "found", "answer"), TABLE, ids=repr)
def test_operators(op, value, found, answer):
    assert judge(op, value, found) is answer


GOOD_URLS = [
    "https://api.example.com", "http://api.example.com/", "https://API.Example.COM/x?y=z#f", "https://api.example.com:443/",
    "https://api.example.com?x=http://evil.org",
]  # fmt: skip
ODD_URLS = [
    "", "api.example.com", "//api.example.com", "ftp://api.example.com", "https:/api.example.com", "https:api.example.com",
    "https:///api.example.com", "https://user@api.example.com", "https://user:pw@api.example.com", "https://evil.org@api.example.com",
    "https://api.example.com@evil.org", "https://api.example.com\\@evil.org", "https://evil.org\\.api.example.com", "https://api.example.com.",
    "https://api.example.com..", "https://.api.example.com", "https://api..example.com", " https://api.example.com", "https://api.example.com ",
    "https://api.example.com\n", "https://api.exam\nple.com", "https://api.example.com\t/", "\thttps://api.example.com", "https://api.example.com\x00",
    "https://api.example.com%00.evil.org", "https://%61pi.example.com", "https://api%2eexample.com", "https://api.example.com:0/",
    "https://api.example.com:99999/", "https://api.example.com:/", "https://api.example.com:80:80/", "https://api.example.com:x/",
    "https://[api.example.com]/", "https://[::1", "https://::1/", "https://[::1]x/", "https://0x7f.1/", "https://0x7f000001/",
    "https://2130706433/", "https://127.1/", "https://0177.0.0.1/", "https://127.0.0.1.", "https://1.2.3.256/", "https://1.2.3/",
    "https://аpi.example.com", "https://api。example.com", "https://api.example.com／", "https://api.example.com\u200b/", "https://-api.example.com",
    "https://api-.example.com", "https://api_example.com", "https://api.example.com<x>", "https://api.example.com;evil.org",
    "https://api.example.com,evil.org", "https://api.example.com&x", "javascript:https://api.example.com", "https://api.example.com/ x",
    "https://api.example.com/\u00e9", "https://api.example.com/\\x", "HTTPS//api.example.com",
    "https ://api.example.com", "view-source:https://api.example.com", "https://" + "a" * 255 + ".com", "https://" + "a" * 64 + ".com", None, 5, [],
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD_URLS)
def test_listed_hosts(url):
    assert judge("host_in", ["api.example.com"], url) is True
    assert judge("host_in", ["*.example.com"], url) is True
    assert judge("host_not_in", ["api.example.com"], url) is False
    assert judge("host_in", ["example.com"], url) is False
    assert judge("host_in", ["*.api.example.com"], url) is False


@pytest.mark.parametrize("url", ODD_URLS, ids=repr)
def test_odd_urls_are_in_doubt_both_ways(url):
    assert judge("host_in", ["api.example.com", "*.example.com", "127.0.0.1", "::1"], url) is None
    assert judge("host_not_in", ["api.example.com"], url) is None


def test_addresses_are_hosts_too():
    assert judge("host_in", ["127.0.0.1"], "http://127.0.0.1:80/") is True
    assert judge("host_in", ["::1"], "http://[0:0::1]/") is True
    assert judge("host_in", ["*.0.0.1"], "http://127.0.0.1/") in (None, True, False)


INSIDE = [
    "/data",
    "/data/",
    "/data/x",
    "/data/./x",
    "/data//x",
    "/data/y/../x",
    "//data/x",
    "/data/...",
    "/data/100%",
    "/x/../data/y",
]
ESCAPES = [
    "/", "/etc", "/database", "/data/..", "/data/../etc", "/data/x/../../etc", "/data/./../etc", "/data//..//etc", "/..", "/../etc",
    "/data/%2e%2e/etc", "/data/%2E%2E/etc", "/data/.%2e/etc", "/data/%2e./etc", "/data/..%2fetc", "/data/..%2Fetc", "/data/%252e%252e/etc",
    "/data/%25252e%25252e/etc", "/data\\..\\..\\etc", "/data/..\\etc", "/data/..%5c..%5cetc", "/data/x/..\\..\\etc", "\\data\\x", "/DATA/x",
]  # fmt: skip
RELATIVE = ["", "data", "data/x", "./data", "../data", "~/data", "~root/x", "file:///data/x", " /data/x", "C:\\data", "/data/\0", "/data/\0/../x", 5, None, [],
            "/data/%" + "25" * 9 + "41"]  # fmt: skip


@pytest.mark.parametrize("path", INSIDE)
def test_paths_inside(path):
    assert judge("path_within", ["/data"], path) is True


@pytest.mark.parametrize("path", ESCAPES)
def test_paths_that_escape(path):
    assert judge("path_within", ["/data"], path) in (False, None)


@pytest.mark.parametrize("path", RELATIVE, ids=repr)
def test_paths_that_cannot_be_judged(path):
    assert judge("path_within", ["/data"], path) in (None, False) if isinstance(path, str) and path[:1] == "/" else True
    if not (isinstance(path, str) and path.startswith("/")):
        assert judge("path_within", ["/data"], path) is None


WILD = [
    ("args.a.*", "gt", 0, [1, 2], True, True), ("args.a.*", "gt", 0, [1, -2], False, True), ("args.a.*", "gt", 0, [-1, -2], False, False),
    ("args.a.*", "gt", 0, [], True, False), ("args.a.*", "gt", 0, {"x": 1, "y": "z"}, None, True), ("args.a.*", "gt", 9, {"x": 1, "y": "z"}, False, None),
    ("args.a.*", "gt", 0, 5, None, None), ("args.a.*", "gt", 0, MISSING, False, False), ("args.a.*.b", "exists", True, [{"b": 1}, {}], False, True),
    ("args.a.*.b", "exists", False, [{"b": 1}, {}], False, True), ("args.a.0", "eq", 7, [7], True, True), ("args.a.1", "eq", 7, [7], False, False),
    ("args.a.00", "eq", 7, [7], False, False), ("args.a.0", "eq", 7, {"0": 7}, True, True), ("args.a.-1", "eq", 7, [7], False, False),
]  # fmt: skip


@pytest.mark.parametrize(("path", "op", "value", "found", "every", "one"), WILD, ids=repr)
def test_wildcards_ask_for_every_element_or_for_one(path, op, value, found, every, one):
    assert judge(op, value, found, path, every=True) is every
    assert judge(op, value, found, path, every=False) is one


FACTS = Facts(1_700_000_000_000_000, grant_label="ci", grant_tags=("a", "b"), tool_class="Write", tool_risk="High")
ROOTS = [
    ("grant.label", "eq", "ci"), ("grant.tags", "contains", "b"), ("grant.tags.0", "eq", "a"), ("tool.name", "eq", "t"),
    ("tool.class", "in", ["Write"]), ("tool.risk", "eq", "High"), ("time.hour", "eq", 22), ("time.weekday", "eq", 2),
]  # fmt: skip


@pytest.mark.parametrize(("path", "op", "value"), ROOTS)
def test_facts(path, op, value):
    assert compile_condition(Condition(path, op, value), every=True)(Call("tool", "t", {}), FACTS) is True


def test_a_risk_that_is_not_known_is_missing():
    assert compile_condition(Condition("tool.risk", "neq", "Low"), every=True)(Call("tool", "t", {}), Facts(0)) is False


def test_every_operator_has_cases_and_documentation(pytestconfig):
    covered = {row[0] for row in TABLE} | {"host_in", "host_not_in", "path_within"}
    page = (pytestconfig.rootpath / "docs" / "policy.md").read_text()
    for op in OPERATORS:
        assert op in covered, f"`{op}` has no case"
        assert f"`{op}`" in page, f"`{op}` is not in docs/policy.md"
    assert json.dumps(sorted(covered)) == json.dumps(sorted(OPERATORS))
