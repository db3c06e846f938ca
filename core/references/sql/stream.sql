-- The values of one end of a reference, each in one line, sorted alike on every server.
COPY (SELECT {distinct} {columns} FROM {table} AS t WHERE {present} ORDER BY {order}) TO STDOUT
