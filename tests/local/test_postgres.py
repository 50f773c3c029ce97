"""The private cluster: durable, on loopback alone, and untroubled by how it was left."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest

from local.cluster import Cluster, homes, open_cluster, remove_cluster
from local.configuration import free_port
from local.console import CannotGoOn
from local.postgres import create_database, serving
from local.processes import mark

pytestmark = pytest.mark.stack


@pytest.fixture
def cluster(data_dir: Path) -> Cluster:
    """A throw-away cluster that is not started."""
    return open_cluster(data_dir, throw_away=True)


@pytest.fixture
def started() -> Iterator[ExitStack]:
    """Holds what a test starts, and stops it after the test."""
    with ExitStack() as stack:
        yield stack


def start(cluster: Cluster, started: ExitStack) -> str:
    """Start the server; return the URL of a database on it."""
    port, folder = free_port(), cluster.home.parent
    log = folder / "postgres.log"
    started.enter_context(serving(cluster, port=port, log=log, mark=mark(folder)))
    return create_database(cluster, port=port, name="tried")


def postmaster(cluster: Cluster) -> psutil.Process:
    """Find the server's first process."""
    return psutil.Process(int((cluster.data / "postmaster.pid").read_text().split()[0]))


def test_what_was_committed_is_there_after_kill_9(cluster: Cluster, started: ExitStack) -> None:
    """A throw-away cluster, too, keeps its word when its server is killed."""
    with psycopg.connect(start(cluster, started)) as connection:
        connection.execute("create table kept as select 42 as answer")
    postmaster(cluster).kill()

    url = start(cluster, started)

    with psycopg.connect(url) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_server_left_running_is_stopped_first(cluster: Cluster, started: ExitStack) -> None:
    """The second server takes the cluster over from the first."""
    start(cluster, started)
    first = postmaster(cluster)

    start(cluster, started)

    assert postmaster(cluster).pid != first.pid
    assert not first.is_running() or first.status() == psutil.STATUS_ZOMBIE


def test_a_stale_lock_file_whose_number_another_program_has_is_no_obstacle(
    cluster: Cluster, started: ExitStack
) -> None:
    """PostgreSQL itself would refuse to start."""
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n")

    start(cluster, started)

    assert postmaster(cluster).pid != os.getpid()


def test_the_server_listens_on_loopback_alone_and_wants_the_password(
    cluster: Cluster, started: ExitStack
) -> None:
    """Nobody else on the machine gets in."""
    url = start(cluster, started)

    listening = [c for c in postmaster(cluster).net_connections() if c.status == "LISTEN"]
    assert {c.laddr[0] for c in listening} == {"127.0.0.1"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(cluster.password, "guess"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_leaves_the_server_to_a_service_user(cluster: Cluster, started: ExitStack) -> None:
    """The service user owns the cluster's folder and nothing above it."""
    start(cluster, started)

    assert postmaster(cluster).uids().effective != 0
    assert cluster.home.parent.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_a_folder_the_service_user_cannot_enter_keeps_its_cluster_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The person is told where."""
    with tempfile.TemporaryDirectory() as name:
        closed = Path(name).resolve()
        cluster = open_cluster(closed, throw_away=True)
        remove_cluster(closed)

    assert cluster.home == homes(closed)[1]
    assert f"its cluster is in {cluster.home} instead" in capsys.readouterr().err


def test_a_cluster_whose_making_was_cut_short_is_made_anew(
    empty_dir: Path, started: ExitStack
) -> None:
    """Half a cluster is not mistaken for one."""
    half = empty_dir / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("15\n")
    (empty_dir / "postgres").chmod(0o700)

    cluster = open_cluster(empty_dir, throw_away=True)

    assert start(cluster, started)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    cluster: Cluster, started: ExitStack
) -> None:
    """The person need not look for the log."""
    (cluster.data / "postgresql.conf").write_text("no_such_setting = on\n")

    with pytest.raises(CannotGoOn, match='unrecognized configuration parameter "no_such_setting"'):
        start(cluster, started)


def test_a_postmaster_that_does_not_end_by_itself_is_ended(
    cluster: Cluster, started: ExitStack
) -> None:
    """A polite end waits for clients; ours does not."""
    start(cluster, started)
    server = postmaster(cluster)
    server.send_signal(signal.SIGTERM)

    started.close()

    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
