"""Tokens, the key file, sealing."""

import re

import pytest

from toolgate import secrets
from toolgate.errors import Unavailable


def test_tokens_are_long_checked_and_never_twice():
    tokens = {secrets.new_token() for _ in range(500)}
    assert len(tokens) == 500
    for token in tokens:
        assert re.fullmatch(r"tg_[0-9A-Za-z]{49}", token)
        assert secrets.well_formed(token)


def test_a_token_with_a_wrong_letter_is_not_well_formed():
    token = secrets.new_token()
    for place in range(3, len(token)):
        other = "A" if token[place] != "A" else "B"
        assert not secrets.well_formed(token[:place] + other + token[place + 1 :])
    for odd in ("", "tg_", token[:-1], token + "0", "xx_" + token[3:], token.replace("tg_", "TG_"), "tg_" + "é" * 49):
        assert not secrets.well_formed(odd)


def test_hashes_are_keyed():
    token = secrets.new_token()
    assert secrets.hash_token(b"a", token) != secrets.hash_token(b"b", token)
    assert token.encode() not in secrets.hash_token(b"a", token)


def test_the_key_file_is_made_once_and_private(tmp_path):
    path = tmp_path / "deep" / "keys.json"
    first = secrets.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = secrets.load_or_create(path)
    assert (first.pepper, first.key_id) == (again.pepper, again.key_id)
    assert len({first.pepper, first.digest, first.sessions, first.sealing}) == 4
    assert first.pepper.hex() not in repr(first)


@pytest.mark.parametrize("text", ["", "{}", '{"root": "x"}', '{"root": "AAAA"}', "[]"])
def test_a_damaged_key_file_is_one_sentence(tmp_path, text):
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Unavailable, match="is damaged"):
        secrets.load_or_create(path)


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "keys.json"
    secrets.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(Unavailable, match="chmod 600"):
        secrets.load_or_create(path)


def test_sealing(tmp_path):
    keys = secrets.load_or_create(tmp_path / "keys.json")
    sealed = keys.seal(b"value", b"context")
    assert b"value" not in sealed
    assert sealed != keys.seal(b"value", b"context")
    assert keys.unseal(sealed, b"context") == b"value"
    with pytest.raises(Unavailable):
        keys.unseal(sealed, b"other")
    for place in (0, 20, len(sealed) - 1):
        broken = bytearray(sealed)
        broken[place] ^= 1
        with pytest.raises(Unavailable):
            keys.unseal(bytes(broken), b"context")
