"""Risk of tools, purely: from a definition's own words to a class, a level, and the evidence for both.

A *rule* looks at one kind of words and yields *evidence*: a class, a weight, and the exact quote. `classify` adds the evidence
up; the graver class wins a tie, and where there is none the answer is Unclassified, never Read.
"""
