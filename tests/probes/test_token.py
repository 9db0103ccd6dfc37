import json
import subprocess
import time
from pathlib import Path

import pytest

from golive import toolchain
from golive.outcome import Unproven
from golive.probes.token import TokenFacts, claims, facts, forge

ROOT = Path(__file__).parents[2]
SECRET = "a secret"


@pytest.fixture(scope="module")
def library() -> Path:
    """The library with which the application makes and verifies its tokens."""
    modules = toolchain.ensure_application(ROOT / "environments/stack/app", lambda _: None)
    return modules / "jsonwebtoken"


def javascript(library: Path, expression: str) -> str:
    node = toolchain.ensure(lambda _: None).node
    program = f"const jwt = require({json.dumps(str(library))}); console.log({expression})"
    run = subprocess.run([node, "-e", program], capture_output=True, text=True)
    return (run.stdout or run.stderr).strip()


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_librarys_token_is_read(library: Path, algorithm: str):
    options = json.dumps({"algorithm": algorithm, "expiresIn": 1800, "subject": "me"})
    token = javascript(library, f"jwt.sign({{}}, '{SECRET}', {options})")
    assert facts(token, SECRET) == TokenFacts(algorithm, 1800, signed=True)
    assert facts(token, "another").signed is False
    assert claims(token)["sub"] == "me"


def test_the_library_takes_a_forged_token_for_its_own(library: Path):
    token = forge({"sub": "me", "exp": int(time.time()) + 60}, SECRET)
    said = javascript(library, f"jwt.verify('{token}', '{SECRET}', {{algorithms: ['HS256']}}).sub")
    assert said == "me"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (forge({"exp": int(time.time()) - 60}, SECRET), "jwt expired"),
        (forge({"exp": int(time.time()) + 60}, "another"), "invalid signature"),
        (forge({"exp": int(time.time()) + 60}, None), "jwt signature is required"),
    ],
)
def test_the_library_refuses_a_wrong_one_for_its_defect(library: Path, token: str, said: str):
    assert said in javascript(library, f"jwt.verify('{token}', '{SECRET}')")


def test_a_token_that_is_not_signed_is_so_for_every_secret():
    assert facts(forge({}, None), "") == TokenFacts("none", None, signed=False)


@pytest.mark.parametrize("token", ["", "None", "a.b", "e30", "e30.WzFd.x", "e30.!.x"])
def test_what_is_no_token_is_unproven_and_not_quoted(token: str):
    with pytest.raises(Unproven, match=r"^the application issued no JSON Web Token \(") as error:
        facts(token, SECRET)
    assert SECRET not in str(error.value)
