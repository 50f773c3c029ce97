-- Run once by psql as a superuser of a new, empty database: who may do what there.
--
-- Two roles that nobody logs in as (docs/decisions/0035), and two logins that are no superusers:
-- one owns the database, migrates it and keeps the partitions of `pings`; the other may do nothing
-- but ask as one of the two roles. Their names and passwords are in the environment.

\set ON_ERROR_STOP on
\getenv owner DATABASE_OWNER
\getenv owner_password DATABASE_OWNER_PASSWORD
\getenv login DATABASE_LOGIN
\getenv login_password DATABASE_LOGIN_PASSWORD

-- The roles are the server's, where another database may have brought them.
SELECT format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', role)
FROM unnest(ARRAY['geoservices_service', 'geoservices_caller']) AS role
WHERE role NOT IN (SELECT rolname FROM pg_roles) \gexec

CREATE ROLE :"owner" LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE :"login" LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOINHERIT PASSWORD :'login_password';
GRANT geoservices_service, geoservices_caller TO :"owner", :"login";
ALTER DATABASE :"DBNAME" OWNER TO :"owner";

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
