# shellcheck shell=bash
# The assistant as a service: install.sh reads this file. Each version lies in a folder of its own, `releases/TIME`; the
# link `current` says which one runs, so that a change of version is the change of one link, there and back.

NAME=shop-assistant
READY_S=${READY_S:-180}  # seconds within which a new version must listen
WAITS_S=${WAITS_S:-20}  # seconds of waiting for a microphone after which it is taken for missing
LISTENS="It listens."

# Where all lies. $1: "--user" for the service of this user, else that of the machine.
service_places() {
    if [ "${1:-}" = --user ]; then
        [ "$(id -u)" != 0 ] || fail "--user is for the user who runs the sound server, not for root."
        local config=${XDG_CONFIG_HOME:-$HOME/.config}
        OF=user PROGRAM=$HOME/.local/lib/$NAME SETTINGS=$config/$NAME STATE=$HOME/.local/share/$NAME
        UNITS=$config/systemd/user COMMAND=$HOME/.local/bin/assistant SHARE=$HOME/.local/share
        export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    else
        [ "$(id -u)" = 0 ] || fail "a service of the machine is root's. Run: sudo ./install.sh $command_line"
        OF=system PROGRAM=/opt/$NAME SETTINGS=/etc/$NAME STATE=/var/lib/$NAME
        UNITS=/etc/systemd/system COMMAND=/usr/local/bin/assistant SHARE=/usr/local/share
    fi
    CURRENT=$PROGRAM/current
}

control() { systemctl "--$OF" "$@"; }

# As the user of the service, without this shell's secrets.
as_service() {
    local settings=(ASSISTANT_CONFIG="$SETTINGS/config.yaml" CREDENTIALS_DIRECTORY="$SETTINGS/credentials")
    if [ $OF = system ]; then
        (cd / && env "${settings[@]}" runuser -u $NAME -- "$@")
    else
        env "${settings[@]}" "$@"
    fi
}

service() {
    local release before=''
    command_line="service${1:+ $1}"
    service_places "${1:-}"
    control list-units >/dev/null 2>&1 || fail "systemd does not answer${1:+ for this user (log in as that user, not with su or sudo)}: $(control list-units 2>&1 >/dev/null | tail -n 1)"
    debian_packages "${RUN_PACKAGES[@]}"
    [ $OF = user ] || service_user
    before=$(readlink "$CURRENT" || true)
    release=releases/$(date -u +%Y%m%dT%H%M%S)
    new_release "$PROGRAM/$release"
    cloning_engines
    service_settings "$PROGRAM/$release/share/$NAME"
    if [ ! -e "$STATE/models/openwakeword-features" ]; then
        step "Models"
        as_service "$PROGRAM/$release/bin/assistant" models pull openwakeword-features smart-turn-v3.2 hey_jarvis \
            || note "Not all models could be had; the lines above say what to do."
    fi
    step "Do the settings suit the new version?"
    if ! as_service "$PROGRAM/$release/bin/assistant" config >/dev/null; then
        rm -rf "${PROGRAM:?}/$release"
        fail "they do not (why stands above). Correct $SETTINGS/config.yaml and run this again.${before:+ The version before goes on.}"
    fi
    if [ -z "$before" ]; then
        first_start "$release"
    else
        upgrade "$before" "$release"
    fi
    remove_old_releases "$release" "$before"
    service_next
}

service_user() {
    if ! id $NAME >/dev/null 2>&1; then
        step "User $NAME"
        useradd --system --user-group --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin \
            --comment "Voice assistant of the shop" $NAME
    fi
    # The unit grants it to the service; `sudo assistant devices`, `say` and `check` need it as well.
    ! getent group audio >/dev/null || usermod --append --groups audio $NAME
}

