#!/usr/bin/env bash
# check_package.sh BUILD_FOLDER: makes the Debian package and looks at it, then check_install.sh uses it.
set -euo pipefail

build=$1
here=$(cd "$(dirname "$0")" && pwd)
for tool in cpack dpkg-deb dpkg-shlibdeps; do
    command -v "$tool" >/dev/null || {
        echo "skipped: $tool is not installed (dpkg-dev)"
        exit 0
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() {
    printf 'check_package: %s\n' "$*" >&2
    exit 1
}

deb=$(ZKPROVER_BUILD_DIR=$build "$here/../../scripts/package.sh" "$work" | tail -n 1)
[ -f "$deb" ] || die "no package: $deb"
dpkg-deb --info "$deb" >"$work/info"
for want in '^ Package: zkprover$' '^ Architecture: ' '^ Depends: .*libgrpc.*libmicrohttpd' '^ Maintainer: .*@' \
    'conffiles' 'postinst' 'prerm' 'postrm'; do
    grep -q -- "$want" "$work/info" || die "dpkg-deb --info lacks '$want': $(cat "$work/info")"
done
dpkg-deb --ctrl-tarfile "$deb" | tar -xf - -C "$work"
for script in postinst prerm postrm; do
    [ -x "$work/$script" ] || die "$script cannot be executed"
    sh -n "$work/$script" || die "$script"
done
grep -qx /etc/zkprover/zkproverd.json "$work/conffiles" || die "the configuration is no conffile"

# files of root's, nobody else may write them, and only where a package puts files
dpkg-deb --contents "$deb" >"$work/contents"
while read -r mode owner _ _ _ path; do
    [ "$owner" = root/root ] || die "$path belongs to $owner"
    case "$mode" in
    -rw-r--r-- | -rwxr-xr-x | drwxr-xr-x) ;;
    *) die "$path has the mode $mode" ;;
    esac
    case "$path" in
    ./ | ./etc/ | ./etc/zkprover/* | ./usr/ | ./usr/bin/* | ./usr/lib/ | ./usr/lib/s* | ./usr/share/* | ./usr/libexec/ | ./usr/libexec/zkprover/*) ;;
    *) die "unexpected: $path" ;;
    esac
done <"$work/contents"
for path in ./usr/bin/zkproverd ./usr/bin/zkprover ./usr/lib/systemd/system/zkproverd.service ./usr/lib/sysusers.d/zkprover.conf; do
    grep -q " $path\$" "$work/contents" || die "$path is missing"
done
grep -q ' ./usr/share/zkprover/bitstreams/manifest.json$' "$work/contents" || die "the manifest of images is missing"
# a build without XRT has no zkp-card
[ ! -x "$build/bin/zkp-card" ] || grep -q ' ./usr/libexec/zkprover/zkp-card$' "$work/contents" || die "zkp-card is missing"
# nothing of the machine that built it
dpkg -x "$deb" "$work/root"
if grep -rlF -e "$build" -e "$work" "$work/root" >"$work/leaks"; then
    die "files name the folder of the build: $(cat "$work/leaks")"
fi
# what is installed is found below the prefix, wherever that is
devices=$("$work/root/usr/bin/zkprover" devices)
grep -qF "$work/root/usr/share/zkprover/bitstreams" <<<"$devices" || die "zkprover devices looks elsewhere: $devices"
[ ! -x "$build/bin/zkp-card" ] || grep -qF "$work/root/usr/libexec/zkprover/zkp-card" <<<"$devices" ||
    die "zkprover devices looks elsewhere: $devices"
"$here/check_install.sh" "$build" "$deb"
