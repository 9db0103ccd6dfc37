"""Break what people have signed of the release that the replica is taken for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from golive.faults.fault import Target, fault
from golive.release.example import keygen


@fault("02_code_review/review.feature::What is released was reviewed and approved")
@contextmanager
def text_changed(replica: Target) -> Iterator[None]:
    """DEP-02: somebody adds a note to the approval after it was signed."""
    data = replica.release.data
    for each in data["sign_offs"]:
        if each["item"] == "02":
            each["note"] = "and of what comes after it"
    with replica.release.saying(data):
        yield


@fault("08_support_team/support_team.feature::The support team is told of the deployment")
@contextmanager
def signed_for_another(replica: Target) -> Iterator[None]:
    """CHK-08: the DBA signs in the place of the DevOps Lead."""
    with replica.release.saying(replica.release.with_sign_off("08", replica.release.key("DBA"))):
        yield


@fault("09_communication.feature::Communication to users is planned, if it is needed")
@contextmanager
def signed_before_the_tag(replica: Target) -> Iterator[None]:
    """CHK-09: the sign-off is older than what it is of."""
    before = datetime.now(UTC) - timedelta(days=2)
    with replica.release.saying(replica.release.with_sign_off("09", date=before.isoformat())):
        yield


@fault("10_licences/legal.feature::Legal compliance is verified")
@contextmanager
def said_to_be_needless(replica: Target) -> Iterator[None]:
    """CHK-10: the item is signed off as not needed, which the document does not allow."""
    with replica.release.saying(
        replica.release.with_sign_off("10", applicable=False, note="we have no lawyer")
    ):
        yield


@fault(
    "07_rollback_plan/decision.feature::Who decides a rollback, and on what, is written down",
)
@contextmanager
def of_another_release(replica: Target) -> Iterator[None]:
    """RBK-02: the sign-off is the last release's."""
    with replica.release.saying(replica.release.with_sign_off("RBK-02", release="v0.9.0")):
        yield


@fault("11_security_audit/sign_off.feature::The Security Officer has signed the audit off")
@contextmanager
def signed_by_a_stranger(replica: Target) -> Iterator[None]:
    """CHK-11: the key of the signature is nobody's."""
    release = replica.release
    stranger = release.key("stranger")
    keygen(stranger)
    try:
        with release.saying(release.with_sign_off("11", stranger)):
            yield
    finally:
        stranger.unlink()
        stranger.with_suffix(".pub").unlink()


@fault(
    "12_performance_under_load/sign_off.feature::"
    "The DevOps Lead has signed the load and its results off"
)
@contextmanager
def signed_of_another_commit(replica: Target) -> Iterator[None]:
    """CHK-12: the tag was moved after the results were signed."""
    release = replica.release
    with release.saying(release.with_sign_off("12", commit="0" * 40)):
        yield
