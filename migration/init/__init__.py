"""A first draft of services.yaml, from a shared database as it is.

`survey.survey(source, application) -> Survey` (`model`) reads all of it; pure from there on: `names` (which
schemas are services), `sizes`, `crossings` (a proposal for each edge, with its reason), `draft.make_draft
-> Draft`, `write` (its YAML), `update` (lines added to a file that is there), `lacks` (what the server
lacks, as statements), `next_commands`. `address`: `--source`, and where its password comes from.
docs/decisions/0073-a-first-draft.md.
"""
