#!/usr/bin/env bash
# certificates.sh FOLDER BROKER_HOST CLIENT...: a private authority and certificates for one district.
set -euo pipefail
if (($# < 3)); then
    echo "usage: $0 FOLDER BROKER_HOST CLIENT..." >&2
    exit 64
fi
out=$1 host=$2
shift 2
umask 077
mkdir -p "$out"

curve=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
if [[ ! -e $out/ca.key ]]; then
    openssl req -x509 "${curve[@]}" -keyout "$out/ca.key" -out "$out/ca.crt" -days 3650 \
        -subj "/CN=radio-gateway authority" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi

sign() { # NAME EXTENSIONS
    openssl req -new "${curve[@]}" -keyout "$out/$1.key" -out "$out/$1.csr" -subj "/CN=${3:-$1}" 2>/dev/null
    openssl x509 -req -in "$out/$1.csr" -CA "$out/ca.crt" -CAkey "$out/ca.key" -CAcreateserial -days 825 \
        -out "$out/$1.crt" -extfile <(printf '%s\n' "$2") 2>/dev/null
    rm "$out/$1.csr"
}

kind=DNS
[[ $host =~ ^[0-9.]+$|: ]] && kind=IP
sign broker "$(printf 'subjectAltName=%s:%s\nextendedKeyUsage=serverAuth' "$kind" "$host")" "$host"
for client; do
    sign "$client" "extendedKeyUsage=clientAuth"
done
chmod 644 "$out"/*.crt
echo "made in $out: ca.crt broker.crt broker.key$(printf ' %s.crt %s.key' $(for c; do echo "$c" "$c"; done))"
