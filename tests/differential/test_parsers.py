"""Nothing reaches a server that its parser could read differently from the policy: Python, Node, and one that folds case."""

import json
import shutil
import subprocess

import pytest
from corpus import documents

from support import absent
from toolgate.errors import BadRequest
from toolgate.mcp.strictjson import dumps, loads

NODE = """
const lines = require('fs').readFileSync(0, 'utf8').split('\\n').filter(Boolean);
const shape = v => v === null || typeof v !== 'object' ? (typeof v === 'number' ? ['number', v.toExponential(16)] : [typeof v, v])
  : Array.isArray(v) ? ['array', v.map(shape)] : ['object', Object.keys(v).sort((a, b) => a < b ? -1 : a > b ? 1 : 0).map(k => [k, shape(v[k])])];
for (const line of lines) console.log(JSON.stringify(shape(JSON.parse(line))));
"""


def accepted():
    found = []
    for document in documents():
        try:
            found.append((document, loads(document)))
        except BadRequest:
            continue
    return found


def test_the_corpus_is_large_and_both_kinds_occur():
    assert len(documents()) >= 300
    assert 80 < len(accepted()) < len(documents()) - 80


def test_python_reads_what_the_policy_saw():
    for document, value in accepted():
        assert json.loads(dumps(value)) == value or value != value, document


def folded(text):
    """A reader like Go's: keys are matched without regard to case, and the last one wins."""

    def last_wins(pairs):
        result = {}
        for key, value in pairs:
            result[key.casefold()] = value
        return result

    return json.loads(text, object_pairs_hook=last_wins)


def fold(value):
    if isinstance(value, dict):
        return {key.casefold(): fold(member) for key, member in value.items()}
    return [fold(member) for member in value] if isinstance(value, list) else value


def count(value):
    if isinstance(value, dict):
        return len(value) + sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, list) else 0


def test_a_reader_that_folds_case_reads_what_the_policy_saw():
    for document, value in accepted():
        read = folded(dumps(value))
        assert read == fold(value), document
        assert count(read) == count(value), document


def shape(value):
    if isinstance(value, bool):
        return ["boolean", value]
    if isinstance(value, int | float):
        mantissa, _, exponent = f"{float(value):.16e}".partition("e")
        return ["number", f"{mantissa}e{int(exponent):+d}"]
    if isinstance(value, str):
        return ["string", value]
    if value is None:
        return ["object", None]
    if isinstance(value, list):
        return ["array", [shape(member) for member in value]]
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return ["object", [[key, shape(value[key])] for key in keys]]


@pytest.mark.node
def test_node_reads_what_the_policy_saw():
    node = shutil.which("node")
    if node is None:
        absent("needs Node.js")
    pairs = [(document, value) for document, value in accepted() if b"__proto__" not in document]
    text = b"\n".join(dumps(value) for _, value in pairs)
    answer = subprocess.run([node, "-e", NODE], input=text, capture_output=True, check=True, timeout=60)
    lines = answer.stdout.decode().strip("\n").split("\n")
    assert len(lines) == len(pairs)
    for (document, value), line in zip(pairs, lines, strict=True):
        seen, ours = json.loads(line), shape(value)
        assert json.dumps(seen).replace("-0.0000000000000000e", "0.0000000000000000e") == json.dumps(ours).replace(
            "-0.0000000000000000e", "0.0000000000000000e"
        ), document
