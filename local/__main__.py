"""`python -m local COMMAND`: what the Makefile calls once everything is set up."""

import argparse
import sys

from local.console import CannotGoOn, say
from local.interruption import Interrupted, carry_mark, heed_signals


def main(arguments: list[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    heed_signals()
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command != "test":
        _parser().error(f"unrecognised arguments: {' '.join(rest)}")
    try:
        return _do(options, rest, arguments)
    except CannotGoOn as reason:
        say(f"\n{reason}")
        return 1
    except PermissionError as error:
        say(f"\nNo permission for {error.filename}. Set GEOSERVICES_DATA_DIR to another folder.")
        return 1
    except BrokenPipeError:
        # Whoever read our stdout has gone; Python would complain once more when it closes it.
        sys.stdout = None
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.signum


def _do(options: argparse.Namespace, rest: list[str], arguments: list[str]) -> int:
    # Imported late: a Ctrl-C during the imports is heeded too, and the process that only carries
    # the mark over starts quickly.
    from local.configuration import load_configuration  # noqa: PLC0415

    configuration = load_configuration()
    if options.command in {"demo", "run"}:
        carry_mark(configuration.data_dir, module="local", arguments=arguments)
    from local import checks, demo, stack, web  # noqa: PLC0415

    if options.command in {"demo", "run"}:
        web.build()

    match options.command:
        case "demo":
            return demo.demonstrate(configuration, once=options.once, as_json=options.json)
        case "run":
            return demo.serve(configuration)
        case "test":
            return checks.check(options.only or list(checks.CHECKS), rest)
        case "database-url":
            print(stack.database_url(configuration))
            return 0
        case _:
            return checks.clean(configuration.data_dir)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="play the story on the running service, and go on")
    demo.add_argument("--once", action="store_true", help="stop when the story has ended")
    demo.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    commands.add_parser("run", help="run the service, its processes' lines on the terminal")
    test = commands.add_parser("test", help="run every check; other arguments go to pytest")
    test.add_argument("--only", action="append", metavar="CHECK", help="only this check")
    commands.add_parser("database-url", help="print where the service's database is")
    commands.add_parser("clean", help="delete the data folder")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
