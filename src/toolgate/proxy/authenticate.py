"""Who is asking: the grant token of the request, and nothing else. There is no second authenticator to fall back to."""

from toolgate import secrets
from toolgate.errors import Unauthenticated
from toolgate.proxy.model import Exchange, Principal
from toolgate.proxy.resolve import Directory

REFUSED = "a valid grant token is needed: send `Authorization: Bearer tg_…` (mint one with `toolgate grant mint`)"


def authenticate(exchange: Exchange, directory: Directory, pepper: bytes, now: int) -> Principal:
    """The principal of an exchange. Raises Unauthenticated; the text never says whether a token exists.

    A token is good for its own server only: on another server's URL it is refused like an unknown one.
    """
    if exchange.local is not None:
        return directory.local(exchange.local, now)
    scheme, _, token = (exchange.header(b"authorization") or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not secrets.well_formed(token):
        raise Unauthenticated(REFUSED)
    principal = directory.by_hash(secrets.hash_token(pepper, token), now)
    if principal is None or principal.server != exchange.server:
        raise Unauthenticated(REFUSED)
    return principal
