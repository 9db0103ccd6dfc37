#!/bin/bash
# rollback.sh - Script de rollback
#
# Gives back the newest good backup of another release than the one that runs, and that nobody has
# rolled back from: a second rollback goes further back, never forward to what had failed
# (finding 42). Whatever fails, the release that runs goes on as it is.

HERE=$(dirname "$(realpath "$0")")
source "$HERE/common.sh"

alone
LIVE=$(live)
[ -n "$LIVE" ] || die "aucune version n’est en service"
NEXT=$(other "$LIVE")
NEW="$(slot "$NEXT").new"
FAILED=$(release "$DEPLOY_DIR" name)

# Récupération du dernier bon backup
LATEST_BACKUP=$(way_back)
if [ -z "$LATEST_BACKUP" ]; then
  echo "Aucun backup trouvé!"
  exit 1
fi

echo "Rollback vers $LATEST_BACKUP..."

# Restauration des fichiers, à côté (finding 43)
rm -rf "$NEW"
trap 'rm -rf "$NEW"' EXIT
mkdir "$NEW"
tar -xzf "$BACKUP_DIR/$LATEST_BACKUP" -C "$NEW"

# Redémarrage de l'application
ERRORS_FROM=$(stat -c %s "$ERROR_LOG" 2>/dev/null || echo 0)
start "$NEXT" "$NEW"
switch_to "$NEXT"
touch "$BACKUP_DIR/failed-$FAILED"

# Vérification du bon fonctionnement
"$HERE/verify.sh" "$ERRORS_FROM" || die "la version restaurée est en service, mais ne convient pas"

echo "Rollback terminé avec succès!"
