"""`size`: what each service's catalogue entry should be, from what was measured.

`measure.measure(service, prometheus, window) -> Measured`: peaks over a time; `rules.proposals(measured)`:
what should change, pure; `edit.difference(text, proposals)`: services.yaml's diff, comments kept.
"""