# The program in folder $1, from a package made of this folder; nothing of it refers to this folder afterwards.
new_release() {
    local work extras='' interpreter with_tray=.venv
    mkdir -p "$PROGRAM/releases"
    make_environment "$1"
    interpreter=$(readlink -f "$1/bin/python")
    if [ $OF = system ] && ! (cd / && runuser -u $NAME -- test -x "$interpreter") || [[ $OF/$interpreter == system/@(home|root)/* ]]; then
        rm -rf "$1"
        fail "the service may not use $interpreter, which belongs to one user. Set PYTHON to one of the system's, such as /usr/bin/python3."
    fi
    # What this folder's own environment has beyond the core comes along; the machine's tray, from the version before.
    ! .venv/bin/python -c 'import pymicro_wakeword' 2>/dev/null || extras=microwakeword
    ! .venv/bin/python -c 'import google.cloud.texttospeech' 2>/dev/null || extras=${extras:+$extras,}google
    [ $OF = user ] || with_tray=$CURRENT
    ! "$with_tray/bin/python" -c 'import gi' 2>/dev/null || extras=${extras:+$extras,}tray
    step "Program in $1"
    work=$(mktemp -d)
    cp -r --parents assistant pipeline providers systemd shop docs/assistant.1 docs/service.md models/en_US-kiosk-low \
        models/whisper-kiosk-en pyproject.toml README.md LICENSE config.yaml "$work"
    if ! pip_install "$1" --constraint constraints.txt "$work${extras:+[$extras]}"; then
        rm -rf "$1" "$work"
        fail "$PIP_FAILED"
    fi
    rm -rf "$work"
    # What the engines that clone voices are given to see: our modules without those of this environment.
    mkdir "$1/worker"
    ln -s "$1"/lib/python*/site-packages/{pipeline,providers} "$1/worker"
    ln -s "$PROGRAM/cloning" "$1/worker/.venv-cloning"
    chmod -R a+rX "$1"
}

# The engines that clone voices, as this folder has them.
cloning_engines() {
    local mine=.venv-cloning its=$PROGRAM/cloning
    compgen -G "$mine/installed-*" >/dev/null || return 0
    [ "$(cat $mine/installed-*)" != "$(cat "$its"/installed-* 2>/dev/null)" ] || return 0
    step "Engines that clone voices (a copy of some GB)"
    rm -rf "$its.new"
    if ! cp -a --reflink=auto $mine "$its.new"; then
        rm -rf "$its.new"
        fail "they cannot be copied (why stands above)."
    fi
    [ $OF = user ] || chown -R root: "$its.new"
    chmod -R a+rX "$its.new"
    rm -rf "$its"
    mv "$its.new" "$its"
}

# Settings, the shop's answers, models and data: from this folder where nothing is there yet. $1: the release's defaults.
service_settings() {
    local name
    [ $OF = user ] || install -d -m 750 -g $NAME "$SETTINGS" "$SETTINGS/credentials"
    mkdir -p "$SETTINGS/credentials" "$STATE/models"
    [ $OF = system ] || chmod 700 "$SETTINGS" "$SETTINGS/credentials" "$STATE"
    [ -e "$SETTINGS/config.yaml" ] || cp config.yaml "$SETTINGS"
    [ -e "$SETTINGS/shop" ] || cp -r shop "$SETTINGS"
    # Paths in config.yaml are relative to it, so it needs no change here.
    for name in data models; do
        [ -e "$SETTINGS/$name" ] || ln -sT "$STATE/$name" "$SETTINGS/$name"
    done
    if [ ! -e "$STATE/data" ]; then
        mkdir -m 700 "$STATE/data"
        [ ! -d data ] || cp -rT data "$STATE/data"
    fi
    for name in models/*/ "$1"/models/*/; do
        [ "$name" = models/training/ ] || [ -e "$STATE/models/$(basename "$name")" ] || cp -rL "$name" "$STATE/models/"
    done
    [ $OF = user ] || { chown -R $NAME: "$STATE"; chmod 700 "$STATE"; }
}

# `current` is release $1, with its units and what stands beside them.
switch_to() {
    local share=$PROGRAM/$1/share
    ln -sfnT "$1" "$CURRENT.new" && mv -fT "$CURRENT.new" "$CURRENT" || return
    mkdir -p "$UNITS" "$(dirname "$COMMAND")" && cp "$share/$NAME/systemd/$OF/$NAME.service" "$UNITS" || return
    if [ $OF = user ]; then
        cp "$share/$NAME/systemd/user/$NAME-tray.service" "$UNITS" && ln -sfT "$CURRENT/bin/assistant" "$COMMAND"
    else
        install -m 755 "$share/$NAME/systemd/assistant" "$COMMAND"
    fi || return
    beside || note "Manual page and completion could not be put in their place."
    control daemon-reload
}

# Manual page and completion; a shell without them works too.
beside() {
    local program=$CURRENT/bin/assistant
    mkdir -p "$SHARE"/man/man1 "$SHARE"/bash-completion/completions "$SHARE"/zsh/site-functions "$SHARE"/fish/vendor_completions.d \
        && ln -sfT "$CURRENT/share/man/man1/assistant.1" "$SHARE/man/man1/assistant.1" \
        && "$program" completion bash >"$SHARE/bash-completion/completions/assistant" \
        && "$program" completion zsh >"$SHARE/zsh/site-functions/_assistant" \
        && "$program" completion fish >"$SHARE/fish/vendor_completions.d/assistant.fish"
}

first_start() {
    step "Service $NAME"
    switch_to "$1"
    if [ $OF = user ]; then
        loginctl enable-linger || note "It starts with your login only. Permit it without: sudo loginctl enable-linger $(id -un)"
    fi
    control enable $NAME
    [ $OF = system ] || control enable $NAME-tray || true
    if ! { start_anew && becomes_ready or_waits; }; then
        control status --no-pager --lines=20 $NAME >&2 || true
        fail "the service does not work yet; it is installed and tries again (why stands above; all of it: journalctl -u $NAME)."
    fi
}

# The icon for user $1 of a desktop on this machine: a token of its own, and an entry that starts it with each session.
tray_of() {
    local user=$1 home word
    command_line="tray $user"
    service_places
    [ -x "$CURRENT/bin/assistant" ] || fail "the service of the machine is not installed. Run: sudo ./install.sh service"
    home=$(getent passwd "$user" | cut -d: -f6) || true
    [ -d "$home" ] && [ "$(id -u "$user")" != 0 ] || fail "$user is no user of this machine with a home folder, or is root."
    tray_environment "$CURRENT" "$NAME[tray]" || fail "$NO_TRAY"
    step "Icon for $user"
    word=$(as_service "$CURRENT/bin/assistant" tray --autostart) || fail "it cannot know where the assistant is (why stands above)."
    put "$user" "$home/$TRAY_ENTRY" <<<"$word"
    word=$(as_service "$CURRENT/bin/python" -c "$OWN_CERTIFICATE")
    put "$user" "$home/.config/$NAME/certificate.pem" <<<"$word"
    word=$(as_service "$CURRENT/bin/assistant" token add --replace --role admin --name "tray of $user" 2>/dev/null) \
        || fail "no token can be made. See: sudo assistant check"
    put "$user" "$home/.config/$NAME/token" <<<"$word"
    step "What next?"
    note "It comes with each session of $user that begins from now on. In one that goes on already, $user runs:"
    note "$(sed -n 's/^Exec=//p' "$home/$TRAY_ENTRY")"
}

TRAY_ENTRY=.config/autostart/$NAME-tray.desktop

# What the tray trusts besides the machine's certificates; nothing where http is not encrypted.
OWN_CERTIFICATE='
import re
from assistant.settings import load
settings, folder = load()
file = settings.http.tls_certificate
held = "" if file is None else (folder / file).read_text()
print("\n".join(re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", held, re.DOTALL)))'

# Standard input becomes user $1's file $2, readable for that user alone and written as that user, so that no link in the
# home folder leads elsewhere. Without any input there is no file.
put() {
    (cd / && runuser -u "$1" -- sh -c 'umask 077 && mkdir -p "${1%/*}" && rm -f "$1" && { cat >"$1"; [ -n "$(cat "$1")" ] || rm "$1"; }' sh "$2") \
        || fail "$2 cannot be written (why stands above)."
}

# From release $1 to release $2; back again where the new one does not listen though the old one did.
upgrade() {
    local served=no waits='' kept=$STATE/before-upgrade
    control is-active --quiet $NAME && served=yes
    step "From $(version_of "$1") to $(version_of "$2")"
    control stop $NAME
    # Whatever the new version makes of the database, the old one finds its own again.
    rm -rf "$kept"
    if ! { mkdir -m 700 "$kept" && find "$STATE/data" -maxdepth 1 -name 'assistant.db*' -exec cp -p -t "$kept" {} +; }; then
        start_anew
        rm -rf "$kept" "${PROGRAM:?}/$2"
        fail "the database cannot be copied (why stands above), so nothing is changed."
    fi
    [ $served = yes ] || waits=or_waits
    if switch_to "$2" && control enable --quiet $NAME && start_anew && becomes_ready $waits; then
        rm -rf "$kept"
        return
    fi
    control status --no-pager --lines=20 $NAME >&2 || true
    if [ $served = no ]; then
        fail "the new version does not listen, as the one before did not; it stays (why stands above). The database as it was: $kept"
    fi
    step "Back to $(version_of "$1")"
    control stop $NAME
    find "$STATE/data" -maxdepth 1 -name 'assistant.db*' -delete
    find "$kept" -name 'assistant.db*' -exec cp -p {} "$STATE/data" \;
    switch_to "$1"
    { start_anew && becomes_ready; } || fail "neither the new version nor the one before listens (why stands above). The database as it was: $kept"
    rm -rf "$kept" "${PROGRAM:?}/$2"
    fail "the new version did not become ready (why stands above). The one before serves customers again, with its data."
}

version_of() { "$PROGRAM/$1/bin/assistant" --version; }

# Without waiting; what failed before is forgotten, so that it is not taken for what comes now.
start_anew() {
    control reset-failed --quiet $NAME 2>/dev/null || true
    control restart --no-block $NAME
}

# Whether it listens within READY_S. With `or_waits` it may also wait for a microphone, as on a kiosk that has none yet.
becomes_ready() {
    local until=$((SECONDS + READY_S)) state='' said='' told='' since=$SECONDS
    while [ $SECONDS -lt $until ]; do
        state=$(control show --value --property ActiveState $NAME)
        said=$(control show --value --property StatusText $NAME)
        [ "$said" = "$told" ] || { note "$said"; told=$said; }
        [[ $said == "Waiting for "* ]] || since=$SECONDS
        [ "$state" != active ] || return 0
        [ "$state" != failed ] || return 1
        # It ended by itself: systemd has started it again, and will so each time.
        [ "$(control show --value --property NRestarts $NAME)" -lt 2 ] || return 1
        if [ "${1:-}" = or_waits ] && [ $((SECONDS - since)) -ge $WAITS_S ]; then
            LISTENS="It waits for its microphone, for as long as it takes, and listens as soon as there is one."
            return 0
        fi
        sleep 0.5
    done
    return 1
}

# All but release $1 and, to go back by hand, $2.
remove_old_releases() {
    local folder
    for folder in "$PROGRAM"/releases/*/; do
        folder=releases/$(basename "$folder")
        [ "$folder" = "$1" ] || [ "$folder" = "$2" ] || rm -rf "${PROGRAM:?}/$folder"
    done
}

service_next() {
    local sudo='sudo ' of=''
    [ $OF = system ] || sudo='' of=' --user'
    step "$LISTENS What next?"
    note "How it is:            systemctl$of status $NAME;  ${sudo}assistant check"
    note "What it says:         ${sudo}journalctl$of -u $NAME"
    note "Its settings:         $SETTINGS/config.yaml, then: ${sudo}systemctl$of reload $NAME"
    note "Its panel:            http://127.0.0.1:8420, token: ${sudo}assistant token"
    note "Another version:      ${sudo}./install.sh $command_line, in the folder of that version"
}

# $@: --user, --purge
uninstall() {
    local user='' purge='' option
    for option in "$@"; do
        case $option in
            --user) user=--user ;;
            --purge) purge=yes ;;
            *) usage >&2; exit 2 ;;
        esac
    done
    command_line="uninstall${*:+ $*}"
    service_places $user
    step "Removing the service $NAME"
    control disable --now --quiet $NAME 2>/dev/null || true
    [ $OF = system ] || control disable --now --quiet $NAME-tray 2>/dev/null || true
    rm -f "$UNITS/$NAME.service" "$COMMAND" "$SHARE/man/man1/assistant.1" "$SHARE/bash-completion/completions/assistant" \
        "$SHARE/zsh/site-functions/_assistant" "$SHARE/fish/vendor_completions.d/assistant.fish"
    [ $OF = system ] || rm -f "$UNITS/$NAME-tray.service"
    rm -rf "$PROGRAM"
    control daemon-reload 2>/dev/null || true
    control reset-failed --quiet $NAME 2>/dev/null || true
    if [ -z "$purge" ]; then
        note "Kept: settings in $SETTINGS, personalities, statistics and models in $STATE."
        note "Remove them too:  ./install.sh $command_line --purge"
        return
    fi
    [ $OF = user ] || remove_trays
    rm -rf "$SETTINGS" "$STATE" "$UNITS/$NAME.service.d"
    if [ $OF = system ] && id $NAME >/dev/null 2>&1; then userdel $NAME; fi
    note "Nothing of it is left but its lines in the journal."
}

# What `tray_of` gave to users; the entries alone do nothing once the program has gone.
remove_trays() {
    local user home
    while IFS=: read -r user _ _ _ _ home _; do
        [ -e "$home/$TRAY_ENTRY" ] || continue
        (cd / && runuser -u "$user" -- sh -c 'rm -f "$1" "$2/token" "$2/certificate.pem"; rmdir --ignore-fail-on-non-empty "$2"' \
            sh "$home/$TRAY_ENTRY" "$home/.config/$NAME") || note "What $user had of the tray cannot be removed (why stands above)."
    done < <(getent passwd)
}
