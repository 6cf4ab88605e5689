"""The hash chain of the audit log, purely: the canonical form of a row, its hash, and checkpoints over it.

`hash = SHA-256(previous hash || canonical row)`, where the canonical row is the JSON array of all columns but the hash, in the
table's order. The first row follows 32 zero bytes. A checkpoint is an Ed25519 signature of `org, seq, time, hash`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GENESIS = bytes(32)
COLUMNS = (
    "org_id", "seq", "time", "kind", "call_id", "server", "grant_id", "grant_label", "session_id", "method", "name",
    "effect", "code", "rule", "policy_version", "detail",
)  # fmt: skip

_encode = msgspec.json.Encoder().encode


def row_hash(previous: bytes, row: Sequence[Any]) -> bytes:
    """The hash of a row (the values of COLUMNS) that follows one with hash `previous`."""
    return hashlib.sha256(previous + _encode(row)).digest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement that the chain of `org_id` had `hash` at `seq`."""

    org_id: str
    seq: int
    time: int
    hash: bytes
    key_id: str
    signature: bytes

    def message(self) -> bytes:
        """What is signed."""
        return _encode(["toolgate-checkpoint-1", self.org_id, self.seq, self.time, self.hash.hex(), self.key_id])

    def signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the signature is by this key."""
        try:
            key.verify(self.signature, self.message())
        except InvalidSignature:
            return False
        return True

    def to_json(self) -> str:
        """One line of an export."""
        fields = {"org_id": self.org_id, "seq": self.seq, "time": self.time, "key_id": self.key_id}
        return json.dumps({"checkpoint": {**fields, "hash": self.hash.hex(), "signature": self.signature.hex()}})

    @classmethod
    def from_json(cls, text: str) -> "Checkpoint":
        """From a line of an export. Raises ValueError."""
        try:
            fields = json.loads(text)["checkpoint"]
            return cls(
                fields["org_id"], fields["seq"], fields["time"], bytes.fromhex(fields["hash"]), fields["key_id"],
                bytes.fromhex(fields["signature"]),
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise ValueError(f"no checkpoint: {error}") from None


def sign(key: Ed25519PrivateKey, key_id: str, org_id: str, seq: int, time: int, digest: bytes) -> Checkpoint:
    """A checkpoint at this point of the chain."""
    unsigned = Checkpoint(org_id, seq, time, digest, key_id, b"")
    return Checkpoint(org_id, seq, time, digest, key_id, key.sign(unsigned.message()))
