#!/usr/bin/env bash
# Packs what was built for TARGET into an archive in FOLDER: the binary, the licences, the README, and the manual page
# and the completions, which the binary prints. So this system has to run it.
#
# usage: packaging/pack.sh TARGET FOLDER
set -euo pipefail
target=$1 folder=$2
cd "$(dirname "$0")/.."
built="${CARGO_TARGET_DIR:-target}/$target/dist"
suffix=""
case $target in *windows*) suffix=.exe ;; esac
binary="$built/ssm-doctor$suffix"
version=$("$binary" --version | sed -n '1s/^ssm-doctor //p')
name="ssm-doctor-$version-$target"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name/completions" "$folder"
cp "$binary" README.md LICENSE-APACHE LICENSE-MIT "$work/$name/"
"$binary" man > "$work/$name/ssm-doctor.1"
for shell in bash zsh fish powershell; do
    "$binary" completions "$shell" > "$work/$name/completions/ssm-doctor.$shell"
done
folder=$(cd "$folder" && pwd)
cd "$work"
case $target in
    *windows*) 7z a -tzip -bso0 "$folder/$name.zip" "$name" ;;
    *) tar --create --gzip --file "$folder/$name.tar.gz" "$name" ;;
esac
