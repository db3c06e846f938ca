"""What script/test-cluster runs, built once from the Go module registry into the cache: Kubernetes,
CloudNativePG's operator, Pulumi's plugin, and an object store for backups.

A program is built again when its module in toolchain/kubernetes changes. A build that was stopped goes on
where it was.
"""

import hashlib
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from . import commands, files, golang
from .console import Console, duration
from .errors import BootstrapError
from .places import ROOT, Places, cache_dir

KUBERNETES = "v1.34.4"
OPERATOR = "1.30.0"
PLUGIN = "4.25.0"
"""The one version of the plugin that the registry serves; the newer SDK of the lock warns, and works."""
_VERSION = "k8s.io/component-base/version"
_PLUGIN_MODULE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_OPERATOR_MODULE = "github.com/cloudnative-pg/cloudnative-pg"

_QUICKLY = "-l -dwarf=false"
"""Without inlining and what debuggers need it compiles in half the processor time; what runs is a test's."""
_COMPONENTS = Path("pkg", "provider", "provider_construct.go")
"""Where the plugin names its component resources."""
_COMPONENT_LINE = re.compile(r'^\t(provider(helmv4|kustomizev2|yamlv2) |"kubernetes:).*\n', re.MULTILINE)

PROGRAMS = tuple(
    replace(program, gcflags=_QUICKLY)
    for program in (
        golang.Program(
            "kubebox",
            "kubernetes/kubebox",
            ".",
            f"-X {_VERSION}.gitVersion={KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34"
            f" -X {_VERSION}.gitTreeState=archive",
            5,
        ),
        golang.Program("cnpg-manager", "kubernetes/tools", f"{_OPERATOR_MODULE}/cmd/manager", "", 1.5),
        golang.Program("coredns", "kubernetes/tools", "./coredns", "", 0.5),
        golang.Program(
            "kube-router",
            "kubernetes/tools",
            "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
            "",
            0.5,
        ),
        golang.Program(
            "pulumi-resource-kubernetes", "kubernetes/provider", ".", f"-X main.version={PLUGIN}", 2.5
        ),
    )
)
STORE = golang.Program(
    "versitygw", "kubernetes/versitygw", "github.com/versity/versitygw/cmd/versitygw", "", 1
)
"""The object store that tests of backups there use."""
APPLETS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
"""Names under which `kubebox` is each of them."""


def folder() -> Path:
    """Where all of it is in the cache."""
    return cache_dir() / "kubernetes"


