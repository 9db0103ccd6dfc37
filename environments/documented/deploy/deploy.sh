#!/bin/bash
# deploy.sh - Script de déploiement automatisé

# Variables
DEPLOY_ENV=$1
APP_NAME="dashboard-velo-api"
DEPLOY_DIR="/var/www/$APP_NAME"
BACKUP_DIR="/var/backups/$APP_NAME"
TIMESTAMP=$(date +%Y%m%d%H%M%S)

# Vérification de l'environnement
if [ "$DEPLOY_ENV" != "staging" ] && [ "$DEPLOY_ENV" != "production" ]; then
  echo "Usage: $0 [staging|production]"
  exit 1
fi

# Création du répertoire de backup
mkdir -p $BACKUP_DIR

# Backup des fichiers actuels
if [ -d "$DEPLOY_DIR" ]; then
  echo "Backup des fichiers actuels..."
  tar -czf $BACKUP_DIR/$APP_NAME-$TIMESTAMP.tar.gz -C $DEPLOY_DIR .
fi

# Récupération du code
echo "Récupération du code..."
git fetch --all
git checkout tags/v1.0.0

# Installation des dépendances
echo "Installation des dépendances..."
npm ci --production

# Construction du projet
echo "Construction du projet..."
npm run build

# Copie des fichiers
echo "Déploiement des fichiers..."
mkdir -p $DEPLOY_DIR
rsync -av --delete --exclude='.git' --exclude='node_modules' --exclude='.env*' ./ $DEPLOY_DIR/

# Configuration de l'environnement
echo "Configuration de l'environnement..."
cp .env.$DEPLOY_ENV $DEPLOY_DIR/.env

# Redémarrage de l'application
echo "Redémarrage de l'application..."
cd $DEPLOY_DIR
pm2 reload ecosystem.config.js --env $DEPLOY_ENV

# Vérification du statut
echo "Vérification du statut..."
sleep 5
pm2 status

echo "Déploiement terminé avec succès!"
