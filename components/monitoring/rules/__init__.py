"""Alert rules as code, one module a subject, and the limits that they compare with.

`every.all_alerts()`, `every.rule_file(settings)`. A rule is a `model.Alert`; each has a page in
docs/runbooks/alerts/.
"""
