#!/bin/bash
# deploy.sh - Script de déploiement automatisé
#
# deploy.sh [staging|production] TAG, in a checkout of the application's repository. The release is
# made ready in the slot that is not live. Whatever fails, the release that runs goes on as it is.

DEPLOY_ENV=${1:-}
TAG=${2:-}    # finding 38
TIMESTAMP=$(date -u +%Y%m%d%H%M%S)    # no hour comes twice

# Vérification de l'environnement
if [ "$DEPLOY_ENV" != "staging" ] && [ "$DEPLOY_ENV" != "production" ] || [ -z "$TAG" ]; then
  echo "Usage: $0 [staging|production] TAG"
  exit 1
fi

HERE=$(dirname "$(realpath "$0")")
source "$HERE/common.sh"

STEP="contrôles préalables"
step() {
  STEP=$1
  echo "$STEP..."
}
failed() { echo "ERREUR: échec à l’étape: $STEP. La version en service n’a pas changé." >&2; }
trap failed ERR

alone
LIVE=$(live)
NEXT=$(other "${LIVE:-green}")
NEW="$(slot "$NEXT").new"
[ -r ".env.$DEPLOY_ENV" ] || die "il manque .env.$DEPLOY_ENV"
[ -z "$(git status --porcelain)" ] || die "le répertoire de travail a été modifié: git status"
if [ -n "$LIVE" ] && [ "$(release "$DEPLOY_DIR" environment)" != "$DEPLOY_ENV" ]; then
  die "ce serveur est de l’environnement $(release "$DEPLOY_DIR" environment)"    # finding 39
fi

if [ -n "$LIVE" ]; then
  step "Backup des fichiers actuels"
  BACKUP="$APP_NAME-$TIMESTAMP-$(release "$DEPLOY_DIR" name).tar.gz"
  tar -czf "$BACKUP_DIR/$BACKUP.partial" -C "$DEPLOY_DIR/" .
  mv "$BACKUP_DIR/$BACKUP.partial" "$BACKUP_DIR/$BACKUP"
  (cd "$BACKUP_DIR" && sha256sum "$BACKUP" >"$BACKUP.sha256")
  WAY_BACK=$(way_back)    # from what is live; $BACKUP will be the one from what comes
  archives | tail -n "+$((KEEP + 1))" | while read -r OLD; do
    if [ "$OLD" != "$WAY_BACK" ] && [ "$OLD" != "$BACKUP" ]; then
      rm -f "$BACKUP_DIR/$OLD" "$BACKUP_DIR/$OLD.sha256"
    fi
  done
fi

step "Récupération du code"
git fetch --quiet --all --tags    # fails where a tag that we have has been moved
git checkout --quiet --detach "tags/$TAG"

step "Installation des dépendances"
npm ci

step "Construction du projet"    # finding 37: with the tools that only a build needs
npm run build
if grep -q '"dev": true' package-lock.json; then npm prune --omit=dev --no-save; fi

step "Préparation des fichiers"
rm -rf "$NEW"
trap 'rm -rf "$NEW"' EXIT
rsync -a --exclude='.git' --exclude='.env*' ./ "$NEW/"
mkdir -p "$SHARED_DIR/uploads"
rm -rf "$NEW/uploads"
ln -s "$SHARED_DIR/uploads" "$NEW/uploads"
cp ".env.$DEPLOY_ENV" "$NEW/.env"
# A tag may have a slash, the name of an archive may not.
cat >"$NEW/RELEASE" <<END
name=${TAG//\//-}-$(git rev-parse --short=12 HEAD)
environment=$DEPLOY_ENV
END

step "Snapshot de la base de données"
$SNAPSHOT

step "Démarrage de la nouvelle version"
ERRORS_FROM=$(stat -c %s "$ERROR_LOG" 2>/dev/null || echo 0)
start "$NEXT" "$NEW"

step "Bascule"
switch_to "$NEXT"

step "Vérification de la nouvelle version"
if ! "$HERE/verify.sh" "$ERRORS_FROM"; then
  touch "$BACKUP_DIR/failed-$(release "$DEPLOY_DIR" name)"
  if [ -z "$LIVE" ]; then die "la version ne convient pas: sans autre, elle reste en service"; fi
  switch_to "$LIVE"
  die "la nouvelle version ne convient pas: retour à la précédente"
fi
rm -f "$BACKUP_DIR/failed-$(release "$DEPLOY_DIR" name)"

echo "Déploiement terminé avec succès!"
