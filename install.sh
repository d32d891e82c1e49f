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
  xtts     set up the engine XTTS v2, which speaks with the voice of a sample: 6 GB, best with an NVIDIA card. No shop
           may use its model (docs/licences.md)
  pocket   set up the engine Pocket TTS, which does the same on a plain processor and may be used by shops: 5 GB,
           1.5 GB where TORCH_INDEX names a package index with PyTorch's builds for processors
  tray     set up the icon for a desktop's panel, which shows and steers the assistant; where that is the service of
           the machine: sudo ./install.sh tray USER, who then has it with each session (docs/tray.md)
  service  install it as a service that systemd starts and watches: sudo ./install.sh service for the machine, with a
           user of its own; ./install.sh service --user for yourself, with your PipeWire or PulseAudio. Run in the folder
           of another version it changes to that one, and back where that one does not listen (docs/service.md)
  uninstall  remove that service; --user for yours. Settings and data stay, unless --purge says otherwise
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
# libatomic1: of the program that drives the browser in tests
TEST_PACKAGES=(pulseaudio pulseaudio-utils libasound2-plugins openssl chromium libatomic1 curl zsh fish man-db)
XTTS_PACKAGES=(ffmpeg)  # torchcodec loads its libraries
[ "$(uname -m)" = x86_64 ] || XTTS_PACKAGES+=(build-essential python3-dev)  # a part of coqui-tts has no wheel there

TRAY_PACKAGES=(python3-gi python3-cairo gir1.2-gtk-3.0 gir1.2-ayatanaappindicator3-0.1)
# Where the interpreter is not Debian's own: PyGObject has no wheels, pip builds it.
TRAY_BUILD_PACKAGES=(libgirepository1.0-dev libcairo2-dev python3-dev gcc pkg-config)
TRAY_TEST_PACKAGES=(xvfb openbox trayer xdotool dbus x11-utils imagemagick desktop-file-utils weston)

XTTS_PYTHON=(coqui-tts pypinyin six torch torchaudio torchcodec wyoming)
POCKET_PYTHON=(pocket-tts wyoming)

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

# A virtual environment in folder $1 with a Python that suits.
make_environment() {
    local python
    if [ -x "$1/bin/python" ] && ! suitable "$1/bin/python"; then
        note "$1 holds no working Python 3.11 to 3.13; making it anew."
        rm -rf "$1"
    fi
    if [ ! -x "$1/bin/pip" ]; then
        [ -n "${PYTHON:-}" ] || (find_python) >/dev/null 2>&1 || debian_packages python3 python3-venv
        python=$(find_python)
        step "Virtual environment in $1 ($("$python" --version))"
        if ! "$python" -m venv "$1"; then
            rm -rf "$1"
            debian_packages python3-venv
            "$python" -m venv "$1" || fail "no virtual environment can be made. Run: sudo apt-get install python3-venv"
        fi
    fi
}

# pip of the environment $1 installs the rest; its progress is for people only.
pip_install() {
    local quiet=--quiet
    [ -t 1 ] && quiet=--progress-bar=on
    "$1/bin/python" -m pip install $quiet --use-pep517 --disable-pip-version-check "${@:2}"
}

PIP_FAILED="pip could not install the packages (its reason stands above). Is PyPI, or the mirror in pip's settings, reachable?"

# The program's own environment, with exactly the versions of constraints.txt. $1: extras, such as "dev".
environment() {
    local stamp
    make_environment .venv
    stamp="$(cat pyproject.toml constraints.txt | sha256sum) $PWD"
    if [ "$(cat ".venv/installed-${1:-core}" 2>/dev/null)" != "$stamp" ] || ! ours; then
        step "Python packages (about 600 MB with all they need)"
        pip_install .venv --constraint constraints.txt --editable ".${1:+[$1]}" || fail "$PIP_FAILED"
        printf '%s' "$stamp" >".venv/installed-${1:-core}"
    fi
}

