#!/usr/bin/env bash
# install.sh install|rollback|list [ROOT]: releases of the gateway side by side under /opt/radio-gateway.
# ROOT, empty on a real box, is put before every path, so that an image can be filled or a test can look.
set -euo pipefail
cd "$(dirname "$0")/.."

action=${1:-}
root=${2:-}
home=$root/opt/radio-gateway
releases=$home/releases
live=$([[ -z $root ]] && echo yes || echo no)

say() { printf '[install] %s\n' "$*"; }

switch_to() { # RELEASE: one rename, so that there is no moment without a gateway
    ln -sfn "releases/$1" "$home/next"
    mv -T "$home/next" "$home/current"
}

restart() {
    [[ $live == yes ]] || return 0
    systemctl daemon-reload
    if systemctl is-enabled -q radio-gateway 2>/dev/null; then systemctl restart radio-gateway; fi
}

current() { basename "$(readlink "$home/current" 2>/dev/null || true)"; }

install_release() {
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
    name=$version-$(date -u +%Y%m%d%H%M%S)
    say "building release $name"
    mkdir -p "$releases"
    python3 -m venv "$releases/$name"
    pip=("$releases/$name/bin/python" -m pip --disable-pip-version-check -q)
    "${pip[@]}" install --require-hashes -r requirements.lock
    "${pip[@]}" install --require-hashes -r requirements-soundcard.lock \
        || say "PyAudio could not be built: the sound card driver is missing (apt install portaudio19-dev gcc python3-dev)"
    "${pip[@]}" install --no-deps --no-build-isolation .
    if [[ -d $home/current/share/radio-gateway ]]; then
        mkdir -p "$releases/$name/share"
        cp -r "$home/current/share/radio-gateway" "$releases/$name/share/" # the models, not fetched again
    fi
    "$releases/$name/bin/radio-gateway" models verify whisper-base >/dev/null 2>&1 \
        || "$releases/$name/bin/radio-gateway" models fetch whisper-base

    install -D -m 644 systemd/radio-gateway.service "$root/etc/systemd/system/radio-gateway.service"
    install -D -m 644 systemd/radio-gateway.sysusers.conf "$root/usr/lib/sysusers.d/radio-gateway.conf"
    install -D -m 644 systemd/radio-gateway.tmpfiles.conf "$root/usr/lib/tmpfiles.d/radio-gateway.conf"
    install -D -m 644 config/99-radio-gateway.rules "$root/usr/lib/udev/rules.d/99-radio-gateway.rules"
    if [[ $live == yes ]]; then
        systemd-sysusers radio-gateway.conf
        systemd-tmpfiles --create radio-gateway.conf
        udevadm control --reload || true
        ln -sf /opt/radio-gateway/current/bin/radio-gateway /usr/local/bin/radio-gateway
    else
        mkdir -p "$root/etc/radio-gateway"
    fi
    station=$root/etc/radio-gateway/station.toml
    [[ -e $station ]] || install -m 640 config/example.toml "$station"
    if [[ $live == yes ]]; then chgrp radio-gateway "$station"; fi

    before=$(current)
    if [[ -n $before ]] && ! "$releases/$name/bin/radio-gateway" check -c "$station"; then
        say "the new release does not take $station; $before stays in place"
        rm -rf "${releases:?}/$name"
        exit 78
    fi
    switch_to "$name"
    restart
    say "installed $name${before:+ in place of $before}"
    [[ -n $before ]] || say "edit $station, then: systemctl enable --now radio-gateway"
}

rollback() {
    now=$(current)
    before=$(ls -1 "$releases" | sort -V | sed -n "/^$now\$/q;p" | tail -n 1)
    if [[ -z $before ]]; then
        say "there is no release before $now"
        exit 69
    fi
    switch_to "$before"
    restart
    say "back to $before; $now is kept in $releases"
}

case $action in
install) install_release ;;
rollback) rollback ;;
list)
    for release in $(ls -1 "$releases" | sort -V); do
        [[ $release == "$(current)" ]] && echo "$release  (in use)" || echo "$release"
    done
    ;;
*)
    echo "usage: $0 install|rollback|list [ROOT]" >&2
    exit 64
    ;;
esac
