"""What became of it, for people: status, the page of a run or of everything so far, evidence taken again.

`gather.everything(contract, services) -> Report` (journal, evidence, samples), `completed(report, contract)`
for a run's; `model`, `load`, `chronicle`, `answer`: its values; `charts`, `phases`: how they look;
`write.write_report(report, folder) -> (html, json)`. `recount.Recount(...).run()` yields findings.
`status.read_status(contract, services, wal_limit_bytes) -> [ServiceStatus]`. docs/decisions/0123.
"""
