"""What became of it, for people: status and the page of a run.

`model.Report.make`, from the journal alone; `write.write_report(report, folder) -> (html, json)`; `phases`:
a step's kind and colour. `status.read_status(contract, services, wal_limit_bytes) -> [ServiceStatus]`.
"""
