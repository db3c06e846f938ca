#!/bin/bash
# pgimage.sh OUT : images for CloudNativePG from Debian 13's packages (debootstrap), as docker-archives in OUT.
#   postgresql.tar         localhost/postgresql:17 (user postgres 26, PostgreSQL on PATH, pgaudit, no JIT) and
#                          localhost/pgbouncer:1.24 (user pgbouncer 998:996), one and the same layer
#   postgresql-barman.tar  localhost/postgresql:17-barman: one more layer with barman-cloud-*, for backups to an object store
# As root. Runs itself again in a mount namespace of its own.
set -euo pipefail
out=$(readlink -f "$1"); here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ "${2:-}" = inside ] || exec unshare --mount --fork "${BASH_SOURCE[0]}" "$out" inside
mount --make-rprivate /
work=$(mktemp -d "$out/work.XXXXXX"); trap 'cd /; umount -l "$work"/*/proc "$work/merged" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

install() { # install ROOT PACKAGE...
  local root=$1; shift
  mount -t proc proc "$root/proc"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
  DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$root" sh -c 'apt-get -q update && apt-get -q -y -o Dpkg::Options::=--force-confold --no-install-recommends install "$@"' sh "$@" >>"$work/log" 2>&1 ||
    { tail -n 5 "$work/log" >&2; exit 1; }
  umount "$root/proc"
}
slim() { # what no container needs; without libLLVM PostgreSQL simply does not compile queries
  rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/* "$1"/usr/share/{doc,man,locale,info} "$1"/usr/share/i18n/{charmaps,locales} \
    "$1"/usr/lib/postgresql/17/lib/{bitcode,llvmjit*} "$1"/usr/lib/x86_64-linux-gnu/{libLLVM*,libz3*} "$1"/usr/sbin/policy-rc.d
  find "$1" -depth -name __pycache__ -exec rm -rf {} + 2>/dev/null || true
}
pack() { tar -C "$1" --sort=name --numeric-owner --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* -cf "$2" .; }

debootstrap --variant=minbase trixie base >>log 2>&1 || { tail -n 3 log >&2; exit 1; }
mkdir -p base/etc/postgresql-common
echo 'create_main_cluster = false' >base/etc/postgresql-common/createcluster.conf
install base postgresql-17 postgresql-17-pgaudit pgbouncer
chroot base sh -ec '
  usermod --uid 26 --gid 26 --home /var/lib/postgresql postgres
  ln -s /usr/sbin/pgbouncer /usr/bin/pgbouncer # where the Pooler looks
  groupadd --gid 996 pgbouncer; useradd --uid 998 --gid 996 --home-dir / --shell /usr/sbin/nologin pgbouncer
  mkdir -p /var/lib/postgresql/data; chown -R 26:26 /var/lib/postgresql /var/run/postgresql /etc/postgresql
  chmod 0700 /var/lib/postgresql/data'
mkdir up wd merged
mount -t overlay overlay -o "lowerdir=base,upperdir=up,workdir=wd" merged
install merged barman-cli-cloud python3-lz4 python3-zstandard
umount merged
slim base; slim up
pack base base.tar
# a whiteout of overlayfs is a device; nothing of the lower layer is removed but what slim removed anyway
find up -type c -delete; pack up barman.tar
config='{"User": "%s", "WorkingDir": "/", "Env": ["PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]}'
# shellcheck disable=SC2059
{ "$here/make-image" "$out/postgresql.tar" localhost/postgresql:17,localhost/pgbouncer:1.24 "$(printf "$config" 26)" base.tar
  "$here/make-image" "$out/postgresql-barman.tar" localhost/postgresql:17-barman "$(printf "$config" 26)" base.tar barman.tar; }
