#!/bin/sh
# The start of a Postgres container made from Debian's packages, as far as compose.yaml needs it: it does what the
# official image does with POSTGRES_USER, POSTGRES_DB and POSTGRES_PASSWORD.
set -eu
data=/var/lib/postgresql/data
programs=$(echo /usr/lib/postgresql/*/bin)
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$data" /run/postgresql
    chown -R postgres:postgres "$data" /run/postgresql
    chmod 700 "$data"
    exec runuser -u postgres -- sh "$0"
fi
PATH="$programs:$PATH"
if [ ! -s "$data/PG_VERSION" ]; then
    (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password)
    initdb -D "$data" -U "$POSTGRES_USER" --auth-local=trust --auth-host=scram-sha-256 --pwfile=/tmp/password -E UTF8
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
    pg_ctl -D "$data" -w -o '-c listen_addresses=' start
    createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -D "$data" -w stop
fi
exec postgres -D "$data" -c listen_addresses='*'
