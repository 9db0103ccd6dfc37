#!/bin/sh
# Tells Prometheus of when the newest backup is (node exporter's textfile collector); where there
# is none yet, of when their directory is. For cron, as the user who makes the backups.
set -eu
. "$(dirname "$0")/backup.env"
into=/var/lib/prometheus/node-exporter/backup.prom
mkdir -p -m 700 "$DIRECTORY"
newest=$(find "$DIRECTORY" -mindepth 1 -maxdepth 1 -name 'mongodb-*Z' | sort | tail -n 1)
printf 'mongodb_backup_newest_timestamp_seconds %s\n' \
    "$(stat -c %Y "${newest:-$DIRECTORY}")" > "$into.$$"
mv "$into.$$" "$into"
