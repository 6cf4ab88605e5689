"""Conditions: a path, an operator and a value, compiled once to a predicate.

`OPERATORS` is the table; each family of operators is one file. An operator checks its value when a document is parsed and
makes a predicate of it; a predicate raises `Unevaluable` for an argument it cannot judge, which counts against the call.
"""
