#!/bin/sh
# Health of an instance's container, in a line (`docker inspect`): it takes connections, and its disk has room.
# The server's own log is on that disk and cannot say so.
PATH=$PATH:/usr/lib/postgresql/$WAQITI_VERSION/bin
# name, size, used, left, in kB
set -- "$1" $(df -Pk "$(dirname "$PGDATA")" | tail -n 1)
if [ "$5" -lt "$(($3 / 20))" ] || [ "$5" -lt "$WAQITI_ROOM" ]; then
    echo "waqiti: disk full: $(($5 / 1024)) of $(($3 / 1024)) MB are left; grow the volume, or make room"
    exit 1
fi
pg_isready -q -h 127.0.0.1 -p "$1" || { echo "waqiti: takes no connections; see docker logs"; exit 1; }
