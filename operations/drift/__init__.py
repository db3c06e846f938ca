"""What of a stack is not as it was declared, and how to mend it (`script/drift`).

`command.look(declared, contract) -> [Difference]`: servers, gateways and containers, as they are,
against the stack's state: parameters in force, roles, rights, pg_hba, verifiers, extensions, guards,
routes, limits. `refresh` adds what Pulumi's own refresh would see. Nothing is changed;
`model.Difference` has the command that mends it.
"""
