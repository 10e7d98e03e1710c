# The service and what it needs to run, and no more: docs/image.md. BASE has to hold node and npm.
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# Two builds of one commit are to be equal: nothing tells when it was made, nor by whose umask.
ARG SOURCE_DATE_EPOCH=0
RUN npm run build \
  && npm run bundle \
  && npm run sbom \
  && cp build/windbreak.cdx.json build/app/sbom.cdx.json \
  && mkdir build/owned \
  && chmod -R u=rwX,go=rX build/app build/owned \
  && find build/app build/owned -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE}
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="windbreak" \
  org.opencontainers.image.description="Decides, before a service calls Mistral AI, whether it may" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
COPY --from=build /src/build/app /app
# Where counters and sockets may be kept: a volume that is empty takes its owner from here.
COPY --from=build --chown=65532:65532 /src/build/owned /var/lib/windbreak
COPY --from=build --chown=65532:65532 /src/build/owned /run/windbreak
ENV WINDBREAK_POLICY=/etc/windbreak/policy.yaml
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
WORKDIR /
EXPOSE 50051 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "/app/dist/main.js", "health"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
