#!/bin/bash
# verify.sh - Vérifie la version en service: smoke tests, métriques de santé et de performance, logs
#
# verify.sh [BYTES]: what stands in the error log after BYTES counts (default: what comes now).
# It says what it found, and ends with status 1 if something is not as it must be.

source "$(dirname "$(realpath "$0")")/common.sh"

SMOKE=(/health /api/v1/routes "/api/v1/weather?city=lyon" /api/docs/ /)
ERRORS_FROM=${1:-$(stat -c %s "$ERROR_LOG" 2>/dev/null || echo 0)}
LIVE=$(live)
[ -n "$LIVE" ] || die "aucune version n’est en service"
ITSELF="http://$(address "$LIVE"):$PORT"
STATUS=0

report() {
  echo "$1: $2"
  if [ "$1" = KO ]; then STATUS=1; fi
}

smoke() {
  local code
  code=$(curl -sS --max-time 5 -o /dev/null -w '%{http_code}' "$@") || true
  if [ "$code" = 200 ]; then report OK "smoke ${*: -1}"; else report KO "smoke ${*: -1}: $code"; fi
}

before=$(curl -fsS --max-time 5 "$ITSELF/metrics")
for path in "${SMOKE[@]}"; do
  smoke "$ITSELF$path"    # through nginx another server may answer, with another release
  smoke "${CURL[@]}" "$SITE$path"
done
if [ $STATUS != 0 ]; then exit $STATUS; fi    # do not keep users waiting for the rest

echo "Observation pendant $OBSERVE s..."
sleep "$OBSERVE"

# Both times all workers together; what they answered meanwhile is the difference.
after=$(curl -fsS --max-time 5 "$ITSELF/metrics")
read -r asked failed slow < <(awk '
  BEGIN { sign = -1 }
  /^== after/ { sign = 1 }
  /^http_requests_total[{]/ { asked += sign * $NF }
  /^http_requests_total[{].*status="5/ { failed += sign * $NF }
  /^http_request_duration_seconds_count[{]/ { slow += sign * $NF }
  /^http_request_duration_seconds_bucket[{].*le="0.5"/ { slow -= sign * $NF }
  END { print asked + 0, failed + 0, slow + 0 }' <<<"$before"$'\n== after\n'"$after")
if ((asked > 0 && failed * 100 <= asked)); then word=OK; else word=KO; fi
report $word "métriques de santé: $failed erreurs sur $asked requêtes (1 % au plus)"
if ((asked > 0 && slow * 20 <= asked)); then word=OK; else word=KO; fi
report $word "métriques de performance: $slow réponses sur $asked en plus de 500 ms (5 % au plus)"

# Answers with an error are counted above; anything else that was written is an error of its own.
if errors=$(tail -c +$((ERRORS_FROM + 1)) "$ERROR_LOG" | grep -vcF '"msg":"request"'); then
  report KO "logs: $errors lignes dans $ERROR_LOG"
elif [ -r "$ERROR_LOG" ]; then
  report OK "logs"
else
  report KO "logs: $ERROR_LOG ne peut pas être lu"
fi

exit $STATUS
