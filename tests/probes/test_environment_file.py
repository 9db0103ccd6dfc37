import json
import shlex
import subprocess
from pathlib import Path

import pytest

from golive import toolchain
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.environment_file import mongo_uri, parse, read, source

ROOT = Path(__file__).parents[2]

# What people write into such files, and what makes readers disagree.
LINES = r"""
PLAIN=value
SPACED =  value
TRAILING=value   # a comment
HASH="a#b"
BARE_HASH=a#b
SINGLE='a "b" $c'
DOUBLE="a\nb"
BACKTICK=`a 'b' "c"`
EMPTY=
EMPTY_QUOTED=""
URI=mongodb://u:p@h/db?retryWrites=true&w=majority
QUOTED_URI="mongodb://u:p@h/db?retryWrites=true&w=majority"
export EXPORTED=yes
COLON: yes
DOLLAR=a$HOME
DOLLAR_QUOTED="a$HOME"
ESCAPED="a\"b"
TWO=a b
TWICE=first
TWICE=second
LIST="https://a.example,https://b.example"
GLUED='a'"b"c
TILDE=~
COMMAND=$(echo x)
 INDENTED=yes
# COMMENTED=yes
"""


@pytest.fixture(scope="module")
def dotenv() -> Path:
    """The directory of the dotenv that the application itself has."""
    modules = toolchain.ensure_application(ROOT / "environments/stack/app", lambda _: None)
    return modules / "dotenv"


@pytest.mark.parametrize(
    "text", [LINES, LINES.replace("\n", "\r\n"), 'A="b\nc"\nD=e', "A='unclosed\nB=c"]
)
def test_reads_what_dotenv_reads(dotenv: Path, text: str):
    program = (
        f"const {{ parse }} = require({json.dumps(str(dotenv))});"
        "process.stdout.write(JSON.stringify(parse(require('fs').readFileSync(0))))"
    )
    node = toolchain.ensure(lambda _: None).node
    said = subprocess.run([node, "-e", program], input=text.encode(), capture_output=True)
    assert parse(text) == json.loads(said.stdout)


def test_of_plain_assignments_a_shell_reads_the_same():
    seen = source(LINES)
    script = "".join(f"printf '%s\\0' \"${{{name}-unset}}\";" for name in seen)
    lines = "\n".join(
        line
        for line in LINES.splitlines()
        if not line or source(line) or line.lstrip().startswith("#")
    )
    said = subprocess.run(
        ["bash", "-c", f"{lines}\n{script}"], capture_output=True, text=True, env={}
    )
    assert list(seen.values()) == said.stdout.split("\0")[:-1]
    assert seen["QUOTED_URI"] == "mongodb://u:p@h/db?retryWrites=true&w=majority"


@pytest.mark.parametrize(
    "line",
    ["A=b&c", 'A="$b"', "A=$(b)", "A=`b`", 'A="`b`"', "A=b c", "A=b;c", "A=~", 'A="\\n"', "A=b>c"],
)
def test_a_line_that_a_shell_expands_or_runs_is_not_plain(line: str):
    assert source(line) == {}


def machine(root: Path) -> Machine:
    return Machine("app-1", Host(connection="local://", root=root))


def test_a_file_is_read_with_its_mode_owner_and_age(tmp_path: Path):
    file = tmp_path / ".env"
    file.write_text("JWT_SECRET=hush\nURI=a&b\n")
    file.chmod(0o640)
    seen = read(machine(tmp_path), "/.env")
    assert (seen.host, seen.path, seen.mode) == ("app-1", str(file), 0o640)
    assert (seen.owner, seen.modified_s) == (file.owner(), int(file.stat().st_mtime))
    assert dict(seen.values) == {"JWT_SECRET": "hush", "URI": "a&b"}
    assert dict(seen.sourced) == {"JWT_SECRET": "hush"}


def test_values_are_not_shown(tmp_path: Path):
    (tmp_path / ".env").write_text("JWT_SECRET=hush\n")
    seen = read(machine(tmp_path), "/.env")
    assert "JWT_SECRET" in repr(seen)
    assert "hush" not in repr(seen) + str(seen.values)


@pytest.mark.parametrize("content", ["", "# nothing\n", "not a variable\n"])
def test_a_file_without_variables_is_unproven(tmp_path: Path, content: str):
    (tmp_path / ".env").write_text(content)
    with pytest.raises(Unproven, match="no variable") as error:
        read(machine(tmp_path), "/.env")
    assert error.value.whose is Whose.TARGET


def test_no_file_is_unproven(tmp_path: Path):
    with pytest.raises(Unproven, match=shlex.quote(str(tmp_path))):
        read(machine(tmp_path), "/.env")


@pytest.mark.parametrize(
    ("uri", "tls"),
    [
        ("mongodb+srv://u:p@h/db?w=majority", True),
        ("mongodb+srv://u:p@h/db?tls=false", False),
        ("mongodb://u:p@h1:1,h2:2/db?TLS=true", True),
        ("mongodb://u:p@h/db?ssl=true", True),
        ("mongodb://u:p@h/db?tls=true&ssl=false", False),
        ("mongodb://u:p@h/db", False),
    ],
)
def test_tls_of_a_connection_string(uri: str, tls: bool):
    assert mongo_uri(uri).tls is tls


def test_options_of_a_connection_string():
    seen = mongo_uri("mongodb://u:p@h/db?retryWrites=true&w=1&W=majority")
    assert seen.options == {"retrywrites": ("true",), "w": ("1", "majority")}


@pytest.mark.parametrize(
    "uri", ["hush", "postgres://u:hush@h/db", "mongodb://", "mongodb://h/?hush"]
)
def test_what_is_no_connection_string_is_unproven_and_not_quoted(uri: str):
    with pytest.raises(Unproven) as error:
        mongo_uri(uri)
    assert "hush" not in str(error.value)