# What the tray needs besides, into the program's environment $1, where pip knows the program as the rest says; all else
# does without.
tray_environment() {
    debian_packages "${TRAY_PACKAGES[@]}"
    "$1/bin/python" -c 'import sys; from assistant.tray.bindings import usable; sys.exit(not usable())' && return
    debian_packages "${TRAY_BUILD_PACKAGES[@]}"
    step "Python packages of the tray"
    pip_install "$1" --constraint constraints.txt "${@:2}"
}

NO_TRAY="PyGObject could not be built (why stands above). Run: sudo apt-get install ${TRAY_PACKAGES[*]} ${TRAY_BUILD_PACKAGES[*]}"

free_gb() { df -P -B1G . | awk 'NR==2 {print $4}'; }

# Refuses, before anything changes, where the disk has no room for an engine. $1: the engine, $2: GB that it needs.
cloning_space() {
    local needed=$(($2 + 5)) free  # what pip fetches and unpacks lies beside it for a while
    [ ! -e ".venv-cloning/installed-$1" ] || return 0
    [ -z "${TORCH_INDEX:-}" ] || needed=4
    ! compgen -G ".venv-cloning/installed-*" >/dev/null || needed=2  # torch is there
    free=$(df -P -B1G . | awk 'NR==2 {print $4}')
    step "Disk space: about $needed GB needed while the engine is installed, $free GB free here"
    [ "$free" -ge "$needed" ] || fail "the disk is too full for this engine. Make room, then run again: ./install.sh $1"
}

# The environment of the engines that clone voices, apart from the program's: torch is large, and not for every shop.
# $1: the engine, $2: what Python must be able to import then, rest: packages.
cloning_environment() {
    local engine=$1 loads=$2 stamp work=.venv-cloning/download
    make_environment .venv-cloning
    # An index that was given once counts for the engine that comes later: the parts of torch must be of one kind.
    : "${TORCH_INDEX:=$(cat .venv-cloning/torch-index 2>/dev/null)}"
    stamp="$(sha256sum <constraints-cloning.txt) $PWD $TORCH_INDEX"
    if [ "$(cat ".venv-cloning/installed-$engine" 2>/dev/null)" = "$stamp" ]; then
        note "The engine is set up."
        return
    fi
    step "Python packages of the engine (up to 2 GB to fetch; some minutes)"
    # On this disk, whose space was looked at (/tmp may be small), and kept when it breaks off, for the next time.
    mkdir -p $work/tmp
    TMPDIR=$PWD/$work/tmp PIP_CACHE_DIR=$PWD/$work/cache pip_install .venv-cloning --constraint constraints-cloning.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} "${@:3}" || fail "$PIP_FAILED"
    .venv-cloning/bin/python -c "import $loads" \
        || fail "the engine is installed but does not start (why stands above). Run: rm -r .venv-cloning; ./install.sh $engine"
    rm -rf $work
    [ -z "$TORCH_INDEX" ] || printf '%s' "$TORCH_INDEX" >.venv-cloning/torch-index
    printf '%s' "$stamp" >".venv-cloning/installed-$engine"
}

# What cannot come with the project because of its licence or size, from PyPI or the hub; never a reason to stop.
needed_models() {
    step "Models"
    .venv/bin/assistant models pull openwakeword-features smart-turn-v3.2 "$@" || note "Not all models could be had; the lines above say what to do."
}

# One dictionary of Japanese has no wheel for Python 3.13 and then wants a compiler; the other 16 languages do without.
japanese() {
    .venv-cloning/bin/python -c 'import sys, importlib.util as u; sys.exit(not u.find_spec("cutlet"))' && return
    step "Japanese"
    pip_install .venv-cloning --constraint constraints-cloning.txt 'coqui-tts[ja]' \
        || note "Not installed. If it is needed:  sudo apt-get install build-essential python3-dev; ./install.sh xtts"
}

next_voice() {
    note "Give it a voice:     .venv/bin/assistant voice upload ID FILE --consent \"who agreed, when\""
    note "                     (6 to 30 s of one person; ID as in .venv/bin/assistant personality list)"
    note "What works:          .venv/bin/assistant check"
}

