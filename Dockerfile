# The roots of trust for https probes are inside the binary (golang.org/x/crypto/x509roots/fallback), so the
# image has nothing in it but that one file, and the plugin of kubectl beside it, which serves the wallboard.
#
# The image of a release is not built with this file, but by `make image`, without a base image. To build with one that cannot
# change: --build-arg GO_IMAGE=golang:1.26@sha256:…, with the digest that `docker buildx imagetools inspect golang:1.26` says.
ARG GO_IMAGE=golang:1.26
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api/ api/
COPY cmd/ cmd/
COPY controllers/ controllers/
COPY docs/ docs/
COPY internal/ internal/
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath \
	-ldflags "-s -w -X main.version=${VERSION}" -o / \
	./cmd/kubectl-aliascheck \
	./cmd/manager

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aliascheck" \
	org.opencontainers.image.source="https://github.com/aliascheck/aliascheck" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="${VERSION}" \
	org.opencontainers.image.revision="${REVISION}"
COPY --from=build /manager /manager
COPY --from=build /kubectl-aliascheck /kubectl-aliascheck
USER 65532:65532
ENTRYPOINT ["/manager"]
