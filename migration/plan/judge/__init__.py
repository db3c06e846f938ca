"""What a plan says of one subject each: refused, noted, or what to do about it. Pure.

Each module yields `plan.model.Problem`s from a service, the catalogue, its closure and mostly the target's
facts, with a remedy that works when pasted; tests/support/remedies_table.py names the test that follows it.
"""
