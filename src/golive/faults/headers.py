"""Lose, weaken or double a security header, in one place of the edge's configuration."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import FaultError, Target, fault
from golive.faults.nginx_reload import nginx_edited

_HEADERS = "11_security_audit/headers.feature::"
_HSTS = f"{_HEADERS}Strict-Transport-Security"
_NOSNIFF = f"{_HEADERS}X-Content-Type-Options"
_FRAME = f"{_HEADERS}X-Frame-Options"
_CSP = f"{_HEADERS}Content-Security-Policy"
_REFERRER = f"{_HEADERS}Referrer-Policy"
_PERMISSIONS = f"{_HEADERS}Permissions-Policy"
_REFUSED = f"{_HEADERS}A refused request carries them too"
_PROXY_ERROR = f"{_HEADERS}An error of the proxy carries them too"

_FILE = "/etc/nginx/security-headers.conf"
_STATIC = "# finding 6: add_header here replaces those of the server.\n"
_REFUSAL = "add_header Vary Origin always;\n"
_OF_REFUSALS = "error_page 429 @refused;"


@fault(_HSTS)
@contextmanager
def hsts_missing_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-31: HSTS is not sent with static files."""
    with _static(replica, 'add_header Strict-Transport-Security "max-age=63072000', "#"):
        yield


@fault(_HSTS)
@contextmanager
def hsts_of_a_year_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-31: HSTS with static files is for one year instead of two."""
    with _static(replica, "max-age=63072000;", "max-age=31536000;"):
        yield


@fault(_NOSNIFF)
@contextmanager
def nosniff_missing_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-32: X-Content-Type-Options is not sent with static files."""
    with _static(replica, "add_header X-Content-Type-Options", "#"):
        yield


@fault(_FRAME)
@contextmanager
def framing_by_the_same_origin_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-33: X-Frame-Options is SAMEORIGIN with static files."""
    with _static(replica, '"DENY"', '"SAMEORIGIN"'):
        yield


@fault(_CSP)
@contextmanager
def inline_scripts_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-34: Content-Security-Policy allows inline scripts on static files."""
    with _static(replica, "script-src 'self'", "script-src 'self' 'unsafe-inline'"):
        yield


@fault(_REFERRER)
@contextmanager
def referrer_twice_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-35: static files carry Referrer-Policy twice, with different values."""
    header = "add_header Referrer-Policy"
    with _static(replica, header, f'{header} "no-referrer" always;\n{header}'):
        yield


@fault(_PERMISSIONS)
@contextmanager
def camera_allowed_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-36: Permissions-Policy allows the camera on static files."""
    with _static(replica, "camera=()", "camera=(self)"):
        yield


@fault(_HSTS, _NOSNIFF, _FRAME, _CSP, _REFERRER, _PERMISSIONS)
@contextmanager
def none_on_static_files(replica: Target) -> Iterator[None]:
    """NGX-31: static files carry none of the six: add_header there replaces all (finding 6)."""
    include = _include(replica)
    with nginx_edited(replica, (_STATIC + include, "\n")):
        yield


@fault(_FRAME, _REFUSED, _PROXY_ERROR)
@contextmanager
def frame_options_only_on_success(replica: Target) -> Iterator[None]:
    """NGX-33: X-Frame-Options lacks `always`, so that 404, 429 and 502 go without it."""
    with nginx_edited(replica, ('"DENY" always;', '"DENY";'), file=_FILE):
        yield


@fault(_REFUSED)
@contextmanager
def hsts_missing_on_refusals(replica: Target) -> Iterator[None]:
    """NGX-31: HSTS is not sent with 429."""
    inlined = _inlined(replica, "add_header Strict-Transport-Security", "#")
    with nginx_edited(replica, (_REFUSAL + _include(replica), _REFUSAL + inlined)):
        yield


@fault(_REFUSED)
@contextmanager
def none_on_refusals(replica: Target) -> Iterator[None]:
    """NGX-32: refusals carry none of the six: add_header there replaces all (finding 6)."""
    with nginx_edited(replica, (_REFUSAL + _include(replica), _REFUSAL)):
        yield


@fault(_PROXY_ERROR)
@contextmanager
def none_on_proxy_errors(replica: Target) -> Iterator[None]:
    """NGX-36: a page for 502 is answered in a place of its own, with none of the six."""
    page = (
        f"{_OF_REFUSALS} error_page 502 @broken; "
        "location @broken { internal; add_header Cache-Control no-store always; return 502; }"
    )
    with nginx_edited(replica, (_OF_REFUSALS, page)):
        yield


@contextmanager
def _static(replica: Target, before: str, after: str) -> Iterator[None]:
    """With the six headers of static files changed, and no others."""
    inlined = _inlined(replica, before, after)
    with nginx_edited(replica, (_STATIC + _include(replica), _STATIC + inlined)):
        yield


def _include(replica: Target) -> str:
    return f"            include {replica.inside('edge', _FILE)};"


def _inlined(replica: Target, before: str, after: str) -> str:
    """The file of the six headers with one change, to stand where it is included."""
    text = replica.path("edge", _FILE).read_text()
    if text.count(before) != 1:
        raise FaultError(f"{_FILE}: has {before!r} {text.count(before)} times, instead of once")
    return text.replace(before, after)
