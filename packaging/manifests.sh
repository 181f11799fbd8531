#!/usr/bin/env bash
# Fills in the Homebrew formula and the Scoop manifest for VERSION with the checksums of the archives in FOLDER.
#
# usage: packaging/manifests.sh VERSION FOLDER
set -euo pipefail
version=$1 folder=$2
templates=$(cd "$(dirname "$0")" && pwd)
checksum() {
    sed -n "s/^\([0-9a-f]\{64\}\) [ *]ssm-doctor-$version-$1\$/\1/p" "$folder/SHA256SUMS" | grep .
}
for template in ssm-doctor.rb ssm-doctor.json; do
    text=$(sed "s/@VERSION@/$version/g" "$templates/$template")
    for archive in x86_64-unknown-linux-gnu.tar.gz aarch64-unknown-linux-gnu.tar.gz \
        aarch64-apple-darwin.tar.gz x86_64-apple-darwin.tar.gz x86_64-pc-windows-msvc.zip; do
        # A template names only the archives of its systems.
        if [[ $text == *"@$archive@"* ]]; then
            text=${text//"@$archive@"/$(checksum "$archive")}
        fi
    done
    printf '%s\n' "$text" > "$folder/$template"
done
