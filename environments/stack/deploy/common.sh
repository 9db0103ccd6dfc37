# shellcheck shell=bash disable=SC2034
# common.sh - what deploy.sh, rollback.sh, switch.sh and verify.sh share; they source it.
#
# A server has two slots, blue and green. Each holds one release, runs it under a PM2 of its own,
# and answers at an address of its own, so that both keep port 3000. One of them is live:
# $DEPLOY_DIR and $PM2_DIR are links to it, and nginx names it. A new release is made ready in the
# other slot, where nobody sees it, then nginx is told to change over, and the links follow. They
# are this server's own, so that no network says which slot may be cleared; nginx is made to agree.
#
# "finding 36" points to the list of what the document's own scripts do wrong; they are kept in
# environments/documented/deploy.

set -Eeuo pipefail    # finding 36
umask 077             # finding 40

APP_NAME="dashboard-velo-api"
DEPLOY_DIR="/var/www/$APP_NAME"
SHARED_DIR="/var/www/$APP_NAME.shared"    # finding 39: what users uploaded outlives a release
BACKUP_DIR="/var/backups/$APP_NAME"
ERROR_LOG="/var/log/dashboard-velo/error.log"
PM2_LOG="/var/log/dashboard-velo/pm2.log"
LOCK_FILE="/run/lock/$APP_NAME.lock"
PM2_DIR="/var/lib/pm2"
UPSTREAM="/etc/nginx/upstream.conf"
PORT=3000

HEALTH_WITHIN=60    # seconds that a release may take until it answers
RELOADED_WITHIN=10  # seconds that nginx may take to read its configuration
OBSERVE=10          # seconds for which a new release is observed
KEEP=20             # archives; what rollback.sh would give back, now or next, is always kept
# This server's own: BLUE, GREEN (addresses), ON_EDGE (a command that runs another where nginx is),
# SNAPSHOT (a command that saves the database), SITE and CURL (options) for the smoke tests.
source /etc/dashboard-velo/deploy.conf
: "${BLUE:?}" "${GREEN:?}" "${SNAPSHOT:?}" "${SITE:?}"

die() {
  echo "ERREUR: $*" >&2
  exit 1
}

# Of several runs at once, one goes on (finding 41). What outlives this shell must not inherit the
# lock: see 9>&- below.
alone() {
  local link live
  for link in "$DEPLOY_DIR" "$PM2_DIR"; do
    if [ -e "$link" ] && [ ! -L "$link" ]; then die "$link doit être un lien vers $link.blue"; fi
  done
  mkdir -p "$BACKUP_DIR"
  exec 9>"$LOCK_FILE"
  flock --nonblock 9 || die "un déploiement ou un rollback est déjà en cours"
  live=$(live)
  check_upstream
  # A run that was killed may have changed the file, and not told nginx, or not moved the links.
  if [ -n "$live" ]; then switch_to "$live"; fi
}

slot() { echo "$DEPLOY_DIR.$1"; }
address() { if [ "$1" = blue ]; then echo "$BLUE"; else echo "$GREEN"; fi; }
other() { if [ "$1" = blue ]; then echo green; else echo blue; fi; }
version() { sed -n 's/^  "version": "\(.*\)".*/\1/p' "$1/package.json"; }
release() { sed -n "s/^$2=//p" "$1/RELEASE"; }    # a line of what deploy.sh noted of it

