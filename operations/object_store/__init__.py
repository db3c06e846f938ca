"""Archives in an object store, which CloudNativePG fills: `backup`, `restore` and `proof` on Kubernetes.

`archive.StoredBackups.of(service)` is one service's; None where its archive is a folder
(`operations.backup`). Results are those of the other platforms: `catalogue.Backup`, `check.model.Checked`,
`restore.restore.Restored`, `proof.results.Proof`. docs/decisions/0145-object-stores.md.
"""
