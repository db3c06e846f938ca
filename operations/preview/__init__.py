"""What a change would do to a stack, on one page (`script/preview`).

`pulumi` makes the previews, with a backend the real one, else of two revisions (`revisions`,
`declared`); `steps` reads them; `rules`, `rules_parameters` turn each change into a `meaning.Meaning`
(in place, reload, restart, replacement, data at risk, refused) with the wait of `waits`; `page` writes
Markdown, `comment` keeps it in one comment of a pull request. docs/decisions/0097 and 0098.
"""
