#!/bin/sh
# Tells Prometheus when the site's certificate ends (node exporter's textfile collector).
# For cron.daily, and as a deploy hook of certbot.
set -eu
certificate=/etc/letsencrypt/live/api.dashboard-velo.com/fullchain.pem
into=/var/lib/prometheus/node-exporter/certificate.prom
end=$(openssl x509 -noout -enddate -in "$certificate" | cut -d= -f2)
printf 'certificate_not_after_timestamp_seconds{site="api.dashboard-velo.com"} %s\n' \
    "$(date -d "$end" +%s)" > "$into.$$"
mv "$into.$$" "$into"
