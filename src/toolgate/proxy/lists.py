"""Lists as a grant may see them: what policy hides is left out, everything kept stays byte for byte."""

from dataclasses import dataclass

from toolgate.mcp import tools
from toolgate.mcp.eras import Era
from toolgate.mcp.messages import Reply
from toolgate.policy.decide import visible
from toolgate.policy.decision import Kind
from toolgate.proxy.definitions import Definitions
from toolgate.proxy.model import Principal

MAX_TTL_MS = 60_000


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a list method keeps its items, what names an item, and what a policy calls it."""

    items: str
    name: str
    kind: Kind


LISTINGS = {
    "tools/list": Listing("tools", "name", "tool"),
    "resources/list": Listing("resources", "uri", "resource"),
    "resources/templates/list": Listing("resourceTemplates", "uriTemplate", "resource"),
    "prompts/list": Listing("prompts", "name", "prompt"),
}


async def filtered(principal: Principal, method: str, reply: Reply, era: Era, definitions: Definitions, now: int) -> Reply:
    """The server's list without what policy keeps from this grant, and never cacheable for another."""
    if reply.result is None:
        return reply
    listing = LISTINGS[method]
    if listing.kind == "tool":
        await definitions.learn(principal.server_id, reply.result, now)

    def keep(name: str) -> bool:
        known = definitions.get(principal.server_id, name) if listing.kind == "tool" else None
        return visible(principal.policy, listing.kind, name, known.risk_class if known else "Unclassified")

    result = tools.filter_list(reply.result, listing.items, listing.name, keep)
    return Reply(tools.privatise(result, MAX_TTL_MS) if era is Era.STATELESS else result)
