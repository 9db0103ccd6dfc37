"""Limit too much, too little, or the wrong people."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited

_LIMITS = "11_security_audit/rate_limits.feature::"
_BURST = f"{_LIMITS}A burst of 20 is served at once, and the next request is refused"
_RATE = f"{_LIMITS}10 requests a second"
_AUTH_BURST = f"{_LIMITS}A burst of 10 authentications is served at once, and the next is refused"
_AUTH_RATE = f"{_LIMITS}5 authentications a minute"
_SPELLING = f"{_LIMITS}No other spelling of the path is a way round the authentication limit"
_OTHER = f"{_LIMITS}A refused client leaves another the whole of its general limit"
_AUTH_OTHER = f"{_LIMITS}A refused client leaves another the whole of its authentication limit"
_CLAIM = f"{_LIMITS}A client cannot pass itself off as another"
_CDN = f"{_LIMITS}People behind the CDN have a limit each"
_IPV6 = f"{_LIMITS}An IPv6 household has one limit, whatever addresses it takes"
_WHEN = f"{_LIMITS}A client refused by the <limit> limit is told when to come back"
_WHEN_GENERAL = f"{_WHEN}[general-1]"
_WHEN_AUTH = f"{_WHEN}[authentication-12]"
_REFUSED = "11_security_audit/headers.feature::A refused request carries them too"

_CDN_CONF = "/etc/nginx/cdn.conf"
_WHO = "real_ip_header CF-Connecting-IP;"
_GENERAL = "limit_req zone=api burst=20 nodelay;"
_AUTHENTICATION = "limit_req zone=auth burst=10 nodelay;"
_AUTH_PATHS = '"~* /api/(v[0-9]+/)?auth(/|$)" auth;'
_LIMITED_AS = '"~^OPTIONS " api;'  # before it, what is named comes first


@fault(_RATE)
@contextmanager
def general_9_a_second(replica: Target) -> Iterator[None]:
    """NGX-25: rate=9r/s."""
    with nginx_edited(replica, ("rate=10r/s", "rate=9r/s")):
        yield


@fault(_RATE)
@contextmanager
def general_11_a_second(replica: Target) -> Iterator[None]:
    """NGX-25: rate=11r/s."""
    with nginx_edited(replica, ("rate=10r/s", "rate=11r/s")):
        yield


@fault(_BURST)
@contextmanager
def general_burst_19(replica: Target) -> Iterator[None]:
    """NGX-37: burst=19."""
    with nginx_edited(replica, (_GENERAL, _GENERAL.replace("20", "19"))):
        yield


@fault(_BURST)
@contextmanager
def general_burst_21(replica: Target) -> Iterator[None]:
    """NGX-37: burst=21."""
    with nginx_edited(replica, (_GENERAL, _GENERAL.replace("20", "21"))):
        yield


@fault(_BURST)
@contextmanager
def general_burst_25(replica: Target) -> Iterator[None]:
    """NGX-37: burst=25."""
    with nginx_edited(replica, (_GENERAL, _GENERAL.replace("20", "25"))):
        yield


@fault(_BURST, blinds=[_RATE])
@contextmanager
def general_burst_delayed(replica: Target) -> Iterator[None]:
    """NGX-37: nodelay is missing, so that the burst is served over two seconds.

    What waits is not refused, and without a refusal nothing bounds the rate from above.
    """
    with nginx_edited(replica, (_GENERAL, _GENERAL.replace(" nodelay", ""))):
        yield


@fault(_BURST, _RATE, _OTHER, _WHEN_GENERAL, _REFUSED)
@contextmanager
def no_general_limit(replica: Target) -> Iterator[None]:
    """NGX-25: there is no general limit, so that nobody is ever refused by it."""
    with nginx_edited(replica, (_GENERAL, "")):
        yield


@fault(_AUTH_RATE)
@contextmanager
def authentication_4_a_minute(replica: Target) -> Iterator[None]:
    """NGX-26: rate=4r/m."""
    with nginx_edited(replica, ("rate=5r/m", "rate=4r/m")):
        yield


@fault(_AUTH_RATE)
@contextmanager
def authentication_6_a_minute(replica: Target) -> Iterator[None]:
    """NGX-26: rate=6r/m."""
    with nginx_edited(replica, ("rate=5r/m", "rate=6r/m")):
        yield


@fault(_AUTH_BURST)
@contextmanager
def authentication_burst_9(replica: Target) -> Iterator[None]:
    """NGX-43: burst=9."""
    with nginx_edited(replica, (_AUTHENTICATION, _AUTHENTICATION.replace("10", "9"))):
        yield


@fault(_AUTH_BURST)
@contextmanager
def authentication_burst_11(replica: Target) -> Iterator[None]:
    """NGX-43: burst=11."""
    with nginx_edited(replica, (_AUTHENTICATION, _AUTHENTICATION.replace("10", "11"))):
        yield


@fault(_SPELLING)
@contextmanager
def other_case_unlimited(replica: Target) -> Iterator[None]:
    """NGX-26: the paths are matched with regard to case, and Express serves any (finding 2)."""
    with nginx_edited(replica, (_AUTH_PATHS, _AUTH_PATHS.replace("~*", "~"))):
        yield


@fault(_SPELLING)
@contextmanager
def versioned_path_unlimited(replica: Target) -> Iterator[None]:
    """NGX-26: /api/v1/auth/ is not limited (finding 4)."""
    with nginx_edited(replica, (_AUTH_PATHS, '"~* /api/auth(/|$)" auth;')):
        yield


@fault(_SPELLING)
@contextmanager
def raw_path_limited(replica: Target) -> Iterator[None]:
    """NGX-26: the path is matched as it was sent, not as it is understood."""
    key = 'map "$request_method $uri" $limited_as {'
    with nginx_edited(replica, (key, key.replace("$uri", "$request_uri"))):
        yield


@fault(_OTHER)
@contextmanager
def general_bucket_of_all(replica: Target) -> Iterator[None]:
    """NGX-25: on one path all clients share a bucket: the key is the edge's own address."""
    paths = f'"~^GET /__replica/request$" everybody; {_LIMITED_AS}'
    key = "map $limited_as $api_person {"
    with nginx_edited(replica, (_LIMITED_AS, paths), (key, f"{key} everybody $server_addr;")):
        yield


