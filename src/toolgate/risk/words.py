"""The words that rules know: what a verb says of a tool that begins with it."""

from toolgate.risk.model import RiskClass

VERBS: dict[RiskClass, frozenset[str]] = {
    "Read": frozenset(
        """
        get list read search find fetch query lookup look show view describe check count inspect browse retrieve
        download summarize summarise analyze analyse compare validate verify explain preview status diff watch monitor
        ping resolve calculate compute convert parse extract detect estimate recall load return returns lists gets reads
        searches finds fetches retrieves shows views describes checks counts inspects displays display discover
        enumerate scan tail head whoami history info help suggest recommend translate classify evaluate
        """.split()
    ),
    "Write": frozenset(
        """
        create add update set write edit modify insert save upload post put patch rename move copy append assign tag
        label comment reply send share publish invite upsert store record register configure enable disable mark archive
        restore import attach link subscribe draft schedule change adjust creates adds updates sets writes edits
        modifies inserts saves uploads sends posts moves renames remember log submit pin unpin merge commit push fork
        clone apply close reopen lock unlock follow unfollow star approve reject resolve_thread replace upgrade notify
        """.split()
    ),
    "Execute": frozenset(
        """
        run execute exec invoke start stop restart retry trigger deploy launch build call eval evaluate_script click
        type press navigate cancel resume pause rerun requeue dispatch install kill spawn scale reboot boot shutdown
        redeploy promote rollback runs executes starts stops restarts retries triggers deploys launches cancels invokes
        generate train simulate test sync migrate connect open hover drag scroll tap swipe submit_job
        """.split()
    ),
    "Destructive": frozenset(
        """
        delete remove destroy drop purge wipe erase truncate terminate revoke reset clear uninstall deprovision delist
        deletes removes destroys drops purges wipes erases terminates revokes clears unpublish deregister prune flush
        discard expunge decommission nuke trash
        """.split()
    ),
    "Financial": frozenset(
        """
        pay charge refund transfer buy sell purchase withdraw payout invoice trade swap donate
        """.split()
    ),
}

MONEY = frozenset(
    """
        payment payments money card cards charge charges refund refunds invoice invoices payout payouts balance funds
        crypto usd usdc eth btc wallet bank credit credits dollars price stock shares order orders subscription billing
        transaction transactions
        """.split()
)
MONEY_ALONE = frozenset({"pay", "refund", "payout", "withdraw", "purchase", "buy", "sell", "donate"})

PHRASES: tuple[tuple[str, RiskClass, float], ...] = (
    (r"cannot be undone|can't be undone|irreversibl[ey]", "Destructive", 2.0),
    (r"permanently (?:delete|remove|destroy|erase)s?", "Destructive", 2.4),
    (r"shell commands?|arbitrary code|run code|execute code|bash commands?|sql statements?", "Execute", 2.0),
    (r"(?:transfer|send|move)s? (?:money|funds|crypto|tokens|usdc?|eth|btc|sol)\b", "Financial", 3.6),
    (r"charges? (?:the|a|your|their|stored)?\s?(?:\w+ )?(?:card|customer|account|wallet)", "Financial", 3.6),
    (r"(?:place|submit|execute)s? (?:an? )?(?:\w+ )?(?:order|trade)", "Financial", 3.4),
)
NEGATIONS = ("not ", "never ", "without ", "n't ", "no ", "read-only", "instead of ")
"""Within this many characters before a grave phrase they take it back."""
NEGATION_WINDOW = 24
