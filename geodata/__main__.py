"""The command line: `geodata import` and `geodata simulate`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.exc import DBAPIError

from geodata.environment import NotConfigured, connected, read_settings
from geodata.importing import NoOrganisation, Order, bring_in
from geodata.simulation import PRESETS, Reception
from geodata.sources.scanning import Unreadable
from geodata.telling import as_json, note_lines, summary, write_notes
from geodata.walking import Walker, outline_of_place, outline_round, ping_lines, pings_past
from geoservices import clock
from geoservices.errors import GeoservicesError

UNREADABLE, SOME_REFUSED = 1, 2

app = typer.Typer(
    help="Bring places in, and make up people who walk.", no_args_is_help=True, add_completion=False
)

File = Annotated[Path, typer.Argument(help="GeoJSON, plain or gzip; - is standard input.")]


@app.command("import")
def import_(  # noqa: PLR0913
    file: File,
    *,
    source: Annotated[str, typer.Option(help="Where the file comes from, e.g. `osm`.")],
    organisation: Annotated[
        str | None, typer.Option(help="Slug of whose places they are, if there are several.")
    ] = None,
    category: Annotated[str, typer.Option(help="For features that state none.")] = "place",
    id_property: Annotated[
        str | None, typer.Option(help="Property with the id, if not the feature's own.")
    ] = None,
    name_property: Annotated[str, typer.Option(help="Property with the name.")] = "name",
    margin_m: Annotated[
        float, typer.Option(min=0, max=1000, help="Metres outside that count as there.")
    ] = 0.0,
    radius_m: Annotated[
        float, typer.Option(min=5, max=50_000, help="Circle drawn round a Point, in metres.")
    ] = 40.0,
    dwell_minutes: Annotated[
        float, typer.Option(min=0, max=1440, help="After how long a stay counts as dwelling.")
    ] = 5.0,
    time_zone: Annotated[
        str | None, typer.Option(help="Of the opening hours; the organisation's unless told.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it all, store nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write all notes here as JSON lines.")
    ] = None,
) -> None:
    """Store every place of a GeoJSON file, updating those known by their id, and draw geofences.

    The file may be a FeatureCollection, a Feature, one Feature a line, or RFC 8142, plain or
    gzip. It is read to its end before anything is stored. A geofence that a manager redrew,
    disabled or deleted stays as it is. Broken off, the import may simply be run again.

    Exits with 0 if every feature was stored (or unchanged), with 2 if some were refused and the
    others stored, and with 1 if the file cannot be read as GeoJSON to its end or the database
    cannot be used.
    """
    began = monotonic()
    order = Order(
        file=file,
        source=source,
        organisation=organisation,
        category=category,
        id_property=id_property,
        name_property=name_property,
        margin_m=margin_m,
        radius_m=radius_m,
        dwell_after=timedelta(minutes=dwell_minutes),
        time_zone=time_zone,
        dry_run=dry_run,
    )
    with _told_plainly(file):
        settings = read_settings()
        order = replace(order, max_vertices=settings.intake.max_vertices)
        with connected(settings) as sessions:
            done = bring_in(sessions, order, at=clock.now())
        if report is not None:
            write_notes(done, report)
    if json_:
        typer.echo(as_json(done, dry_run=dry_run, seconds=monotonic() - began))
    else:
        for line in note_lines(done):
            typer.echo(line, err=True)
        typer.echo(summary(done, dry_run=dry_run))
    raise typer.Exit(SOME_REFUSED if done.refused else 0)


@app.command()
def simulate(  # noqa: PLR0913
    *,
    place: Annotated[UUID | None, typer.Option(help="Id of the place to walk past.")] = None,
    lon: Annotated[float | None, typer.Option(min=-180, max=180, help="Or where.")] = None,
    lat: Annotated[float | None, typer.Option(min=-85, max=85, help="Or where.")] = None,
    radius_m: Annotated[
        float, typer.Option(min=5, max=50_000, help="Size of what is at --lon and --lat.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same steps.")] = 1,
    noise: Annotated[Reception, typer.Option(help="How wrong the phone is.")] = Reception.GOOD_SKY,
    outliers: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pings far off that claim 2 m.")
    ] = 0.0,
    speed_mps: Annotated[float, typer.Option(min=0.1, max=60, help="Metres a second.")] = 1.4,
    interval_s: Annotated[float, typer.Option(min=0.1, help="Seconds between pings.")] = 5.0,
    offset_m: Annotated[float, typer.Option(min=0, help="Metres from the building.")] = 8.0,
    before_m: Annotated[float, typer.Option(min=0, help="Metres before it.")] = 150.0,
    after_m: Annotated[float, typer.Option(min=0, help="Metres after it.")] = 150.0,
    stay_minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Stand in the middle for so long instead.")
    ] = None,
    start: Annotated[
        datetime | None, typer.Option(help="UTC; unless told, the last ping is made now.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where to write; stdout unless told.")
    ] = None,
) -> None:
    """Write the pings of a made-up walker as JSON lines, ready for `POST /v1/pings`."""
    walker = Walker(
        seed=seed,
        noise=replace(PRESETS[noise], outliers=outliers),
        speed_mps=speed_mps,
        interval=timedelta(seconds=interval_s),
        offset_m=offset_m,
        before_m=before_m,
        after_m=after_m,
        stay=timedelta(minutes=stay_minutes) if stay_minutes is not None else None,
    )
    if place is not None:
        with _told_plainly(), connected(read_settings()) as sessions, sessions() as session:
            outline = outline_of_place(session, place)
    elif lon is not None and lat is not None:
        outline = outline_round((lon, lat), radius_m)
    else:
        raise typer.BadParameter("Give --place, or both --lon and --lat.")
    start_at = start.replace(tzinfo=UTC) if start else None
    pings = pings_past(outline, walker, start_at=start_at, at=clock.now())
    text = "".join(f"{line}\n" for line in ping_lines(pings, seed))
    if out is None:
        sys.stdout.write(text)
        return
    with _told_plainly():
        out.write_text(text, encoding="utf-8")


@contextmanager
def _told_plainly(file: Path | None = None) -> Iterator[None]:
    """Turn what can go wrong outside into one sentence and exit code 1."""
    try:
        yield
    except Unreadable as error:
        _give_up(f"{file}, {error}. Nothing was stored.")
    except OSError as error:
        _give_up(f"{error.filename}: {error.strerror}")
    except (NoOrganisation, NotConfigured, GeoservicesError) as error:
        _give_up(str(error))
    except DBAPIError as error:
        _give_up(f"The database refused: {error.orig}. Whole chunks are stored; run it again.")


def _give_up(sentence: str) -> None:
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    raise typer.Exit(UNREADABLE)


if __name__ == "__main__":
    app()
