#!/bin/bash
# rollback.sh - Script de rollback

# Variables
APP_NAME="dashboard-velo-api"
DEPLOY_DIR="/var/www/$APP_NAME"
BACKUP_DIR="/var/backups/$APP_NAME"

# Récupération du dernier backup
LATEST_BACKUP=$(ls -t $BACKUP_DIR/$APP_NAME-*.tar.gz | head -1)

if [ -z "$LATEST_BACKUP" ]; then
  echo "Aucun backup trouvé!"
  exit 1
fi

echo "Rollback vers $LATEST_BACKUP..."

# Restauration des fichiers
rm -rf $DEPLOY_DIR/*
tar -xzf $LATEST_BACKUP -C $DEPLOY_DIR

# Redémarrage de l'application
cd $DEPLOY_DIR
pm2 reload ecosystem.config.js

# Vérification du statut
sleep 5
pm2 status

echo "Rollback terminé avec succès!"
