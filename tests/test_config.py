"""The configuration: every error with its place, secrets resolved and never shown."""

import pytest

from toolgate.config import data_of, default_data, load
from toolgate.errors import InvalidDocument, Unavailable

WHOLE = """
[gateway]
listen = "0.0.0.0:9000"
data = "state"
allowed_origins = ["https://a.example"]
[servers.child]
command = ["server", "--key", "${KEY}"]
env = { KEY = "${KEY}", PLAIN = "x" }
[servers.remote]
url = "https://example.com/mcp"
headers = { Authorization = "Bearer ${KEY}" }
timeouts = { connect = 1.5 }
[policies.p]
server = "child"
document = { version = "1", default = "deny" }
[grants.g]
server = "child"
policy = "p"
expires = 2030-01-01T00:00:00Z
"""


def loaded(tmp_path, text, **environment):
    file = tmp_path / "toolgate.toml"
    file.write_text(text)
    return load(file, None, environment)


def test_everything_is_read(tmp_path):
    config = loaded(tmp_path, WHOLE, KEY="s3cr3t")
    assert config.address == ("0.0.0.0", 9000)
    assert config.data == tmp_path / "state"
    assert config.servers["child"].command == ("server", "--key", "s3cr3t")
    assert config.servers["child"].environment == {"KEY": "s3cr3t", "PLAIN": "x"}
    assert config.servers["remote"].headers == {"Authorization": "Bearer s3cr3t"}
    assert config.servers["remote"].allow_private is False
    assert config.grants["g"].expires == 1_893_456_000_000_000
    assert data_of(tmp_path / "toolgate.toml") == tmp_path / "state"


def test_secrets_are_not_shown(tmp_path):
    assert "s3cr3t" not in repr(loaded(tmp_path, WHOLE, KEY="s3cr3t"))


def test_a_gateway_on_loopback_may_reach_loopback(tmp_path):
    assert loaded(tmp_path, '[servers.a]\nurl = "http://127.0.0.1/"\n').servers["a"].allow_private


INVALID = [
    ("[gatway]", ["/gatway"]),
    ('[gateway]\nlisten = "8080"', ["/gateway/listen"]),
    ('[gateway]\nlisten = "a:99999"', ["/gateway/listen"]),
    ("[gateway]\nmax_body = 1", ["/gateway/max_body"]),
    ("[gateway]\nallowed_hosts = [1]", ["/gateway/allowed_hosts"]),
    ("[servers]\na = 1", ["/servers/a", "/servers/a"]),
    ('[servers."Bad Name"]\ncommand = ["x"]', ["/servers/Bad Name"]),
    ("[servers.a]", ["/servers/a"]),
    ('[servers.a]\ncommand = ["x"]\nurl = "http://x"', ["/servers/a"]),
    ('[servers.a]\nurl = "ftp://x"', ["/servers/a/url"]),
    ('[servers.a]\nurl = "http://user:pw@x/"', ["/servers/a/url"]),
    ('[servers.a]\nurl = "http://x/?key=${KEY}"', ["/servers/a/url"]),
    ('[servers.a]\nurl = "http://x"\nheaders = { "a b" = "x" }', ["/servers/a/headers/a b"]),
    ('[servers.a]\nurl = "http://x"\nheaders = { A = "x\\ny" }', ["/servers/a/headers/A"]),
    ('[servers.a]\nurl = "http://x"\nheaders = { A = "${MISSING}" }', ["/servers/a/headers/A"]),
    ('[servers.a]\ncommand = ["x"]\nenv = { A = 1 }', ["/servers/a/env/A"]),
    (
        '[servers.a]\ncommand = ["x"]\ntimeouts = { connect = 0, later = 1 }',
        ["/servers/a/timeouts/later", "/servers/a/timeouts/connect"],
    ),
    ('[policies.p]\nserver = "a"\nfile = "x"', ["/policies/p/server"]),
    ('[servers.a]\ncommand = ["x"]\n[policies.p]\nserver = "a"', ["/policies/p"]),
    ('[servers.a]\ncommand = ["x"]\n[grants.g]\nserver = "a"\npolicy = "p"', ["/grants/g/policy"]),
    ('[servers.a]\ncommand = ["x"]\n[grants.g]\nserver = "a"\nexpires = 2030-01-01', ["/grants/g/expires"]),
    ("not toml", [""]),
]


@pytest.mark.parametrize(("text", "pointers"), INVALID)
def test_every_error_has_its_place(tmp_path, text, pointers):
    with pytest.raises(InvalidDocument) as refused:
        loaded(tmp_path, text)
    assert [problem.pointer for problem in refused.value.problems] == pointers


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Unavailable, match="cannot be read"):
        load(tmp_path / "nothing.toml")


def test_where_data_is():
    assert str(default_data({"TOOLGATE_DATA": "/d"})) == "/d"
    assert str(default_data({"XDG_DATA_HOME": "/x"})) == "/x/toolgate"
    assert str(default_data({"HOME": "/h"})) == "/h/.local/share/toolgate"


def test_listening_elsewhere_takes_the_trust_in_loopback_away(tmp_path):
    file = tmp_path / "toolgate.toml"
    file.write_text('[servers.a]\nurl = "http://127.0.0.1/"\n')
    assert load(file, None, {}).servers["a"].allow_private
    public = load(file, None, {}, "0.0.0.0:80")
    assert (public.listen, public.public_url, public.on_loopback) == ("0.0.0.0:80", "http://0.0.0.0:80", False)
    assert not public.servers["a"].allow_private
