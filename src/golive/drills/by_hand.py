"""Bring a drill's server to order as somebody who helps a script out."""

import contextlib
import shutil
import subprocess

import psutil

from golive.drills.deployed import BACKUP_DIR, DEPLOY_DIR
from golive.drills.host import Host
from golive.drills.releases import Repository

_WITHIN_S = 240.0  # PM2 itself may wait for minutes
_LAST_WORDS = 1500  # characters


def empty(host: Host, repository: Repository) -> None:
    """Leave nothing deployed."""
    for pid in host.path("/var/lib").glob("pm2*/pm2.pid"):
        with contextlib.suppress(psutil.NoSuchProcess):
            _kill(psutil.Process(int(pid.read_text())))
    for place in ("/var/lib/pm2", DEPLOY_DIR, BACKUP_DIR):
        for each in host.root.glob(f"{place[1:]}*"):
            if each.is_symlink():
                each.unlink()
            else:
                shutil.rmtree(each)
    upstream = f"server {host.addresses['blue']}:3000 max_fails=3 fail_timeout=10s;\n"
    host.path("/etc/nginx/upstream.conf").write_text(upstream)
    host.reload_nginx()
    _git(host, repository, "reset", "--quiet", "--hard")


def deploy(host: Host, repository: Repository, tag: str) -> str:
    """Deploy a release where nginx looks for it now; the end of what the programs said."""
    _git(host, repository, "checkout", "--quiet", "--force", tag)
    directory, pm2 = host.path(DEPLOY_DIR), host.path("/var/lib/pm2")
    commands = (
        f"mkdir -p '{directory}' '{pm2}' && npm ci && npm run build && "
        "npm prune --omit=dev --no-save && rsync -a --delete --exclude=.git "
        f"--exclude='.env*' --exclude=/RELEASE --exclude=/uploads ./ '{directory}/' && "
        f"cp .env.production '{directory}/.env' && cd '{directory}' && "
        f"{{ pm2 delete all || true; }} && SLOT_ADDRESS={host.live_address()} "
        "pm2 start ecosystem.config.js --env production"
    )
    done = subprocess.run(
        ["bash", "-c", commands],
        cwd=repository.workspace,
        env=host.environment,
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )
    return (done.stdout + done.stderr)[-_LAST_WORDS:]


def _git(host: Host, repository: Repository, *arguments: str) -> None:
    subprocess.run(
        ["git", *arguments],
        cwd=repository.workspace,
        env=host.environment,
        check=True,
        capture_output=True,
    )


def _kill(daemon: psutil.Process) -> None:
    """Kill a PM2 and its workers."""
    family = [daemon, *daemon.children(recursive=True)]
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(family, timeout=_WITHIN_S)
