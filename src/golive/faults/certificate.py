"""Show clients another certificate than the site's."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from golive.faults.fault import ANY, Target, fault
from golive.faults.files import replaced
from golive.faults.nginx_reload import nginx_serving
from golive.replica.authority import Authority, Issued
from golive.replica.hosts import SITE

_CERTIFICATE = "11_security_audit/certificate.feature::"
_COMPLETE = f"{_CERTIFICATE}The chain is complete"
_NAME = f"{_CERTIFICATE}The certificate is for this site"
_TRUSTED = f"{_CERTIFICATE}Clients trust the certificate"
_NOT_ABOUT_TO_EXPIRE = f"{_CERTIFICATE}The certificate is not about to expire"
_BY_A_MACHINE = f"{_CERTIFICATE}The certificate is renewed by a machine"
_STAPLED = "11_security_audit/tls.feature::An OCSP response is stapled"
_LIVE = f"/etc/letsencrypt/live/{SITE}"
_FULLCHAIN, _KEY = f"{_LIVE}/fullchain.pem", f"{_LIVE}/privkey.pem"
_END = b"-----END CERTIFICATE-----\n"


@fault(_NOT_ABOUT_TO_EXPIRE)
@contextmanager
def expires_in_13_days(replica: Target) -> Iterator[None]:
    """NGX-30: a renewal was missed, and 13 days are left."""
    with _issued(replica, [SITE], not_before=_now() - timedelta(days=90 - 13)):
        yield


@fault(_TRUSTED, _NOT_ABOUT_TO_EXPIRE, blinds=[ANY])
@contextmanager
def expired(replica: Target) -> Iterator[None]:
    """NGX-30: the certificate expired ten days ago, so that no client goes on."""
    with _issued(replica, [SITE], not_before=_now() - timedelta(days=100)):
        yield


@fault(_TRUSTED, blinds=[ANY])
@contextmanager
def not_yet_valid(replica: Target) -> Iterator[None]:
    """NGX-30: the certificate becomes valid tomorrow, so that no client goes on."""
    with _issued(replica, [SITE], not_before=_now() + timedelta(days=1)):
        yield


@fault(_NAME, _TRUSTED, blinds=[ANY])
@contextmanager
def for_another_site(replica: Target) -> Iterator[None]:
    """NGX-30: the certificate names the web site only, so that no client goes on."""
    with _issued(replica, ["www.dashboard-velo.com"]):
        yield


@fault(_COMPLETE, _TRUSTED, blinds=[ANY])
@contextmanager
def of_an_unknown_authority(replica: Target) -> Iterator[None]:
    """NGX-30: no trusted root stands behind the certificate, so that no client goes on."""
    with _served(replica, Authority.create("somebody else").issue([SITE])):
        yield


@fault(_COMPLETE, _TRUSTED, _STAPLED, blinds=[ANY])
@contextmanager
def without_intermediate(replica: Target) -> Iterator[None]:
    """NGX-30: cert.pem stands where fullchain.pem should, so that no client goes on.

    nginx does not know the issuer then, and staples no response of it (NGX-16).
    """
    leaf = replica.path("edge", _FULLCHAIN).read_bytes().split(_END)[0] + _END
    with nginx_serving(replica, replaced(replica, "edge", _FULLCHAIN, leaf)):
        yield


@fault(_COMPLETE)
@contextmanager
def chain_out_of_order(replica: Target) -> Iterator[None]:
    """NGX-30: a certificate that signs nothing stands between leaf and intermediate.

    Most clients find their way through; RFC 5246 7.4.2 does not allow it.
    """
    leaf, intermediate, _ = replica.path("edge", _FULLCHAIN).read_bytes().split(_END)
    other = (replica.root("authority") / "root.pem").read_bytes()
    chain = leaf + _END + other + intermediate + _END
    with nginx_serving(replica, replaced(replica, "edge", _FULLCHAIN, chain)):
        yield


@fault(_BY_A_MACHINE)
@contextmanager
def for_398_days(replica: Target) -> Iterator[None]:
    """NGX-30: the certificate was bought for as long as can be: nobody will know the renewal."""
    with _issued(replica, [SITE], days=398):
        yield


@contextmanager
def _issued(
    replica: Target, names: list[str], days: int = 90, not_before: datetime | None = None
) -> Iterator[None]:
    """With a certificate of the replica's authority, as its own but for what is given."""
    subnet = replica.subnet
    responder = f"http://{subnet.hosts['authority']}:{subnet.port(80)}/"
    authority = Authority.load(replica.root("authority"))
    issued = authority.issue(names, days=days, ocsp_url=responder, not_before=not_before)
    with _served(replica, issued):
        yield


@contextmanager
def _served(replica: Target, issued: Issued) -> Iterator[None]:
    with TemporaryDirectory() as directory:
        issued.write(Path(directory))
        chain, key = (
            (Path(directory) / Path(each).name).read_bytes() for each in (_FULLCHAIN, _KEY)
        )
    with nginx_serving(
        replica,
        replaced(replica, "edge", _FULLCHAIN, chain),
        replaced(replica, "edge", _KEY, key),
    ):
        yield


def _now() -> datetime:
    return datetime.now(UTC)
