"""The whole system on this machine: servers, database, processes, and their orderly end."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local import broker, ownership, postgres, processes
from local.cluster import homes, open_cluster
from local.configuration import CHECKOUT, Configuration, check_ports
from local.console import CannotGoOn, step, tail

DATABASE = "geoservices"


def clear_away(data_dir: Path) -> None:
    """Stop whatever a killed run on the data folder, which we now own, left running."""
    for home in homes(data_dir):
        postgres.stop_leftovers(home / "data")
    ownership.stop_strays(data_dir)


@contextmanager
def servers(configuration: Configuration, *, throw_away: bool = False) -> Iterator[dict[str, str]]:
    """Have a database and a broker for the block, started here unless they are given.

    Yields:
        The environment of every process of the service.
    """
    configuration.logs.mkdir(exist_ok=True)
    clear_away(configuration.data_dir)
    check_ports(configuration)
    with ExitStack() as started:
        # The last to be called: a signal in the midst of a start may have hidden the server from
        # the block that was to stop it.
        started.callback(clear_away, configuration.data_dir)
        database_url = _database(configuration, started, throw_away=throw_away)
        broker_url = _broker(configuration, started)
        yield processes.environment(configuration, database_url=database_url, broker_url=broker_url)


def prepare(configuration: Configuration, env: Mapping[str, str]) -> None:
    """Bring the database to today's schema and load what the story is about.

    Raises:
        CannotGoOn: It failed; the message holds the end of what was printed.
    """
    log = configuration.logs / "preparation.log"
    with step("Migrating the database and loading the libraries of Devon"), log.open("wb") as out:
        done = subprocess.run(
            [processes.program("python"), "-m", "local.preparing"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env=env,
            check=False,
        )
    if done.returncode != 0:
        raise CannotGoOn(f"The preparation failed. The end of {log}:\n{tail(log)}")


def database_url(configuration: Configuration) -> str:
    """Address the service's database on this machine, running or not.

    Raises:
        CannotGoOn: It has not been made yet.
    """
    if configuration.database_url is not None:
        return configuration.database_url.get_secret_value()
    if not any((home / "data").exists() for home in homes(configuration.data_dir)):
        raise CannotGoOn("There is no database yet. Run `make demo` once.")
    cluster = open_cluster(configuration.data_dir)
    return postgres.url(cluster, port=configuration.database_port, database=DATABASE)


def _database(configuration: Configuration, started: ExitStack, *, throw_away: bool) -> str:
    if configuration.database_url is not None:
        return configuration.database_url.get_secret_value()
    cluster = open_cluster(configuration.data_dir, throw_away=throw_away)
    port = configuration.database_port
    with step("Starting PostgreSQL"):
        started.enter_context(
            postgres.serving(
                cluster,
                port=port,
                log=configuration.logs / "postgres.log",
                mark=processes.mark(configuration.data_dir),
            )
        )
        return postgres.create_database(cluster, port=port, name=DATABASE)


def _broker(configuration: Configuration, started: ExitStack) -> str:
    if configuration.broker_url is not None:
        return configuration.broker_url.get_secret_value()
    with step("Starting the broker"):
        return started.enter_context(
            broker.serving(
                configuration.data_dir / "broker",
                port=configuration.broker_port,
                log=configuration.logs / "broker.log",
                mark=processes.mark(configuration.data_dir),
            )
        )
