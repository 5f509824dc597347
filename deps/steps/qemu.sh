# SPDX-License-Identifier: MIT
# QEMU and the host side's tools.

want_run() {
    [[ -x /usr/bin/python3 ]] && /usr/bin/python3 -c 'import elftools' 2>/dev/null || want python3 python3-pyelftools
    want_archive
}

setup_run() {
    local python=/usr/bin/python3 llvm
    llvm=$(value "build/deps/$arch-llvm.mk" LLVM)
    note PYTHON "$python"
    need "$python" "$("$python" -c 'import elftools; print(elftools.__file__)')"
    note LIT "$(lit "$llvm")"
    note FILECHECK "$llvm/bin/FileCheck"
    note SYMBOLIZER "$llvm/bin/llvm-symbolizer"

    find_qemu
}

# LLVM 19 has lit in a folder of its own only.
lit() { if [[ -f $1/bin/lit ]]; then echo "$1/bin/lit"; else echo "$1/build/utils/lit/lit.py"; fi; }

qemu_version() { "$1" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'; }

# The one the user names, else the one on PATH when new enough, else the newest in the cache, else Debian's.
find_qemu() {
    local program minimum qemu='' version='' found
    program=$(value "$target" QEMU_PROGRAM)
    minimum=$(pin minimum qemu 3)
    if [[ -n ${QEMU-} ]]; then
        qemu=$(command -v "$QEMU") || fail "QEMU=$QEMU is not a program: set it to a $program, or unset it"
        version=$(qemu_version "$qemu")
        [[ -n $version ]] || fail "QEMU=$QEMU does not answer --version: set it to a $program, or unset it"
        at_least "$version" "$minimum" || say "QEMU=$QEMU is version $version, older than $minimum: some machines cannot run"
    else
        for found in "$(command -v "$program" || :)" \
            $(printf '%s\n' "$cache/$program"-*/"$program" | sort -Vr); do
            [[ -x $found ]] || continue
            version=$(qemu_version "$found")
            if [[ -n $version ]] && at_least "$version" "$minimum"; then
                qemu=$found
                break
            fi
        done
        if [[ -z $qemu ]]; then
            unpack_qemu "$program"
            version=$(qemu_version "$qemu")
        fi
    fi
    say "QEMU $version: $qemu"
    note QEMU "$qemu"
    note QEMU_VERSION "$version"
    need "$qemu"
}

# Unpacks Debian's package and the libraries it depends on into the cache, with a launcher beside them:
# it runs with its own loader and libraries, and cannot pick up modules of another QEMU.
unpack_qemu() {
    local program=$1 package version size place new lib loader deb
    package=$(value "$target" QEMU_PACKAGE)
    open_archive "$program $minimum" "put $program $minimum or newer on PATH or set QEMU"
    version=$(apt-cache "${archive_options[@]}" policy "$package" |
        sed -n 's/^ *Candidate: \(.*:\)\{0,1\}\([0-9.]*\).*/\2/p')
    at_least "${version:-0}" "$minimum" ||
        fail "Debian $release-backports has $program '$version', $minimum is needed: put a newer one on PATH or set QEMU"
    rm -f "$cache"/apt/archives/*.deb
    size=$(apt-get "${archive_options[@]}" install --assume-no --no-install-recommends "$package" </dev/null 2>/dev/null |
        sed -n 's/^Need to get \(.*\) of archives.*/\1/p' || :)
    say "downloading $program $version and its libraries (${size:-about 40 MB}) from Debian $release-backports"
    run_logged "downloading $program" \
        apt-get "${archive_options[@]}" install -y --download-only --no-install-recommends "$package"

    place=$cache/$program-$version
    new=$place.new
    rm -rf "$place" "$new"
    mkdir -p "$new"
    for deb in "$cache"/apt/archives/*.deb; do
        run_logged "unpacking $program" dpkg-deb --extract "$deb" "$new"
    done
    rm -f "$cache"/apt/archives/*.deb
    rm -rf "${new:?}"/{etc,var} "$new"/usr/{sbin,include,libexec} \
        "$new"/usr/share/{doc,man,locale,perl5,lintian,icons}

    loader=$(cd "$new" && printf '%s\n' usr/lib/*/ld-linux*.so.*)
    [[ -x $new/$loader && -x $new/usr/bin/$program ]] || fail "unpacking $program: the packages do not hold what they should"
    lib=$place/${loader%/*}
    cat >"$new/$program" <<-END
		#!/bin/sh
		# Written by deps/setup.
		export QEMU_MODULE_DIR='$lib/qemu'
		exec '$place/$loader' --inhibit-cache --library-path '$lib' --argv0 $program \\
		    '$place/usr/bin/$program' -L '$place/usr/share/qemu' -L '$place/usr/share/seabios' "\$@"
	END
    chmod +x "$new/$program"
    mv "$new" "$place"
    qemu=$place/$program
    "$qemu" --version >"$cache/log/qemu.log" 2>&1 || explain "running $program" "$cache/log/qemu.log"
}
