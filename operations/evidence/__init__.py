"""The evidence of a stack for people: what was deployed, moved, verified, restored, signed (`report`).

`report.summary(entries, contract) -> Summary`; `report.markdown(summary)`, `.as_json()`. Pure.
"""
