"""What a sign-off shows, beyond what it says."""

from pathlib import Path

from golive.outcome import Unproven, Whose
from golive.release.record import SignOff
from golive.release.signature import STATEMENT, Signature, SignatureError, verify


def signed(sign_off: SignOff, signers: Path) -> Signature:
    """Whose signature it bears. Raises Unproven where no signature can be verified here."""
    try:
        return verify(sign_off.text(), sign_off.signature, signers, STATEMENT)
    except SignatureError as error:
        raise Unproven(str(error), Whose.TOOL) from error
