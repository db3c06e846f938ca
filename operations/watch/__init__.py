"""`watch`: all services on one screen of 80 columns.

`look.Watch(contract, services).look() -> Picture`: what is, read with the monitoring role, from gateways'
consoles, archives and disks; `rates.rates(before, now)`: what counters did between
two looks; `screen.screen(picture, rates, width)` draws it.
"""
