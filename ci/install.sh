#!/usr/bin/env bash
# Installs a release of ssm-doctor for the next steps of a GitHub workflow, unless the runner has one.
#
#   SSM_DOCTOR_VERSION   the release, without the v
#   SSM_DOCTOR_RELEASES  where the archives are; default: the releases on GitHub
set -euo pipefail

if command -v ssm-doctor > /dev/null; then
  ssm-doctor --version
  exit 0
fi

version=${SSM_DOCTOR_VERSION:?the release to install}
releases=${SSM_DOCTOR_RELEASES:-https://github.com/ssm-doctor/ssm-doctor/releases/download}
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=x86_64-unknown-linux-gnu ;;
  Linux-aarch64) platform=aarch64-unknown-linux-gnu ;;
  Darwin-arm64) platform=aarch64-apple-darwin ;;
  Darwin-x86_64) platform=x86_64-apple-darwin ;;
  *)
    echo "there is no archive of ssm-doctor for $(uname -s) on $(uname -m): install it before this step" >&2
    exit 2
    ;;
esac

folder=${RUNNER_TEMP:-$(mktemp -d)}/ssm-doctor
mkdir -p "$folder"
archive=ssm-doctor-$version-$platform.tar.gz
for file in "$archive" SHA256SUMS; do
  curl --fail --silent --show-error --location --retry 3 --output "$folder/$file" "$releases/v$version/$file"
done
cd "$folder"
grep --fixed-strings "  $archive" SHA256SUMS > checksum
# `shasum` is on macOS, `sha256sum` on Linux.
sha256sum --check checksum || shasum -a 256 --check checksum
tar -x -f "$archive" --strip-components 1
./ssm-doctor --version
if [ -n "${GITHUB_PATH:-}" ]; then
  echo "$folder" >> "$GITHUB_PATH"
fi
