"""Run migrations on the database named by GEOSERVICES_DATABASE_URL."""

import os
import re

from alembic import context
from geoalchemy2 import alembic_helpers

from geoservices.database import DatabaseRole, make_engine
from geoservices.tables import all_tables

metadata = all_tables()
FOREIGN = re.compile(r"spatial_ref_sys|pings_.*")


def only_ours(
    object_: object, name: str | None, type_: str, reflected: bool, compare_to: object
) -> bool:
    """Leave alone what PostGIS brings along, and partitions; the rest that no model has is a fault."""
    return type_ != "table" or name is None or not FOREIGN.fullmatch(name)


def run() -> None:
    """Run each migration in a transaction of its own, waiting for locks only briefly."""
    url = os.environ.get("GEOSERVICES_DATABASE_URL")
    if url is None:
        raise SystemExit("Set GEOSERVICES_DATABASE_URL to the database to migrate.")
    engine = make_engine(url, role=DatabaseRole.OWNER)
    with engine.connect() as connection:
        # What a migration writes anew may be any number of rows.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transaction_per_migration=True,
            compare_server_default=True,
            include_object=only_ours,
            process_revision_directives=alembic_helpers.writer,
            render_item=alembic_helpers.render_item,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