# shellcheck source=systemd/service.sh
[[ "${1:-}" != @(service|uninstall|tray) ]] || . systemd/service.sh

case "${1:-}" in
    demo)
        debian_packages "${RUN_PACKAGES[@]}"
        environment ""
        needed_models hey_jarvis
        step "A conversation"
        .venv/bin/assistant demo "${@:2}"
        .venv/bin/assistant token >/dev/null
        step "Done. What next?"
        note "Talk to it:              .venv/bin/assistant run        (say \"hey jarvis\", then a question)"
        note "Its panel, while it runs: http://127.0.0.1:8420, token:  .venv/bin/assistant token"
        note "What works, what not:    .venv/bin/assistant check"
        note "Better voice and ears:   ./install.sh models"
        note "Its answers:             shop/faq.yaml and shop/products.csv; settings: config.yaml"
        ;;
    test)
        debian_packages "${RUN_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
        debian_packages "${TRAY_TEST_PACKAGES[@]}"
        environment "dev,google,microwakeword"
        tray_environment .venv --editable ".[tray]" || note "The tray's tests on a screen are skipped: PyGObject could not be built (why stands above)."
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
    xtts)
        step "Licence of XTTS v2"
        note "The program coqui-tts is free software (MPL-2.0). The model is not: the Coqui Public Model License 1.0.0"
        note "forbids commercial use, of the model and of what it says, so no shop may use it. Nothing here accepts it"
        note "for you. Read https://huggingface.co/coqui/XTTS-v2/blob/main/LICENSE.txt"
        note "A shop takes:  ./install.sh pocket"
        cloning_space xtts 6
        debian_packages "${RUN_PACKAGES[@]}" "${XTTS_PACKAGES[@]}"
        environment ""
        cloning_environment xtts "torch, torchaudio, torchcodec, wyoming, TTS.tts.models.xtts" "${XTTS_PYTHON[@]}"
        japanese
        step "What next?"
        note "Accept the licence:  deployment.coqui_terms_accepted: true  in config.yaml, if you do"
        note "Let it speak:        tts.use: [xtts_v2, piper, espeak_ng]  in config.yaml"
        note "Fetch the model:     .venv/bin/assistant models pull xtts-v2        (1.9 GB)"
        next_voice
        ;;
    pocket)
        cloning_space pocket 5
        debian_packages "${RUN_PACKAGES[@]}"
        environment ""
        cloning_environment pocket "torch, wyoming, pocket_tts" "${POCKET_PYTHON[@]}"
        step "What next?"
        note "Let it speak:        tts.use: [pocket_tts, piper, espeak_ng]  in config.yaml"
        note "Accept the terms:    at https://huggingface.co/kyutai/pocket-tts, with an account there (free)"
        note "Fetch the model:     HF_TOKEN=hf_… .venv/bin/assistant models pull pocket-tts-en"
        next_voice
        ;;
    tray)
        [ $# -le 2 ] || { usage >&2; exit 2; }
        if [ $# = 2 ]; then tray_of "$2"; exit; fi
        debian_packages "${RUN_PACKAGES[@]}"
        environment ""
        tray_environment .venv --editable ".[tray]" || fail "$NO_TRAY"
        step "This desktop"
        .venv/bin/assistant tray --check || note "The remedies stand in the table."
        step "What next?"
        note "Start it:            .venv/bin/assistant tray        (in the session of whoever sits at the screen)"
        note "With each session:   .venv/bin/assistant tray --autostart >~/.config/autostart/shop-assistant-tray.desktop"
        note "Of the service:      sudo ./install.sh tray USER, where the assistant is the service of the machine"
        ;;
    service)
        [[ $# = 1 || "${*:2}" = --user ]] || { usage >&2; exit 2; }
        service "${@:2}"
        ;;
    uninstall) uninstall "${@:2}" ;;
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
