# shellcheck shell=bash
# Packages of Debian 13 on a machine that has another Debian's. Source it.

# debian_next FOLDER PACKAGE...   unpacks them in FOLDER/unpacked, without what they depend on. FOLDER is there already.
# Apt's own view of this machine stays as it is. On a failure: why, in a line on stdout.
debian_next() {
    local folder=$1 apt
    shift
    mkdir -p "$folder"/{lists,archives}/partial "$folder/unpacked"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
        >"$folder/sources.list"
    apt=(-q -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists="$folder/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$folder"
        -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Languages=none
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
    if ! (cd "$folder" && apt-get "${apt[@]}" update && apt-get "${apt[@]}" download "$@" &&
        for package in ./*.deb; do dpkg-deb --extract "$package" unpacked || exit; done) >"$folder/log" 2>&1; then
        grep -m 1 '^E: ' "$folder/log" || tail -n 1 "$folder/log"
        return 1
    fi
}
