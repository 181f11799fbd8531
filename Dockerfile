# ssm-doctor without a shell or a package manager, and not as root.
#
#   docker build -t ssm-doctor .
#   docker run --rm -e AWS_REGION -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e AWS_SESSION_TOKEN \
#       ssm-doctor i-0abc123def4567890 --no-client
#
# `--no-client`, because a container is not the machine that starts the session.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
ARG SSM_DOCTOR_COMMIT=unknown
RUN cargo build --profile dist --locked && cp target/dist/ssm-doctor /ssm-doctor

# It has the certificates that TLS needs, and the C library that the binary links.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /ssm-doctor /usr/local/bin/ssm-doctor
USER 65532
ENTRYPOINT ["ssm-doctor"]
CMD ["--help"]
