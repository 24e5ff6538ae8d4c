# One image for every program: docker-compose.yml says which one a container runs.
# Nothing secret is in it: .dockerignore lets in only what is named there.

FROM node:24.11.1-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-fund --no-audit
COPY docs/openapi.json ../docs/
COPY docs/zh ../docs/zh
COPY docs/images ../docs/images
COPY smartbin/learning/dictionary.csv ../smartbin/learning/
COPY web ./
RUN npm run build

FROM python:3.11.14-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/smartbin && python -m venv /opt/build
COPY requirements.lock requirements-build.lock ./
RUN /opt/smartbin/bin/pip install -q --require-hashes -r requirements.lock
RUN /opt/build/bin/pip install -q --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY smartbin smartbin
COPY gateway gateway
COPY api api
COPY simulator simulator
COPY --from=web /src/api/static api/static
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && /opt/smartbin/bin/pip install -q --no-deps --no-index /tmp/wheel/*.whl \
 && /opt/smartbin/bin/pip uninstall -q -y pip setuptools

FROM python:3.11.14-slim-trixie
ENV PATH=/opt/smartbin/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Backups of the records are made by PostgreSQL's own pg_dump, which must not be older than the server:
# the two images are of one Debian release.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends postgresql-client >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/smartbin /opt/smartbin
WORKDIR /srv
# Writable places are volumes; a fresh volume takes over its folder's owner.
RUN mkdir -p var/quarantine var/tokens backups && chown -R 10001:10001 var backups
USER 10001:10001
CMD ["smartbin", "gateway"]
