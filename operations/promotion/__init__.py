"""From one stack to the next: proven there, shown, applied as it was shown, and recorded (`promote`).

`proof.missing(entries, wanted) -> [str]`: what the lower stack's evidence lacks, in words. `shown.Shown`:
what a preview showed, to be compared with what a later one would do and with what `pulumi up` did.
docs/decisions/0122-promotion.md.
"""
