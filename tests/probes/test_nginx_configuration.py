import pytest

from golive.outcome import Unproven, Whose
from golive.probes.nginx_configuration import (
    Block,
    Server,
    answering,
    listens_with_tls,
    location,
    parse,
    passed_to,
    seconds,
    virtual_hosts,
)

DUMP = """\
# configuration file /etc/nginx/nginx.conf:
worker_processes auto;
events { worker_connections 4096; }
http {
    gzip on;
    add_header X-Outer 1;
    add_header X-Outer 2;
    include conf.d/*.conf;
    upstream application {
        server app-1.internal:3000 max_fails=3;
        server app-2.internal:3001 down;
        server app-3.internal;
    }
    server {
        listen 443 ssl http2;
        server_name api.example www.api.example;
        include /etc/nginx/headers.conf;
        location / {
            proxy_pass http://application;
            location /deep { gzip off; proxy_pass http://[::1]:8080/x; }
        }
        location /plain { add_header X-Inner "a; b # c"; }
        location /tls { proxy_pass https://other.internal; }
        location /unknown { proxy_pass http://$target; }
    }
}

# configuration file /etc/nginx/conf.d/b.conf:
server { listen 80; server_name b; }

# configuration file /etc/nginx/conf.d/a.conf:
server { listen 80; server_name a; }

# configuration file /etc/nginx/headers.conf:
add_header X-Server 1; # quoted by none
"""


@pytest.fixture(scope="module")
def main() -> Block:
    return parse(DUMP)


def test_includes_stand_where_they_are_included_in_order_of_name(main: Block) -> None:
    names = [server.values("server_name")[0][0] for server in virtual_hosts(main)]
    assert names == ["a", "b", "api.example"]
    assert [listens_with_tls(each) for each in virtual_hosts(main)] == [False, False, True]


def test_a_directive_is_inherited_until_a_level_has_its_own(main: Block) -> None:
    root = location(main, "api.example", "/")
    (deep,) = root.blocks("location")
    assert root.effective("gzip") == (("on",),)
    assert deep.effective("gzip") == (("off",),)
    assert root.effective("add_header") == (("X-Server", "1"),)
    plain = location(main, "api.example", "/plain")
    assert plain.effective("add_header") == (("X-Inner", "a; b # c"),)
    assert virtual_hosts(main)[0].effective("add_header") == (("X-Outer", "1"), ("X-Outer", "2"))
    assert root.effective("gzip_vary") == ()


def test_where_tells_file_and_line(main: Block) -> None:
    assert location(main, "api.example", "/").where == "/etc/nginx/nginx.conf:17"
    assert virtual_hosts(main)[0].where == "/etc/nginx/conf.d/a.conf:1"


def test_every_place_that_answers_is_found(main: Block) -> None:
    assert [str(place) for place in answering(main)] == [
        *("server", "server", "server"),
        *("location /", "location /deep", "location /plain", "location /tls"),
        "location /unknown",
    ]


def test_the_servers_behind_a_location(main: Block) -> None:
    root = location(main, "api.example", "/")
    assert passed_to(root) == (
        Server("app-1.internal", 3000, ("max_fails=3",)),
        Server("app-2.internal", 3001, ("down",)),
        Server("app-3.internal", 80),
    )
    assert passed_to(root.blocks("location")[0]) == (Server("[::1]", 8080),)
    assert passed_to(location(main, "www.api.example", "/tls")) == (Server("other.internal", 443),)
    assert passed_to(location(main, "api.example", "/plain")) == ()


def test_an_upstream_that_only_a_variable_tells_is_unproven(main: Block) -> None:
    with pytest.raises(Unproven, match=r"where does http://\$target lead"):
        passed_to(location(main, "api.example", "/unknown"))


@pytest.mark.parametrize(("name", "path"), [("api.example", "/absent"), ("a", "/"), ("c", "/")])
def test_a_location_that_is_not_there_is_unproven(main: Block, name: str, path: str) -> None:
    with pytest.raises(Unproven, match="no location"):
        location(main, name, path)


@pytest.mark.parametrize(
    "dump",
    [
        "",
        "nginx: [emerg] open() failed",
        DUMP[: DUMP.index("upstream") + 20],  # cut off within a block
        DUMP[: DUMP.index("# configuration file /etc/nginx/headers.conf")],  # a file is missing
        "# configuration file /x:\nserver { listen 80; }}\n",
        "# configuration file /x:\nserver\n",
    ],
)
def test_what_is_cut_off_or_no_configuration_is_unproven(dump: str) -> None:
    with pytest.raises(Unproven) as caught:
        parse(dump)
    assert caught.value.whose is Whose.TARGET


def test_an_include_of_a_pattern_may_find_nothing() -> None:
    main = parse("# configuration file /x/y:\ninclude /etc/nginx/modules-enabled/*.conf;\nuser a;")
    assert main.values("user") == (("a",),)


@pytest.mark.parametrize(
    ("time", "expected"),
    [("65", 65), ("65s", 65), ("1m 5s", 65), ("1m5s", 65), ("500ms", 0.5), ("30d", 2592000)],
)
def test_times(time: str, expected: float) -> None:
    assert seconds(time) == expected


@pytest.mark.parametrize("time", ["", "s", "off", "$time", "5x"])
def test_what_is_no_time_is_unproven(time: str) -> None:
    with pytest.raises(Unproven, match="no time"):
        seconds(time)
