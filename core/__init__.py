"""What migration and operations both stand on: errors, interruption, sessions, gateways, progress.

`errors`: every way to refuse or fail, with its exit code. `program.run(app, name, arguments, invocation)`:
one run of a command line; whatever happens ends in one line and an exit status. `cli`: options that verbs
share, `Invocation`. `interruption.Interruption`: Ctrl-C and SIGTERM, with a `shield` around what must not
be broken off. `verbs.program`: commands imported when they are called. `services_yaml`: lines to paste into
services.yaml. `names`: names of objects, for SQL and for people. `postgres_parser`: PostgreSQL's grammar,
imported when it is used. `observer`: who is told where a run of steps is; tests kill the process there.
"""

import os

# pydantic would look for plugins of its own in everything that is installed, at each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