def main() -> int:
    """Build what is missing; 0 when all is there, 1 with one line of what is wrong."""
    places, console, began = Places(ROOT, folder()), Console(), time.monotonic()
    try:
        (places.cache / "bin").mkdir(parents=True, exist_ok=True)
        with _alone(places, console):
            missing = [one for one in (*PROGRAMS, STORE) if not _is_built(one, places)]
            if not missing:
                return 0
            minutes = sum(one.typical_minutes for one in missing)
            console.note(
                f"Built once, then kept in {places.cache}: about {minutes:g} minutes on 2 idle cores, and"
                " up to 7 GB while it lasts"
            )
            _build(missing, places, console)
    except BootstrapError as error:
        console.note(f"test-cluster: {error}")
        return 1
    except OSError as error:
        console.note(f"test-cluster: {error.filename or places.cache}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        console.note("test-cluster: interrupted; run it again, it goes on where it stopped")
        return 130
    console.note(f"test-cluster: built in {duration(time.monotonic() - began)}")
    return 0


def _build(missing: list[golang.Program], places: Places, console: Console) -> None:
    go, programs = golang.go_command(places, console), places.cache / "bin"
    for program in missing:
        wanted = program
        if program.name == "pulumi-resource-kubernetes":
            wanted = replace(program, module=str(_with_embedded(program, go, places)))
        with files.building(places.cache / "built") as fresh:
            files.install(golang.build(wanted, fresh, go, places, console), programs)
        if program.name == "kubebox":
            for applet in APPLETS:
                files.link(programs / applet, programs / "kubebox")
        if program.name == "cnpg-manager":
            _operator_manifest(program, go, places)
        _stamp(program, places).write_text(_digest(program, places))
    files.remove(places.cache / "built")
    files.remove(places.cache / "plugin-source")
    golang.clean(places)


def _with_embedded(program: golang.Program, go: Path, places: Places) -> Path:
    """A copy of the plugin's module, with the two files that its own build generates from others of its.

    Without its component resources (charts, kustomizations, YAML files), of which no stack of ours has one:
    they bring Pulumi's Go SDK for Kubernetes, which takes longer to compile than all else together.
    """
    whole = _module(program, _PLUGIN_MODULE, go, places)
    source = whole / "cmd" / "pulumi-resource-kubernetes"
    copy, without = places.cache / "plugin-source" / "main", places.cache / "plugin-source" / "provider"
    files.remove(copy.parent)
    shutil.copytree(places.toolchain / program.module, copy)
    # Files of Go's cache are read-only, and so would copies be.
    shutil.copytree(whole, without, copy_function=shutil.copyfile)
    for folder in (without, *(one for one in without.rglob("*") if one.is_dir())):
        folder.chmod(0o755)
    components = without / _COMPONENTS
    components.write_text(_COMPONENT_LINE.sub("", components.read_text()))
    commands.run(
        [go, "mod", "edit", f"-replace={_PLUGIN_MODULE}={without}"],
        "changing the plugin's module",
        places.cache / "logs" / "go-edit.log",
        env=golang.environment(places),
        cwd=copy,
    )
    schema = json.loads((source / "schema.json").read_text()) | {"version": PLUGIN}
    (copy / "schema-embed.json").write_text(json.dumps(schema))
    shutil.copyfile(source / "terraform-mapping.json", copy / "terraform-mapping-embed.json")
    return copy


def _operator_manifest(program: golang.Program, go: Path, places: Places) -> None:
    """The operator's own, with the image that is loaded by hand in place of the registry's."""
    release = _module(program, _OPERATOR_MODULE, go, places) / "releases" / f"cnpg-{OPERATOR}.yaml"
    text = release.read_text()
    text = text.replace(
        f"ghcr.io/cloudnative-pg/cloudnative-pg:{OPERATOR}", f"localhost/cloudnative-pg:{OPERATOR}"
    )
    text = text.replace("imagePullPolicy: Always", "imagePullPolicy: Never")
    (places.cache / "cnpg.yaml").write_text(text)


def _module(program: golang.Program, module: str, go: Path, places: Places) -> Path:
    """Where the module's files are, which need not be here yet."""
    commands.run(
        [go, "mod", "download", module],
        f"fetching {module}",
        places.cache / "logs" / "go-download.log",
        env=golang.environment(places),
        cwd=places.toolchain / program.module,
        advice="Is a Go module proxy reachable (go env GOPROXY)?",
    )
    said = commands.run(
        [go, "list", "-m", "-f", "{{.Dir}}", module],
        f"looking for {module}",
        places.cache / "logs" / "go-list.log",
        env=golang.environment(places),
        cwd=places.toolchain / program.module,
    )
    return Path(said.strip().splitlines()[-1])


def _is_built(program: golang.Program, places: Places) -> bool:
    with suppress(OSError):
        built = (places.cache / "bin" / program.name).is_file()
        return built and _stamp(program, places).read_text() == _digest(program, places)
    return False


def _stamp(program: golang.Program, places: Places) -> Path:
    return places.cache / "bin" / f".{program.name}.digest"


def _digest(program: golang.Program, places: Places) -> str:
    """Of what decides how it is built."""
    digest = hashlib.sha256(f"{program.ldflags} {program.gcflags}".encode())
    for file in sorted((places.toolchain / program.module).rglob("*")):
        if file.suffix in {".mod", ".sum", ".go"}:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _alone(places: Places, console: Console) -> Iterator[None]:
    with (places.cache / ".lock").open("w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            with console.step("waiting for another build to end"):
                flock(lock, LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
