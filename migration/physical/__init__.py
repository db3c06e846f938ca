"""Tables that come as files: a base backup of the shared server up to an LSN, and out of it only what is the
service's, put under the names of its own instance's empty tables. Decisions 0160 to 0162.

`conditions.obstacles`: why it cannot be; `choose.choose`: what can come so and whether that is quicker;
`bring.bring_files`: does it; `places.mend`: takes back what a killed one left.
"""
