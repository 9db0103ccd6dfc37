"""The images that docker-compose.test.yml names, for whom no registry answers: built from Debian's
packages, and from what the toolchain has of npm and PyPI.

An image is called by a digest of how it is made, so that it is made once. What it holds and what
the official one holds are of one version wherever Debian has it.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from golive import cache, toolchain
from golive.compose.engine import Engine
from golive.compose.hosts import USER
from golive.replica.control import ReplicaError, Say
from golive.toolchain import ToolchainError, debian, mongodb, npm
from golive.toolchain.command import run
from golive.toolchain.parallel import together

_SUITE = "bookworm"
# What looks into hosts, and their health checks, use; everything else of a base system is there.
_BASE_PACKAGES = ("ca-certificates", "curl", "procps")
_LOCK = ".images.lock"


@dataclass(frozen=True)
class Image:
    """One image. `variable` is what the compose file takes its name from.

    `packages` are Debian's; `commands` (path, program) are the names that the official image has
    for programs; `programs` are those of the toolchain that it gets, by path, and `versions`
    says which; `user` is what it calls whom the containers run as.
    """

    variable: str
    packages: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    programs: tuple[tuple[str, Callable[[toolchain.Toolchain], Path]], ...] = ()
    versions: str = ""
    user: str | None = None

    @property
    def short(self) -> str:
        """Its last word: `nginx` of GOLIVE_IMAGE_NGINX."""
        return self.variable.removeprefix("GOLIVE_IMAGE_").lower().replace("_", "-")

    @cached_property
    def recipe(self) -> str:
        """Its Dockerfile."""
        lines = [f"FROM {BASE}"]
        if self.packages:
            install = "apt-get install -y --no-install-recommends"
            lines.append(f"RUN {install} {' '.join(self.packages)} >/dev/null")
        lines += [f"COPY {Path(path).name} {path}" for path, _ in self.programs]
        if self.user:
            lines.append(f"RUN useradd --uid {USER} {self.user}")
        lines += [f"RUN ln -s {program} {path}" for path, program in self.commands]
        return "\n".join([*lines, f"# {self.versions}", ""])

    @property
    def tag(self) -> str:
        """Its name, with the digest."""
        return f"golive/{self.short}:{_digest(self.recipe)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


BASE = f"golive/debian:{_digest(' '.join((_SUITE, *_BASE_PACKAGES)))}"

IMAGES = (
    Image("GOLIVE_IMAGE_NGINX", ("nginx",)),
    Image(
        "GOLIVE_IMAGE_NODE",
        ("libstdc++6",),
        programs=(("/usr/local/bin/node", lambda tools: tools.node),),
        versions=npm.node_entry(),
        user="node",
    ),
    Image("GOLIVE_IMAGE_REDIS", ("redis-server",)),
    Image(
        "GOLIVE_IMAGE_MONGODB",
        ("libcurl4", "libssl3"),
        programs=(("/usr/local/bin/mongod", lambda tools: tools.mongod),),
        versions=mongodb.ENTRY,
    ),
    Image("GOLIVE_IMAGE_PROMETHEUS", ("prometheus",)),
    Image(
        "GOLIVE_IMAGE_ALERTMANAGER",
        ("prometheus-alertmanager",),
        (("/usr/local/bin/alertmanager", "/usr/bin/prometheus-alertmanager"),),
    ),
    Image(
        "GOLIVE_IMAGE_NODE_EXPORTER",
        ("prometheus-node-exporter",),
        (("/usr/local/bin/node_exporter", "/usr/bin/prometheus-node-exporter"),),
    ),
    Image(
        "GOLIVE_IMAGE_REDIS_EXPORTER",
        ("prometheus-redis-exporter",),
        (("/redis_exporter", "/usr/bin/prometheus-redis-exporter"),),
    ),
    Image("GOLIVE_IMAGE_PYTHON", ("python3",)),
)


def names(engine: Engine) -> Mapping[str, str]:
    """What the compose file's variables are for images; one of the caller's own goes first.

    The images that were built here where all are; else none, so that the official ones are used.
    """
    built = {each.variable: each.tag for each in IMAGES}
    if missing(engine):
        built = {}
    return {name: os.environ.get(name) or tag for name, tag in built.items()}


def missing(engine: Engine) -> list[Image]:
    """The images that are not built yet."""
    there = set(engine.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    return [each for each in IMAGES if each.tag not in there]


def ensure(engine: Engine, say: Say) -> None:
    """Build every image that is missing. Raises ReplicaError."""
    try:
        with cache.locked(cache.root() / _LOCK):
            if wanted := missing(engine):
                tools = toolchain.ensure(say)
                _base(engine, say)
                jobs = {each.short: _job(engine, each, tools) for each in wanted}
                together(jobs, say)
    except ToolchainError as error:
        raise ReplicaError(str(error)) from error


def _base(engine: Engine, say: Say) -> None:
    if engine.run("image", "ls", "--quiet", BASE).strip():
        return
    if shutil.which("mmdebstrap") is None:
        debian.install(["mmdebstrap"])
    say(f"{BASE}: a base system from Debian's packages")
    with tempfile.TemporaryDirectory(prefix="golive-base-") as directory:
        archive = Path(directory) / "base.tar"
        # The lists of packages stay: each image would fetch them anew.
        options = ["--variant=minbase", "--skip=cleanup/apt/lists", "--quiet"]
        command = ["mmdebstrap", *options, f"--include={','.join(_BASE_PACKAGES)}"]
        together(
            {"base": lambda: run("the base image", [*command, _SUITE, archive])},
            say,
        )
        engine.run("import", archive, BASE)


def _job(engine: Engine, image: Image, tools: toolchain.Toolchain) -> Callable[[], None]:
    def build() -> None:
        with tempfile.TemporaryDirectory(prefix="golive-image-") as directory:
            context = Path(directory)
            (context / "Dockerfile").write_text(image.recipe)
            for path, program in image.programs:
                shutil.copy(program(tools), context / Path(path).name)
            try:
                # Debian's packages are reached as they are from here.
                engine.run("build", "--quiet", "--network", "host", "--tag", image.tag, context)
            except ReplicaError as error:
                raise ToolchainError(f"{image.short}: {error}") from error

    return build
