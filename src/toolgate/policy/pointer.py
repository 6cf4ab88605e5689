"""JSON Pointers (RFC 6901): how errors and decisions name a place in a document."""


def join(pointer: str, *steps: str | int) -> str:
    """`pointer` with further reference tokens, escaped."""
    return pointer + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