@fault(_AUTH_OTHER, _CDN, _IPV6)
@contextmanager
def authentication_bucket_of_all(replica: Target) -> Iterator[None]:
    """NGX-26: all share one bucket: the key is the edge's own address.

    Then people behind the CDN and IPv6 households share it too.
    """
    with nginx_edited(replica, ("auth $person;", "auth $server_addr;")):
        yield


@fault(_CLAIM)
@contextmanager
def anybody_believed(replica: Target) -> Iterator[None]:
    """NGX-26: CF-Connecting-IP is believed of everybody, not of the CDN only."""
    with nginx_edited(replica, (_WHO, f"set_real_ip_from 0.0.0.0/0; {_WHO}"), file=_CDN_CONF):
        yield


@fault(_CLAIM, _CDN, _IPV6)
@contextmanager
def forwarded_for_believed(replica: Target) -> Iterator[None]:
    """NGX-26: X-Forwarded-For is believed of everybody.

    The header in which the CDN says who the client is goes unread then.
    """
    other = "set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For;"
    with nginx_edited(replica, (_WHO, other), file=_CDN_CONF):
        yield


@fault(_CDN, _IPV6)
@contextmanager
def cdn_not_believed(replica: Target) -> Iterator[None]:
    """NGX-26: nobody's word of the client is taken, so that all behind the CDN are one."""
    with nginx_edited(replica, (_WHO, "real_ip_header X-Nobody;"), file=_CDN_CONF):
        yield


@fault(_IPV6)
@contextmanager
def ipv6_by_address(replica: Target) -> Iterator[None]:
    """NGX-26: each IPv6 address has a bucket, and a subscriber has 2^64 of them (finding 1)."""
    with nginx_edited(replica, ("$network;", "$binary_remote_addr;")):
        yield


@fault(_WHEN)
@contextmanager
def no_retry_after(replica: Target) -> Iterator[None]:
    """No statement: a refusal does not say when to come back (finding 8)."""
    with nginx_edited(replica, ("add_header Retry-After $retry_after always;", "")):
        yield


@fault(_WHEN)
@contextmanager
def refused_with_503(replica: Target) -> Iterator[None]:
    """No statement: a refusal looks like an outage: nginx's default, 503 (finding 8)."""
    with nginx_edited(replica, ("limit_req_status 429;", "")):
        yield


@fault(_WHEN_GENERAL)
@contextmanager
def general_retry_after_12(replica: Target) -> Iterator[None]:
    """No statement: whoever asked too fast is sent away for 12 s instead of 1."""
    before = "auth 12;\n        default 1;"
    with nginx_edited(replica, (before, before.replace("default 1;", "default 12;"))):
        yield


@fault(_WHEN_AUTH)
@contextmanager
def authentication_retry_after_1(replica: Target) -> Iterator[None]:
    """No statement: whoever is refused for 12 s is told to come back in one."""
    with nginx_edited(replica, ("auth 12;\n        default 1;", "default 1;")):
        yield
