"""One service's database as a Pulumi component: its roles, their settings, its passwords, its locale.

`database.ServiceDatabase(name, ServiceDatabaseArgs, opts)` is the component: network, instance,
`roles.Roles`, gateway. `generated_secret.GeneratedSecret(name, rotation).value`: a password that lives in
the stack's encrypted state alone. `role_settings`, `database_locale` and `shared_ddl` are dynamic resources
for what pulumi-postgresql cannot say; they connect by `administration`. `ddl`: the login of schema
migrations (docs/schema-migrations.md).
"""
