# edgeproxy, as an image. `deploy/README.md` says how it is started and what was verified.
#
#   docker build -t edgeproxy .
#   docker build -t edgeproxy-emulator --build-arg EXTRAS=emulator .

# Any base with Python 3.11 or later as `python3`, with `venv`, and with CA certificates.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# Optional extras of pyproject.toml. The proxy needs none; `emulator` brings espeak-ng, which is GPL-3.
ARG EXTRAS=
WORKDIR /src
RUN python3 -m venv /opt/edgeproxy
# The package without its code brings the dependencies, in a layer that outlives changes of the code.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY edgeproxy/__init__.py edgeproxy/
RUN /opt/edgeproxy/bin/pip install --no-cache-dir --constraint constraints.txt ".${EXTRAS:+[${EXTRAS}]}"
COPY edgeproxy edgeproxy
RUN /opt/edgeproxy/bin/pip install --no-cache-dir --no-deps --force-reinstall .

FROM ${BASE}
LABEL org.opencontainers.image.title="edgeproxy" \
      org.opencontainers.image.description="An edge caching proxy for Sarvam text-to-speech" \
      org.opencontainers.image.licenses="Apache-2.0"
# Numbers, not names, so that an orchestrator can see that it is not root, and volumes keep their owner.
RUN groupadd --gid 10001 edgeproxy \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
               --shell /usr/sbin/nologin edgeproxy \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/edgeproxy
COPY --from=build /opt/edgeproxy /opt/edgeproxy
COPY phrases /etc/edgeproxy/phrases
ENV PATH=/opt/edgeproxy/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    EDGEPROXY_CACHE__DATA_DIR=/var/lib/edgeproxy \
    EDGEPROXY_PHRASES__DIRECTORY=/etc/edgeproxy/phrases \
    EDGEPROXY_LOG__FORMAT=json
USER 10001:10001
WORKDIR /var/lib/edgeproxy
VOLUME /var/lib/edgeproxy
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["edgeproxy"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
