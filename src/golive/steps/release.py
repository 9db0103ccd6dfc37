"""Judge that a release is one commit: the one with the tag, and the one that runs."""

import json

from pytest_bdd import parsers, then

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose
from golive.probes.commits import content, contents, digests, tag
from golive.probes.http import request
from golive.release.record import Release
from golive.replica.state import files
from golive.steps.expectation import listed, require
from golive.steps.site import curl

_DOCUMENT = "/api/docs/openapi.json"
_NAMED = 10  # files that a message names


@then("the record's tag is in the repository, is annotated, and names the record's commit")
def tagged(release: Release, measurements: Measurements, evidence: EvidenceLog) -> None:
    record = release.record
    found = measurements.result(tag, record.repository, record.tag)
    look = f"git -C {record.repository} show --no-patch {record.tag}"
    require(
        found is not None,
        expected=f"a tag {record.tag}",
        actual="there is none of this name",
        where=record.repository,
        look=f"git -C {record.repository} tag --list 'v*'",
    )
    assert found is not None  # noqa: S101 (required above)
    evidence.add("tag", found)
    require(
        found.commit == record.commit,
        expected=f"the commit {record.commit}, which stands in {release.path}",
        actual=found.commit,
        where=f"the tag {record.tag} in {record.repository}",
        look=look,
    )
    require(
        found.annotated,
        expected="an annotated tag, which says who made it and when",
        actual="a lightweight one",
        where=f"the tag {record.tag} in {record.repository}",
        look=look,
    )


@then(parsers.parse("{file} of the commit has the release's version"))
def version_of_file(
    release: Release, measurements: Measurements, evidence: EvidenceLog, file: str
) -> None:
    record = release.record
    path = f"{record.stack}/{file}"
    text = measurements.result(content, record.repository, record.commit, path)
    try:
        version = json.loads(text)["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unproven(f"{path} of {record.commit[:12]}: no version", Whose.TARGET) from error
    evidence.add("version", version)
    require(
        version == record.version,
        expected=record.version,
        actual=version,
        where=f"{path} of {record.commit[:12]}",
        look=f"git -C {record.repository} show {record.tag}:{path}",
    )


@then("every file of the stack that runs here is as the commit has it")
def same_files(
    release: Release, environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> None:
    record, stack = release.record, environment.stack
    if stack is None:
        raise Unproven(f"{environment.name} was not started from a stack", Whose.OURS)
    released = measurements.result(contents, record.repository, record.commit, record.stack)
    here = digests(record.repository, {str(p.relative_to(stack)): p for p in files(stack)})
    differing = sorted(
        name for name in released.keys() | here.keys() if released.get(name) != here.get(name)
    )
    evidence.add("files of the commit", len(released))
    evidence.add("differing", differing)
    require(
        not differing,
        expected=f"the {len(released)} files of {record.stack} in {record.commit[:12]}",
        actual=f"{len(differing)} are not so: {listed(differing[:_NAMED])}",
        where=stack,
        look=f"git -C {record.repository} diff {record.tag} -- {record.stack}",
    )


@then("the API says that it has the release's version")
def version_served(release: Release, https: Endpoint, pace: Pace, evidence: EvidenceLog) -> None:
    pace.wait()
    answer = request(https, _DOCUMENT)
    try:
        version = json.loads(answer.body)["info"]["version"]
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{answer.url}: status {answer.status}, no OpenAPI document with a version"
        raise Unproven(reason, Whose.TARGET) from error
    evidence.add("version", version)
    require(
        version == release.record.version,
        expected=release.record.version,
        actual=version,
        where=answer.url,
        look=curl(https, _DOCUMENT),
    )
