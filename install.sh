#!/usr/bin/env bash
# The only way in: sets the assistant up on this machine. Every command may be run again at any time.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

usage() {
    cat <<'EOF'
Usage: ./install.sh COMMAND

  demo     set up, then hold a whole spoken conversation; needs no microphone, loudspeaker or screen
  test     set up, then run all checks and tests (further words go to pytest)
  models   set up, then fetch better models for voice and speech recognition. A shop first sets
           deployment.use: commercial in config.yaml, so that only what it may use is fetched (docs/licences.md)
  doctor   look at this machine and say what is missing; changes nothing

The program is then .venv/bin/assistant. Set PYTHON to choose the interpreter (3.11 to 3.13).
EOF
}

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
step() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '    %s\n' "$*"; }
fail() { printf '\ninstall.sh: %s\n' "$*" >&2; exit 1; }

RUN_PACKAGES=(libportaudio2 espeak-ng)
TEST_PACKAGES=(pulseaudio pulseaudio-utils libasound2-plugins)

missing_packages() {
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${Status}' "$name" 2>/dev/null)" = "install ok installed" ] || printf '%s\n' "$name"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Debian's packages: installed where this user may, named where not. The demo works without any of them.
debian_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    step "Debian packages: ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        note "This system has no apt-get. Install what corresponds to: ${missing[*]}"
    elif [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        note "Not permitted for this user. Run:  sudo apt-get install ${missing[*]}"
    elif ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }; then
        note "apt-get failed, going on without. Later:  sudo apt-get install ${missing[*]}"
    fi
}

suitable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if suitable "$candidate"; then command -v "$candidate"; return; fi
    done
    fail "no Python 3.11 to 3.13 found (${PYTHON:-python3} does not suit). Install python3, or set PYTHON=/path/to/python."
}

# Whether .venv runs the program from this folder; somebody may have installed a copy over it.
ours() { [ "$(cd / && "$OLDPWD/.venv/bin/python" -c 'import assistant; print(assistant.__path__[0])' 2>/dev/null)" = "$PWD/assistant" ]; }

# The virtual environment, with exactly the versions of constraints.txt. $1: extras, such as "dev".
environment() {
    local python stamp
    if [ -x .venv/bin/python ] && ! suitable .venv/bin/python; then
        note ".venv holds no working Python 3.11 to 3.13; making it anew."
        rm -rf .venv
    fi
    if [ ! -x .venv/bin/pip ]; then
        python=$(find_python)
        step "Virtual environment in .venv ($("$python" --version))"
        if ! "$python" -m venv .venv; then
            rm -rf .venv
            debian_packages python3-venv
            "$python" -m venv .venv || fail "no virtual environment can be made. Run: sudo apt-get install python3-venv"
        fi
    fi
    stamp="$(cat pyproject.toml constraints.txt | sha256sum) $PWD"
    if [ "$(cat ".venv/installed-${1:-core}" 2>/dev/null)" != "$stamp" ] || ! ours; then
        step "Python packages (about 600 MB with all they need)"
        local quiet=--quiet
        [ -t 1 ] && quiet=--progress-bar=on
        .venv/bin/python -m pip install $quiet --disable-pip-version-check --constraint constraints.txt \
            --editable ".${1:+[$1]}" \
            || fail "pip could not install the packages (its reason stands above). Is PyPI, or the mirror in pip's settings, reachable?"
        printf '%s' "$stamp" >".venv/installed-${1:-core}"
    fi
}

# What cannot come with the project because of its licence or size, from PyPI or the hub; never a reason to stop.
needed_models() {
    step "Models"
    .venv/bin/assistant models pull openwakeword-features "$@" || note "Not all models could be had; the lines above say what to do."
}

case "${1:-}" in
    demo)
        debian_packages "${RUN_PACKAGES[@]}"
        environment ""
        needed_models hey_jarvis
        step "A conversation"
        .venv/bin/assistant demo "${@:2}"
        step "Done. What next?"
        note "Talk to it:              .venv/bin/assistant run        (say \"hey jarvis\", then a question)"
        note "What works, what not:    .venv/bin/assistant check"
        note "Better voice and ears:   ./install.sh models"
        note "Its answers:             shop/faq.yaml and shop/products.csv; settings: config.yaml"
        ;;
    test)
        debian_packages "${RUN_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
        environment "dev,google,microwakeword"
        needed_models hey_jarvis alexa hey_mycroft
        step "Checks: ruff, mypy"
        .venv/bin/ruff check .
        .venv/bin/ruff format --check --quiet . || fail "the code is not formatted. Run: .venv/bin/ruff format ."
        .venv/bin/mypy
        step "Tests"
        .venv/bin/python -m pytest "${@:2}"
        ;;
    models)
        debian_packages "${RUN_PACKAGES[@]}"
        environment ""
        step "Models"
        .venv/bin/assistant models pull --default
        step "What next?"
        note "See them:      .venv/bin/assistant models list"
        note "Try them:      .venv/bin/assistant say \"Hello, how can I help you?\""
        note "In a shop:     docs/licences.md says which may be used, .venv/bin/assistant check shows it"
        ;;
    doctor)
        step "This machine"
        note "$(uname -srm), $(nproc) cores, $(free -h 2>/dev/null | awk '/^Mem/ {print $2}') memory, $(df -h . | awk 'NR==2 {print $4}') free here"
        note "Python: $(find_python) $("$(find_python)" --version)"
        absent=$(missing_packages "${RUN_PACKAGES[@]}" | tr '\n' ' ')
        note "Debian packages: ${absent:+missing: $absent— run: sudo apt-get install $absent}${absent:-all there}"
        if [ -x .venv/bin/assistant ]; then
            step "The assistant"
            .venv/bin/assistant check
        else
            fail "the assistant is not set up yet. Run: ./install.sh demo"
        fi
        ;;
    -h | --help | help) usage ;;
    *) usage >&2; exit 2 ;;
esac
