"""Secrets of the gateway: its key file, grant tokens, sealed values, ids.

The key file holds one random root; every key is derived from it for one purpose (HKDF-SHA-256, RFC 5869), so that no key
serves two. It is made at first start with mode 0600 and must not be readable by others.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from toolgate.errors import Unavailable

TOKEN_PREFIX = "tg_"  # noqa: S105 - a prefix, not a token
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN_BYTES = 32
BODY_LENGTH = 43
CHECK_LENGTH = 6
NONCE_BYTES = 12


def new_id(prefix: str) -> str:
    """`prefix_` and 80 random bits."""
    return f"{prefix}_{secrets.token_hex(10)}"


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECK_LENGTH)


def new_token() -> str:
    """A grant token: `tg_`, 256 random bits in base62, and a CRC-32 that lets secret scanners tell it from chance."""
    body = _base62(int.from_bytes(secrets.token_bytes(TOKEN_BYTES)), BODY_LENGTH)
    return TOKEN_PREFIX + body + _checksum(body)


def well_formed(token: str) -> bool:
    """Whether a text is a token by its form and checksum."""
    if len(token) != len(TOKEN_PREFIX) + BODY_LENGTH + CHECK_LENGTH or not token.isascii():
        return False
    body, check = token[len(TOKEN_PREFIX) : -CHECK_LENGTH], token[-CHECK_LENGTH:]
    return token.startswith(TOKEN_PREFIX) and hmac.compare_digest(_checksum(body), check)


def hash_token(pepper: bytes, token: str) -> bytes:
    """The keyed hash that is stored in a token's place (HMAC-SHA-256)."""
    return hmac.digest(pepper, token.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one gateway, by purpose."""

    pepper: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    sessions: bytes = field(repr=False)
    sealing: bytes = field(repr=False)
    signing: Ed25519PrivateKey = field(repr=False)
    key_id: str

    @property
    def verifying(self) -> dict[str, Ed25519PublicKey]:
        """Public keys of audit checkpoints, by id."""
        return {self.key_id: self.signing.public_key()}

    def seal(self, value: bytes, context: bytes) -> bytes:
        """AES-256-GCM under the sealing key; `context` must be the same when it is opened."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        key_id = self.key_id.encode()
        return key_id + b":" + nonce + AESGCM(self.sealing).encrypt(nonce, value, key_id + context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed. Raises Unavailable when it was altered or sealed under another key."""
        key_id, _, rest = sealed.partition(b":")
        try:
            return AESGCM(self.sealing).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], key_id + context)
        except (InvalidTag, ValueError):
            raise Unavailable("a sealed value cannot be opened: is this the key file it was sealed with?") from None


def derive(root: bytes) -> Keys:
    """The keys of a root of 32 bytes."""

    def key(purpose: str) -> bytes:
        return HKDF(hashes.SHA256(), 32, None, f"toolgate/1/{purpose}".encode()).derive(root)

    signing = Ed25519PrivateKey.from_private_bytes(key("audit-signing"))
    key_id = hashlib.sha256(signing.public_key().public_bytes_raw()).hexdigest()[:16]
    return Keys(key("token-pepper"), key("argument-digest"), key("session-mac"), key("sealing"), signing, key_id)


def load_or_create(path: Path) -> Keys:
    """The keys in the key file, which is made if need be. Raises Unavailable with what to do about it."""
    try:
        return _load(path) if path.exists() else _create(path)
    except OSError as error:
        raise Unavailable(f"the key file `{path}` cannot be read or made: {error.strerror}") from None


def _load(path: Path) -> Keys:
    if path.stat().st_mode & 0o077:
        raise Unavailable(f"the key file `{path}` can be read by others: run `chmod 600 {path}`")
    try:
        root = base64.b64decode(json.loads(path.read_text())["root"], validate=True)
    except (ValueError, KeyError, TypeError):
        root = b""
    if len(root) != TOKEN_BYTES:
        raise Unavailable(f"the key file `{path}` is damaged: restore it from a backup; without it every token is void")
    return derive(root)


def _create(path: Path) -> Keys:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = secrets.token_bytes(TOKEN_BYTES)
    text = json.dumps({"root": base64.b64encode(root).decode()}) + "\n"
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _load(path)
    with os.fdopen(file, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return derive(root)
