"""Sign and verify a text with SSH keys (PROTOCOL.sshsig of OpenSSH), by ssh-keygen(1).

SignatureError   ssh-keygen could not do it, in its own words
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

STATEMENT = "golive"
"""The namespace of sign-offs and waivers: a signature for anything else is none of them."""
REPORT = "golive-report"
"""The namespace of reports."""
SUFFIX = ".sig"
"""What is added to the name of a file for that of its signature."""

_KEY = re.compile(r"with (\S+) key (SHA256:\S+)")


class SignatureError(Exception):
    """ssh-keygen could not sign, or could not be run."""


@dataclass(frozen=True)
class Signature:
    """What a signature shows.

    `fault` says why it is none of this text, in ssh-keygen's words; empty where it is one.
    `key` is the fingerprint of what made it. `signers` are the principals whose key that is, for
    this namespace and today; none where nobody's is.
    """

    fault: str
    key: str = ""
    signers: tuple[str, ...] = ()


def sign(key: Path, text: bytes, namespace: str) -> str:
    """The signature of `text`, armoured. `key` may be a public key whose other half an agent has.

    Asks on the terminal for the passphrase of a key that has one. Raises SignatureError.
    """
    done = _run("-Y", "sign", "-f", str(key), "-n", namespace, text=text)
    if done.returncode:
        raise SignatureError(f"{key}: cannot sign: {_said(done)}")
    return done.stdout.decode()


def verify(text: bytes, signature: str, signers: Path, namespace: str) -> Signature:
    """What `signature` shows of `text`, by the file of allowed signers. Raises SignatureError."""
    of_text = ("-Y", "check-novalidate", "-n", namespace)
    checked = _run(*of_text, text=text, signature=signature)
    if checked.returncode:
        return Signature(_said(checked))
    found = _KEY.search(checked.stdout.decode())
    # These are all principals of the key, whatever the namespaces of their lines.
    named = _run("-Y", "find-principals", "-f", str(signers), signature=signature).stdout
    good = [
        principal
        for principal in dict.fromkeys(named.decode().splitlines())
        if not _run(
            *("-Y", "verify", "-f", str(signers), "-I", principal, "-n", namespace),
            text=text,
            signature=signature,
        ).returncode
    ]
    return Signature("", " ".join(found.groups()) if found else "", tuple(good))


def signers_of(key: Path, signers: Path, namespace: str) -> tuple[str, ...]:
    """The principals for whom a key of ours can sign today. Raises SignatureError."""
    text = b"whose key is this?"
    return verify(text, sign(key, text, namespace), signers, namespace).signers


def sign_file(path: Path, key: Path) -> None:
    """Put the signature of a report beside it. Raises SignatureError."""
    signature = sign(key, path.read_bytes(), REPORT)
    path.with_name(path.name + SUFFIX).write_text(signature)


def _run(
    *arguments: str, text: bytes = b"", signature: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen; a signature is a file of memory, so that none is left on the disk."""
    file = os.memfd_create("signature")
    try:
        if signature is not None:
            os.write(file, signature.encode())
            arguments += ("-s", f"/proc/self/fd/{file}")
        return subprocess.run(
            ["ssh-keygen", *arguments],
            input=text,
            capture_output=True,
            pass_fds=(file,),
            check=False,
        )
    except OSError as error:
        raise SignatureError(f"ssh-keygen cannot be run: {error}") from error
    finally:
        os.close(file)


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """The reason: it stands first, before that something could not be done."""
    lines = (done.stderr or done.stdout).decode(errors="replace").splitlines()
    return lines[0].strip() if lines else f"status {done.returncode}"
