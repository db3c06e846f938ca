#!/bin/sh
# Says "pgaudit" when the image's PostgreSQL, the one that start.sh starts, has it beside its own libraries.
PATH=$PATH:/usr/lib/postgresql/$WAQITI_VERSION/bin
programs=$(dirname "$(readlink -f "$(command -v postgres)")")
for libraries in "$programs/../lib" "$programs/../lib/postgresql"; do
    [ ! -r "$libraries/pgaudit.so" ] || exec echo pgaudit
done
