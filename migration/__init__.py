"""Moves each service's data out of the shared database while it keeps serving, and can go back.

In: the stack's `contract`. `__main__.main(arguments, observer) -> exit status`. Data flows one way through
the packages: catalog, boundary, plan -> schema, copy, replicate -> verify, gates -> switch -> finish;
`moves` puts steps together, `commands` has the verbs, `journal` what was done, `guards` who may write.
Which may import which: tests/unit/test_layers.py. docs/architecture.md has the picture,
docs/cutover-through-the-code.md one way through.
"""
