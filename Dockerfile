# The image has nothing in it but two static binaries: the manager, and the plugin of kubectl, which serves the wallboard. There is
# no base image that could change, and none to pin. `make docker-build` makes the binaries, for the architecture that it runs on;
# the roots of trust for https probes are inside them (golang.org/x/crypto/x509roots/fallback).
#
# The image of a release is not built with this file, but by `make image`, for all its platforms and without docker.
FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aliascheck" \
	org.opencontainers.image.source="https://github.com/aliascheck/aliascheck" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="${VERSION}" \
	org.opencontainers.image.revision="${REVISION}"
COPY bin/docker/manager /manager
COPY bin/docker/kubectl-aliascheck /kubectl-aliascheck
USER 65532:65532
ENTRYPOINT ["/manager"]
