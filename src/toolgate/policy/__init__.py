"""The policy language, purely: parse a document, compile it once, decide calls, explain, lint, recommend.

A *policy* is a parsed document; a *compiled policy* is the same made fast; a *call* with its *facts* is decided into a
*decision*, which names its effect, the rule that determined it, and the spends still to be reserved. Nothing here does
I/O or reads a clock.
"""
