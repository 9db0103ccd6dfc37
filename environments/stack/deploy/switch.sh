#!/bin/bash
# switch.sh - Bascule vers l'autre version, qui tourne encore

source "$(dirname "$(realpath "$0")")/common.sh"

alone
LIVE=$(live)
[ -n "$LIVE" ] || die "aucune version n’est en service"
healthy "$(other "$LIVE")" || die "l’autre version n’est pas saine"
switch_to "$(other "$LIVE")"
echo "En service: $(release "$DEPLOY_DIR" name)"
