# Both ends of compose.yaml: the stand-in for the provider, and an application that knows only a password.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS exchange
RUN apt-get update && apt-get install -y --no-install-recommends python3 openssl && rm -rf /var/lib/apt/lists/*
COPY tests/exchange /exchange
RUN install -d -o 65532 -g 65532 /site
USER 65532:65532
ENTRYPOINT ["/usr/bin/python3", "-B", "/exchange"]

FROM ${BASE} AS application
RUN apt-get update && apt-get install -y --no-install-recommends swaks && rm -rf /var/lib/apt/lists/*
USER 65532:65532
