"""New logins and passwords for a service, while it works (`rotate`, `rotation status`).

`rotate.rotate(...)`: the next of two sets of logins becomes current and the other one stays valid; `finish`
closes it; `own` renews the passwords that only our programs use. `users.users(contract, service)`: who is
logged in with a login that is to go. `stack_settings`: the numbers in the stack's settings, from which the
Pulumi program makes all of it. docs/decisions/0120-rotation.md.
"""
