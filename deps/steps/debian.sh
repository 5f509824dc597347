# SPDX-License-Identifier: MIT
# Debian packages: installed on this system, or taken from a newer release's archive into the cache.

# want PACKAGE...: to be installed, if they are not. install_wanted: installs them, or says how to.
wanted=()
want() {
    local package
    for package; do [[ " ${wanted[*]} " == *" $package "* ]] || wanted+=("$package"); done
}

install_wanted() {
    local package missing=()
    ((${#wanted[@]})) || return 0
    command -v apt-get >/dev/null ||
        fail "this is not Debian: install what these Debian packages hold and run deps/setup again: ${wanted[*]}"
    for package in "${wanted[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed &&
            $package != debian-archive-keyring ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    ((EUID == 0)) ||
        fail "Debian packages are missing: run 'sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}' and deps/setup again"
    say "installing Debian packages: ${missing[*]}"
    package_lists
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" >"$cache/log/apt-get-install.log" 2>&1 </dev/null ||
        explain "apt-get install" "$cache/log/apt-get-install.log" "$cache/log/apt-get-update.log"
}

# What open_archive needs: the keys of the pinned release, which an old installation does not have yet.
want_archive() {
    [[ -f $keyring || ! -f ${keyring%/*}/debian-archive-keyring.gpg ]] || want debian-archive-keyring
}

release=$(awk '$1 == "release" { print $2 }' deps/pins)
keyring=/usr/share/keyrings/debian-archive-$release-stable.gpg

# Reads this system's package lists, once. A mirror that does not answer matters only when what it has
# is missed later.
package_lists() {
    ((EUID == 0)) && [[ -z ${lists_read-} ]] || return 0
    lists_read=yes
    say "reading Debian's package lists"
    apt-get update -o DPkg::Lock::Timeout=300 >"$cache/log/apt-get-update.log" 2>&1 </dev/null || return 0
}

# The archive of the pinned release, seen through lists, caches and a package database of our own: this
# system's apt is only asked for the address of its mirror.
# open_archive WHAT ELSE: WHAT is to be taken from it; without an archive, the user can do ELSE.
open_archive() {
    [[ -z ${archive_options-} ]] || return 0
    command -v apt-get >/dev/null || fail "this is not Debian, so there is no archive to take $1 from: $2"
    need_space 300 "getting $1"
    local own=$cache/apt uri
    mkdir -p "$own"/{lists,archives}/partial "$own/sources.d"
    : >"$own/status"
    archive_options=(-o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$own/sources.d"
        -o "Dir::Etc::Preferences=/dev/null" -o "Dir::Etc::PreferencesParts=/dev/null"
        -o "Dir::State=$own" -o "Dir::State::Lists=$own/lists" -o "Dir::State::status=$own/status"
        -o "Dir::Cache=$own" -o "Dir::Cache::Archives=$own/archives"
        -o "Acquire::Languages=none" -o "Acquire::Retries=2" -o "APT::Sandbox::User=root"
        -o "APT::Get::List-Cleanup=true" -o "APT::Update::Error-Mode=any"
        -o "APT::Default-Release=$release-backports")
    say "reading the package lists of Debian $release (20 MB)"
    # This system's own release first; a mirror of something else fails the signature check.
    for uri in $(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        awk -v own="$(. /etc/os-release && echo "${VERSION_CODENAME-}")" \
            '$1 !~ /[-\/]/ && !seen[$2]++ { print ($1 == own ? 0 : 1), $2 }' | sort -s -k1,1 | cut -d' ' -f2); do
        cat >"$own/sources.d/archive.sources" <<-END
			Types: deb deb-src
			URIs: $uri
			Suites: $release $release-backports
			Components: main
			Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
		END
        if apt-get "${archive_options[@]}" update >"$cache/log/archive.log" 2>&1 </dev/null; then
            return
        fi
    done
    [[ -n ${uri-} ]] || fail "apt has no Debian mirror configured: add one to /etc/apt/sources.list and run deps/setup again"
    explain "reading the package lists of Debian $release" "$cache/log/archive.log"
}
