"""Limits, purely: windows, spends and tallies as data; the arithmetic takes `now` and touches nothing.

Amounts and maxima are whole millionths (six decimals, exact); times are whole microseconds since the Unix epoch, UTC.
A *tally* is what has been spent under one counter key, by bucket; a *spend* is what a call would add to it; a *charge*
is what was added and where, which is what a refund gives back.
"""
