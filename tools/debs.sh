#!/usr/bin/env bash
# Unpacks Debian packages, and what they need that is missing here, into a folder: no root, nothing installed.
# usage: tools/debs.sh DIR PACKAGE…
set -euo pipefail
dir=$1
shift
state=$dir/.apt
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
options=(-o "Dir::State=$state" -o "Dir::State::lists=$state/lists" -o Dir::State::status=/var/lib/dpkg/status -o "Dir::Cache=$state/cache"
    -o Debug::NoLocking=1 -o APT::Install-Recommends=false -o Dir::Log=/dev/null -qq)
apt-get "${options[@]}" update >&2
apt-get "${options[@]}" install --yes --download-only "$@" >&2
for package in "$state"/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$dir"
done
rm -rf "$state"