# The slot that is live, nothing where nothing was ever deployed.
live() {
  local colour
  if [ ! -L "$DEPLOY_DIR" ]; then
    for colour in blue green; do
      if [ -e "$(slot "$colour")" ]; then
        die "$(slot "$colour") existe, mais pas $DEPLOY_DIR: refaites le lien si cette version" \
          "est en service, supprimez-la sinon"
      fi
    done
    return
  fi
  colour=$(readlink "$DEPLOY_DIR")
  colour=${colour#"$DEPLOY_DIR".}
  [ "$colour" = blue ] || [ "$colour" = green ] || die "$DEPLOY_DIR ne mène ni à blue ni à green"
  [ -r "$(slot "$colour")/RELEASE" ] || die "il manque $(slot "$colour")/RELEASE"
  echo "$colour"
}

# Nothing may begin where nginx cannot be told to change over, nor where it names both slots.
check_upstream() {
  local servers colour named=0
  servers=$($ON_EDGE cat "$UPSTREAM") || die "nginx est hors d’atteinte"
  for colour in blue green; do
    if grep -qF " $(address "$colour"):$PORT" <<<"$servers"; then named=$((named + 1)); fi
  done
  [ $named = 1 ] || die "$UPSTREAM nomme $named adresses de ce serveur, au lieu d’une"
}

# The archives, the newest first: by the time in the name, not by the file's (finding 44).
archives() { find "$BACKUP_DIR" -name "$APP_NAME-*.tar.gz" -printf '%f\n' | sort -r; }

# The newest good archive of another release than the live one, and that has not failed; nothing
# where there is none.
way_back() {
  local archive release running; running=$(release "$DEPLOY_DIR" name)
  while read -r archive; do
    release=${archive#"$APP_NAME"-*-}
    release=${release%.tar.gz}
    if [ "$release" = "$running" ] || [ -e "$BACKUP_DIR/failed-$release" ]; then continue; fi
    if (cd "$BACKUP_DIR" && sha256sum --check --status "$archive.sha256"); then
      echo "$archive"
      return
    fi
    echo "Backup endommagé, ignoré: $archive" >&2
  done < <(archives)
}

# Whether a slot answers, reaches its stores, and runs the release that is in it.
healthy() {
  local url; url="http://$(address "$1"):$PORT"
  curl -fsS --max-time 2 -o /dev/null "$url/ready" &&
    curl -fsS --max-time 2 "$url/health" | grep -qF "\"version\":\"$(version "$(slot "$1")")\""
}

slot_pm2() {
  # Neither our secrets nor our lock for the daemon, nor for its dump.
  env -i PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 TMPDIR="${TMPDIR:-/tmp}" \
    PM2_HOME="$PM2_DIR.$1" SLOT_ADDRESS="$(address "$1")" pm2 "${@:2}" 9>&-
}

# Put a release that was made ready in $2 into a slot, and start it; return once it is healthy.
start() {
  local slot until states; slot=$(slot "$1"); until=$((SECONDS + HEALTH_WITHIN))
  if [ -e "$slot" ]; then clear_slot "$1"; fi
  mv "$2" "$slot"
  cd "$slot"
  # PM2 waits for a release that never says that it is ready, and starts one that crashes anew.
  slot_pm2 "$1" start ecosystem.config.js --env "$(release "$slot" environment)" >"$PM2_LOG" &
  until healthy "$1" 2>/dev/null; do
    if ! kill -0 $! 2>/dev/null && ! wait $!; then
      clear_slot "$1"
      die "PM2 ne démarre pas: $(tail -3 "$PM2_LOG")"
    fi
    if ((SECONDS >= until)); then
      kill $! 2>/dev/null || true    # it may have ended meanwhile
      clear_slot "$1"
      die "la nouvelle version n’est pas saine après $HEALTH_WITHIN s"
    fi
    sleep 0.1
  done
  wait $!
  slot_pm2 "$1" save >/dev/null    # finding 31: what `pm2 resurrect` starts after a reboot
  # Healthy is what one worker says: all are in what PM2 has saved.
  states=$(sed -n 's/^ *"status": "\(.*\)".*/\1/p' "$PM2_DIR.$1/dump.pm2" | sort -u)
  if [ "$states" != online ]; then
    clear_slot "$1"
    die "un processus de la nouvelle version n’est pas prêt"
  fi
}

clear_slot() {
  slot_pm2 "$1" delete all >/dev/null 2>&1 || true    # it may run nothing
  rm -rf "$(slot "$1")"
}

# nginx's workers that accept connections; one that only finishes what it has says so in its title.
# Status 1 where none is seen.
accepting() { $ON_EDGE pgrep -P "$($ON_EDGE cat /run/nginx.pid)" -f 'process$' | sort; }

# From now on nginx sends requests to this slot; those that have begun are finished by the other.
switch_to() {
  local to old now until; to=$(address "$1"):$PORT
  old=$(accepting) || die "aucun processus de nginx n’est visible (pgrep)"
  # The other servers write this file too: the lock of alone() is this one's only.
  $ON_EDGE flock "$UPSTREAM.lock" bash -es <<END || die "nginx n’a pas changé de version"
    sed -i.before -e "s/ $BLUE:$PORT/ $to/" -e "s/ $GREEN:$PORT/ $to/" "$UPSTREAM"
    nginx -t -q || { mv "$UPSTREAM.before" "$UPSTREAM"; exit 1; }
    nginx -s reload
END
  # It returns at once: until new workers accept, and no old one any more, some answer as before.
  until=$((SECONDS + RELOADED_WITHIN))
  until now=$(accepting) && ! comm -12 <(echo "$old") <(echo "$now") | grep -q .; do
    if ((SECONDS >= until)); then die "nginx sert encore sa configuration d’avant"; fi
    sleep 0.05
  done
  point "$DEPLOY_DIR" "$1"
  point "$PM2_DIR" "$1"
}

# A link, replaced at once: there is always one.
point() {
  if [ "$(readlink "$1")" = "$1.$2" ]; then return; fi
  ln -sfn "$1.$2" "$1.link"
  mv -T "$1.link" "$1"
}
