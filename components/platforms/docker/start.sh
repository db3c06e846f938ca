#!/bin/sh
# First process of an instance's container, as its postgres user: makes the cluster once, then becomes postgres.
# Works with any image that has PostgreSQL's programs; what it needs lies beside it.
set -eu
echo "waqiti: starting" >&2
here=/etc/waqiti
PATH=$PATH:/usr/lib/postgresql/$WAQITI_VERSION/bin

refuse() {
    echo "waqiti: refused: $*" >&2
    exit 78
}

programs=$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
[ "$programs" = "$WAQITI_VERSION" ] ||
    refuse "the image holds PostgreSQL $programs, not $WAQITI_VERSION; correct docker.postgresImage or postgresVersion"
volume=$(dirname "$PGDATA")
if [ ! -e "$PGDATA/PG_VERSION" ]; then
    rm -rf "$volume/new"
    # A disk of its own has a lost+found.
    [ -z "$(ls -A "$volume" | grep -vxF lost+found)" ] ||
        refuse "the volume holds something that is no cluster of this stack; move it away, it was not touched"
    # Made beside its place: a cluster that is half made is never taken for one.
    initdb --pgdata "$volume/new" --username "$WAQITI_ADMINISTRATOR" --pwfile "$here/password" --encoding UTF8 \
        --locale C --data-checksums --auth-local peer --auth-host scram-sha-256 >/dev/null
    echo "$WAQITI_CLUSTER" >"$volume/new/waqiti-cluster"
    mv "$volume/new" "$PGDATA"
fi
found=$(cat "$PGDATA/PG_VERSION")
[ "$found" = "$WAQITI_VERSION" ] ||
    refuse "the volume holds data of PostgreSQL $found, not $WAQITI_VERSION; a major version is a move of its own"
owner=$(cat "$PGDATA/waqiti-cluster" 2>/dev/null || echo "another program")
[ "$owner" = "$WAQITI_CLUSTER" ] ||
    refuse "the volume holds the cluster of $owner, not of $WAQITI_CLUSTER; move it away, it was not touched"
# name, size, used, left, in kB. The server's own log is on the same disk and could not say it.
# shellcheck disable=SC2046
set -- $(df -Pk "$volume" | tail -n 1)
[ "$4" -ge "$WAQITI_ROOM" ] ||
    echo "waqiti: disk full: $(($4 / 1024)) of $(($2 / 1024)) MB are left on the volume; grow it, or remove its logs" >&2
exec postgres -D "$PGDATA" -c config_file="$here/postgresql.conf" -c hba_file="$here/hba.conf" \
    -c ident_file="$here/ident.conf"
