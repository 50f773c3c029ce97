"""Row-level security: a request sees what is its organisation's and its person's, and what is public.

Decision 35 has the reasons, and how a table that comes later gets its policies.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SERVICE, CALLER = "geoservices_service", "geoservices_caller"

# In a subquery of their own, so that they are asked once a statement and not once a row.
OWN = "organisation_id = (SELECT caller_organisation())"
MINE = "person_id = (SELECT caller_person())"
OF_MY_DEVICES = "device_id IN (SELECT id FROM devices WHERE person_id = (SELECT caller_person()))"
A_MEMBERS = (
    "person_id IN (SELECT id FROM people WHERE organisation_id = (SELECT caller_organisation()))"
)
ME = "id = (SELECT caller_person())"

WHAT_ONE_MAY = {
    "check_ins": f"{OWN} OR {OF_MY_DEVICES}",
    "decisions": f"{OWN} OR {MINE}",
    "transitions": f"{OWN} OR {OF_MY_DEVICES}",
    "visits": f"{OWN} OR {OF_MY_DEVICES}",
    "notifications": MINE,
    "devices": f"{MINE} OR {A_MEMBERS}",
    "sign_ins": f"{MINE} OR {A_MEMBERS}",
    "channel_choices": MINE,
    "consents": MINE,
    "email_addresses": MINE,
    "letters": MINE,
    "handed_regions": OF_MY_DEVICES,
    "phone_links": OF_MY_DEVICES,
    "pings": OF_MY_DEVICES,
    "subscriptions": OF_MY_DEVICES,
}
"""What a caller may see and write, by table."""
WHAT_ONE_MAY_SEE = {
    "places": "true",
    "listings": f"kind <> 'task' OR {OWN}",
    "campaigns": f"{OWN} OR id IN (SELECT campaign_id FROM decisions WHERE {MINE})",
    "codes": f"{OWN} OR id IN (SELECT code_id FROM check_ins WHERE {OF_MY_DEVICES})",
    "geofences": f"{OWN} OR id IN (SELECT geofence_id FROM visits WHERE {OF_MY_DEVICES})",
}
"""What a caller may see where they may write only their organisation's: what is public, and what
had to do with them, or nobody could be told why they got something."""
SPECIAL = ("organisations", "people")
WRITING = ("INSERT", "UPDATE", "DELETE")


def upgrade() -> None:
    """Make the two roles where they are missing, let them in, and bind one of them by policies."""
    for role in (SERVICE, CALLER):
        _make_role(role)
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
        op.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        op.execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}"
        )
        op.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}"
        )
    _close_partitions()
    for setting in ("organisation", "person"):
        op.execute(
            f"CREATE FUNCTION caller_{setting}() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE "
            f"RETURN nullif(current_setting('geoservices.{setting}', true), '')::uuid"
        )
    for table in (*WHAT_ONE_MAY, *WHAT_ONE_MAY_SEE, *SPECIAL):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everywhere ON {table} TO {SERVICE} USING (true)")
    for table, allowed in WHAT_ONE_MAY.items():
        op.execute(f"CREATE POLICY within ON {table} TO {CALLER} USING ({allowed})")
    for table, seen in WHAT_ONE_MAY_SEE.items():
        op.execute(f"CREATE POLICY seen ON {table} FOR SELECT TO {CALLER} USING ({seen})")
        for command in WRITING:
            said = "WITH CHECK" if command == "INSERT" else "USING"
            op.execute(
                f"CREATE POLICY {command.lower()} ON {table} FOR {command} TO {CALLER} "
                f"{said} ({OWN})"
            )
    op.execute(f"CREATE POLICY seen ON organisations FOR SELECT TO {CALLER} USING (true)")
    op.execute(
        f"CREATE POLICY update ON organisations FOR UPDATE TO {CALLER} "
        "USING (id = (SELECT caller_organisation()))"
    )
    op.execute(
        f"CREATE POLICY within ON people TO {CALLER} USING ({ME} OR {OWN}) "
        f"WITH CHECK ({OWN} OR {ME} AND organisation_id IS NULL)"
    )


def downgrade() -> None:
    """Let everyone see everything again; the roles stay, which other databases may use."""
    for table in (*WHAT_ONE_MAY, *WHAT_ONE_MAY_SEE, *SPECIAL):
        policies = ["everywhere", "within"]
        if table in {*WHAT_ONE_MAY_SEE, "organisations"}:
            policies = ["everywhere", "seen", *map(str.lower, WRITING)]
        for policy in policies:
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION caller_organisation()")
    op.execute("DROP FUNCTION caller_person()")
    for role in (SERVICE, CALLER):
        for things in ("TABLES", "SEQUENCES"):
            op.execute(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON {things} FROM {role}"
            )
            op.execute(f"REVOKE ALL ON ALL {things} IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE ALL ON SCHEMA public FROM {role}")


def _make_role(role: str) -> None:
    """Make a role that nobody logs in as, and let whoever migrates ask as it.

    Roles belong to the whole server, where another database may be migrated at the same time.
    """
    op.execute(
        f"""
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END
        $$
        """
    )
    op.execute(
        f"""
        DO $$
        BEGIN
            IF NOT pg_has_role(current_user, '{role}', 'USAGE') THEN
                GRANT {role} TO CURRENT_USER;
            END IF;
            -- Whoever owns the tables is bound by the policies too, and migrates what it sees.
            IF NOT pg_has_role(current_user, '{role}', 'USAGE') THEN
                RAISE 'The role % must inherit what {role} may do', current_user;
            END IF;
        END
        $$
        """
    )


def _close_partitions() -> None:
    """Leave only the way through `pings`, whose policies do not hold for its partitions."""
    op.execute(
        f"""
        DO $$
        DECLARE partition regclass;
        BEGIN
            FOR partition IN
                SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'pings'::regclass
            LOOP
                EXECUTE format('REVOKE ALL ON %s FROM {SERVICE}, {CALLER}', partition);
            END LOOP;
        END
        $$
        """
    )
