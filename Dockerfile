# The bot's image. It needs no BuildKit: the builder of Engine 20.10 is enough.
# With a registry: docker build -t handoff .
# Without one: make image, which builds a base from Debian packages and puts every wheel into wheels/.
ARG BASE=python:3.12.12-slim-bookworm

FROM ${BASE} AS build
COPY requirements.lock wheels* /build/
# Packages have a layer of their own, which stays cached while only our code changes.
RUN set -eu; \
    python3 -m venv --without-pip /opt/handoff; \
    from=""; if ls /build/*.whl >/dev/null 2>&1; then from="--no-index --find-links=/build"; fi; \
    python3 -m pip --python /opt/handoff/bin/python --disable-pip-version-check --no-cache-dir \
        install --quiet --require-hashes --only-binary=:all: $from -r /build/requirements.lock
COPY pyproject.toml README.md LICENSE /src/
COPY bot /src/bot
COPY evals /src/evals
COPY tasks /src/tasks
COPY agents /src/agents
COPY sandbox /src/sandbox
COPY text /src/text
COPY playground /src/playground
RUN python3 -m pip --python /opt/handoff/bin/python --disable-pip-version-check --no-cache-dir \
        install --quiet --no-deps --no-build-isolation --no-index /src

FROM ${BASE}
LABEL org.opencontainers.image.title="Handoff" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/handoff /opt/handoff
# A user without a shell, and no setuid programs.
RUN set -eu; \
    echo "handoff:x:10001:10001::/data:/usr/sbin/nologin" >>/etc/passwd; \
    echo "handoff:x:10001:" >>/etc/group; \
    mkdir -p /data; \
    chown 10001:10001 /data; \
    chmod 700 /data; \
    find / -xdev -perm /6000 -type f -exec chmod a-s {} +
# The container does not share the engine's file system, so files go through the attach stream.
ENV PATH=/opt/handoff/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/data \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HANDOFF_DATA_DIR=/data \
    HANDOFF_HOST=0.0.0.0 \
    HANDOFF_PORT=8080 \
    HANDOFF_LOG_FORMAT=json \
    HANDOFF_SANDBOX_TRANSPORT=attach
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + (os.environ.get('HANDOFF_HEALTH_PORT') or os.environ['HANDOFF_PORT']) + '/healthz', timeout=4)"]
ENTRYPOINT ["handoff"]
CMD ["serve"]
