#!/bin/sh
# Packs the program that was built for this machine's Debian:
#
#   deploy/deb/build.sh BINARY VERSION DIRECTORY
#
# writes DIRECTORY/heliograph_VERSION_ARCHITECTURE.deb and prints its path.
set -eu
binary=$1 directory=$3
cd "$(dirname "$0")/../.."

# A version of Debian's begins with a digit and has no hyphen: what git describe
# says becomes 1.2.3, 1.2.3+4.gabcdef, or 0~ with the commit's time where there is
# no tag.
version=$(printf %s "$2" | sed -e 's/^v\([0-9]\)/\1/' -e 's/-dirty$/+dirty/' -e 's/-/+/' -e 's/-/./g')
case $version in
[0-9]*.*) ;;
*) version="0~$(git log -1 --format=%cd --date=format:%Y%m%d%H%M%S 2>/dev/null || echo 0).$version" ;;
esac
architecture=$(dpkg --print-architecture)

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
chmod 0755 "$root"
install -D -m 0755 "$binary" "$root/usr/bin/heliograph"
install -D -m 0644 deploy/heliograph.service "$root/usr/lib/systemd/system/heliograph.service"
install -d -m 0750 "$root/etc/heliograph"
install -m 0640 deploy/heliograph.yaml "$root/etc/heliograph/heliograph.yaml"
install -d "$root/usr/share/doc/heliograph" "$root/usr/share/heliograph"
install -m 0644 docs/*.md README.md "$root/usr/share/doc/heliograph/"
install -m 0644 LICENSE "$root/usr/share/doc/heliograph/copyright"
gzip -9n <CHANGELOG.md >"$root/usr/share/doc/heliograph/changelog.gz"
install -m 0644 deploy/alerts.yml deploy/grafana-dashboard.json "$root/usr/share/heliograph/"

install -d "$root/DEBIAN"
for script in postinst prerm postrm; do
	install -m 0755 "deploy/deb/$script" "$root/DEBIAN/$script"
done
echo /etc/heliograph/heliograph.yaml >"$root/DEBIAN/conffiles"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<END
Package: heliograph
Version: $version
Architecture: $architecture
Maintainer: The Heliograph authors <heliograph@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: adduser, ca-certificates, init-system-helpers (>= 1.54~)
Section: net
Priority: optional
Description: text messages for applications
 Heliograph is a message service that an organization runs itself. It answers
 the Amazon Pinpoint SMS and Voice v2 API, sends through carriers over SMPP, and
 publishes what becomes of each message. Without configuration everything is
 built in: database, simulated carrier and event log.
END
mkdir -p "$directory"
package="$directory/heliograph_${version}_$architecture.deb"
dpkg-deb --root-owner-group --build "$root" "$package" >&2
echo "$package"
