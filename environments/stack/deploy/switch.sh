#!/bin/bash
# switch.sh - Bascule vers l'autre version, qui tourne encore

source "$(dirname "$(realpath "$0")")/common.sh"

alone
LIVE=$(live)
[ -n "$LIVE" ] || die "aucune version n’est en service"
NEXT=$(other "$LIVE")
[ -r "$(slot "$NEXT")/RELEASE" ] || die "il n’y a pas d’autre version"
NAME=$(release "$(slot "$NEXT")" name)
[ ! -e "$BACKUP_DIR/failed-$NAME" ] || die "$NAME a été retirée du service"
healthy "$NEXT" || die "l’autre version n’est pas saine"
switch_to "$NEXT"
echo "En service: $(release "$DEPLOY_DIR" name)"
