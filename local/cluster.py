"""A private PostgreSQL cluster's folder: where it may lie, whose it is, and its making."""

import hashlib
import locale
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.console import CannotGoOn, say, step
from local.credentials import new_password, write_private
from local.distribution import PostgresInstallation, find_postgres

SUPERUSER = "geoservices"
ELSEWHERE = Path("/var/lib/geoservices")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The user a server runs as; `None` stands for whoever runs us."""

    uid: int | None = None
    gid: int | None = None

    def take(self, path: Path) -> None:
        """Make the file or folder theirs."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Say whether they may pass through the folder."""
        return self.run(["test", "-x", str(folder)], cwd=Path("/")).returncode == 0

    def run(self, command: list[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as them."""
        groups: list[int] | None = None if self.uid is None else []
        return subprocess.run(
            command,
            user=self.uid,
            group=self.gid,
            extra_groups=groups,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster that is ready to be started."""

    home: Path
    owner: Owner
    installation: PostgresInstallation
    throw_away: bool

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "data"

    @property
    def password(self) -> str:
        """The superuser's password; it lies with the cluster, so neither is lost alone."""
        return (self.home / "password").read_text(encoding="ascii")


def open_cluster(data_dir: Path, *, throw_away: bool = False) -> Cluster:
    """Find the data folder's cluster, making it the first time.

    Args:
        data_dir: The stack's data folder.
        throw_away: It will be deleted soon: faster, and unsafe if the machine fails.

    Raises:
        CannotGoOn: No server fits, or the cluster could not be made; the message says why.
    """
    home, owner = _home(data_dir)
    version = _version_of(home / "data")
    installation = find_postgres(version=version)
    if installation is None:
        needed = f"PostgreSQL {version}, which made it" if version else "PostgreSQL with PostGIS"
        raise CannotGoOn(
            f"The cluster in {home} needs {needed}, and this machine has no such server. "
            "Install it, or begin anew with `make clean`."
        )
    cluster = Cluster(home=home, owner=owner, installation=installation, throw_away=throw_away)
    if version is None:
        with step(f"Making a PostgreSQL {installation.version} cluster in {home}"):
            _initialise(cluster)
    return cluster


def homes(data_dir: Path) -> tuple[Path, Path]:
    """Name where the data folder's cluster lies, or must if its owner cannot go there."""
    elsewhere = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return data_dir / "postgres", ELSEWHERE / elsewhere


def remove_cluster(data_dir: Path) -> None:
    """Delete the data folder's cluster, wherever it lies; no server may run on it."""
    for home in homes(data_dir):
        if home.exists():
            shutil.rmtree(home)


def service_user() -> Owner:
    """Choose who runs the server: us, or for root, whom PostgreSQL refuses, a system user."""
    if os.geteuid() != 0:
        return Owner()
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(uid=user.pw_uid, gid=user.pw_gid)
    raise CannotGoOn("PostgreSQL refuses to run as root, and there is no user `postgres`.")


def _home(data_dir: Path) -> tuple[Path, Owner]:
    owner, (home, elsewhere) = service_user(), homes(data_dir)
    if not owner.can_enter(data_dir):
        home = elsewhere
        say(f"The server's user cannot enter {data_dir}; its cluster is in {home} instead.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    made_by = home.stat()
    if owner.uid is None and made_by.st_uid != os.geteuid():
        raise CannotGoOn(
            f"The cluster in {home} was made by another user. Run this as that user, "
            "or set GEOSERVICES_DATA_DIR to a folder of your own."
        )
    if owner.uid is not None and made_by.st_uid != 0:
        # Root goes on as whoever made the cluster.
        owner = Owner(uid=made_by.st_uid, gid=made_by.st_gid)
    owner.take(home)
    return home, owner


def _version_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def _initialise(cluster: Cluster) -> None:
    """Make the data directory under another name first: half a cluster never looks whole."""
    half = cluster.home / "data.new"
    shutil.rmtree(half, ignore_errors=True)
    password = cluster.home / "password"
    write_private(password, new_password())
    cluster.owner.take(password)
    command = [
        *(str(cluster.installation.bin / "initdb"), f"--pgdata={half}", "--auth=scram-sha-256"),
        *(f"--username={SUPERUSER}", f"--pwfile={password}", "--encoding=UTF8", _locale()),
        *(["--no-sync"] if cluster.throw_away else []),
    ]
    done = cluster.owner.run(command, cwd=cluster.home)
    if done.returncode != 0:
        raise CannotGoOn(f"initdb failed.\n{done.stdout}{done.stderr}")
    half.rename(cluster.data)


def _locale() -> str:
    """Prefer letters beyond ASCII to have an upper case; not every system has this locale."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "--locale=C"
    locale.setlocale(locale.LC_CTYPE, before)
    return "--locale=C.UTF-8"
