"""What a replica changes in the production files: each rule, and nothing else."""

from pathlib import Path

import pytest

from golive.replica.subnet import Subnet
from golive.replica.substitution import Secrets, Substitution, Substitutions

from .commands import ROOT

SUBNET = Subnet(9, low_ports=True)
HOST_ROOT = Path("/replica/app-1")


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def app(secrets: Secrets) -> Substitutions:
    return Substitutions("app-1", SUBNET, HOST_ROOT, secrets)


@pytest.mark.parametrize(
    ("production", "replica"),
    [
        ("server app-2.dashboard-velo.internal:3000;", "server 127.9.1.2:3000;"),
        ("'redis://redis-3.dashboard-velo.internal:6379'", "'redis://127.9.2.3:6379'"),
        ("smtp: mail.dashboard-velo.internal:25", "smtp: 127.9.5.2:25"),
        ("bind 0.0.0.0", "bind 127.9.1.1"),
        ('HOST="[private-address]"', 'HOST="127.9.1.1"'),
        ("    listen 80;", "    listen 127.9.1.1:80;"),
        ("listen 443 ssl http2 default_server;", "listen 127.9.1.1:443 ssl http2 default_server;"),
        ("listen *:80;", "listen 127.9.1.1:80;"),
        ("listen 0.0.0.0:80;", "listen 127.9.1.1:80;"),
        ("set_real_ip_from 173.245.48.0/20;", "set_real_ip_from 127.9.64.0/20;"),
        ("REDIS_HOST=dv.abc123.ng.0001.euw3.cache.amazonaws.com", "REDIS_HOST=127.9.2.1"),
        ("include /etc/nginx/mime.types;", "include /replica/app-1/etc/nginx/mime.types;"),
        ("dir /var/lib/redis", "dir /replica/app-1/var/lib/redis"),
        ('"/run/nginx.pid"', '"/replica/app-1/run/nginx.pid"'),
    ],
)
def test_each_rule(app: Substitutions, production: str, replica: str) -> None:
    assert app.render(production) == replica


@pytest.mark.parametrize(
    "text",
    [
        "other.dashboard-velo.internal",  # no host of the diagram
        "app-1.dashboard-velo.internal.example.com",
        "https://api.dashboard-velo.com/etc/passwd",
        "location ^~ /api/docs {",
        "location ~* /static/var/ {",
        "root /srv/www;",
        "listen unix:/tmp/socket;",
        "keepalive_timeout 65;",
        "[remote_addr]",
        "$host [$time_local] [::1]:80",
        "[options] [a-z]+ ![0-9]",
        "10.0.0.0/8 1.0.0.0 100.0.0.00",
        "NODE_ENV=production\nPORT=3000\n",
    ],
)
def test_what_it_does_not_know_stays(app: Substitutions, text: str) -> None:
    assert app.render(text) == text


def test_a_placeholder_is_one_secret_wherever_it_stands(
    app: Substitutions, secrets: Secrets
) -> None:
    monitoring = Substitutions("monitoring", SUBNET, Path("/replica/monitoring"), secrets)
    first = app.render("[redis-password] [jwt-secret-here]").split()
    assert monitoring.render("[redis-password] [jwt-secret-here]").split() == first
    assert len(set(first)) == 2
    other = Substitutions("app-1", SUBNET, HOST_ROOT, Secrets())
    assert not set(other.render("[redis-password] [jwt-secret-here]").split()) & set(first)


def test_the_database_address_keeps_its_options_and_asks_for_tls(
    app: Substitutions, secrets: Secrets
) -> None:
    production = 'U="mongodb+srv://[username]:[password]@cluster0.mongodb.net/velo?w=majority"'
    assert app.render(production) == (
        f'U="mongodb://dashboard-velo:{secrets["mongo-password"]}'
        "@127.9.3.1:27017,127.9.3.2:27017,127.9.3.3:27017/velo?w=majority"
        "&authSource=admin&replicaSet=dashboard-velo&tls=true"
        '&tlsCAFile=/replica/app-1/etc/dashboard-velo/root.pem"'
    )


def test_ports_that_stand_for_low_ones() -> None:
    high = Substitutions("monitoring", Subnet(9, low_ports=False), Path("/m"), Secrets())
    assert high.render("listen 80;\nlisten 443 ssl;") == (
        "listen 127.9.4.1:8080;\nlisten 127.9.4.1:8443 ssl;"
    )
    assert high.render("smtp_smarthost: 'mail.dashboard-velo.internal:25'") == (
        "smtp_smarthost: '127.9.5.2:8025'"
    )
    assert high.render("url: 'http://slack.dashboard-velo.internal/x'") == (
        "url: 'http://127.9.5.3:8080/x'"
    )
    assert high.render("- app-1.dashboard-velo.internal:3000") == "- 127.9.1.1:3000"


def test_changes_are_told_by_line_with_their_secrets_hidden(
    app: Substitutions, secrets: Secrets
) -> None:
    text = "a: 1\nhost: mongo-1.dashboard-velo.internal\nkey: [api-key-here]\n"
    assert list(app.changes("some/file", text)) == [
        Substitution(
            "app-1",
            "some/file",
            2,
            "host: mongo-1.dashboard-velo.internal",
            "host: 127.9.3.1",
        ),
        Substitution("app-1", "some/file", 3, "key: [api-key-here]", "key: ••••••••"),
    ]
    assert secrets["api-key-here"] not in "".join(map(str, app.changes("some/file", text)))


CONFIGURATION = sorted(
    file
    for directory in ("stack", "documented")
    for file in (ROOT / "environments" / directory).rglob("*")
    if file.is_file()
    and "node_modules" not in file.parts
    and ("app" not in file.parts or file.name == ".env.production")
    and file.name != "deploy.conf"  # names the slots of a server; a drill writes one of its own
)


@pytest.mark.parametrize(
    "file", CONFIGURATION, ids=lambda file: str(file.relative_to(ROOT / "environments"))
)
@pytest.mark.parametrize("host", ["edge", "app-1", "monitoring"])
def test_every_configuration_file(file: Path, host: str, secrets: Secrets) -> None:
    """Lines keep their numbers, no placeholder is left, and a second time changes nothing."""
    root = Path("/tmp/golive-0/9/hosts") / host
    substitutions = Substitutions(host, SUBNET, root, secrets)
    production = file.read_text()
    rendered = substitutions.render(production)
    assert len(rendered.splitlines()) == len(production.splitlines())
    assert substitutions.render(rendered) == rendered
    assert "dashboard-velo.internal" not in _without_comments(rendered)
    assert not [word for word in ("-here]", "-password]", "-token]") if word in rendered]
    for change in substitutions.changes(file.name, production):
        assert production.splitlines()[change.line - 1] == change.before


def test_the_document_s_own_nginx_configuration(secrets: Secrets) -> None:
    edge = Substitutions("edge", SUBNET, Path("/e"), secrets)
    rendered = edge.render((ROOT / "environments/documented/nginx/nginx.conf").read_text())
    assert "listen 127.9.0.10:80;" in rendered
    assert "listen 127.9.0.10:443 ssl http2;" in rendered
    assert "ssl_certificate /e/etc/letsencrypt/live/" in rendered
    assert "[::]" not in rendered


def _without_comments(text: str) -> str:
    return "\n".join(line.partition("#")[0] for line in text.splitlines())
