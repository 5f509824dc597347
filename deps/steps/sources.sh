# SPDX-License-Identifier: MIT
# What is built from pinned sources: libfdt (its files are compiled with the image, see the Makefile)
# and picolibc (a library per target and compiler).

# fetch NAME: sets `tarball` to the pinned tarball, from the user, the cache or Debian.
fetch() {
    local name=$1 version file given
    version=$(pin source "$name" 3)
    file=$(pin source "$name" 4)
    given=ASSAY_${name^^}_TARBALL
    if [[ -n ${!given-} ]]; then
        tarball=${!given}
        [[ -r $tarball ]] || fail "$given=$tarball cannot be read: set it to $file, or unset it"
        verify "$name" || fail "$given=$tarball is not the pinned $file (sha256 differs): set it to that file, or unset it"
        return
    fi
    tarball=$cache/downloads/$file
    if [[ ! -f $tarball ]]; then
        open_archive "$file" "set $given to that file"
        say "downloading $file"
        rm -rf "$tarball.new"
        mkdir -p "$tarball.new"
        (cd "$tarball.new" && run_logged "downloading $file" \
            apt-get "${archive_options[@]}" source --download-only --tar-only "${file%%_*}=$version")
        mv "$tarball.new/$file" "$tarball" 2>/dev/null || fail "Debian's archive no longer has ${file%%_*} $version: set $given to $file"
    fi
    verify "$name" || fail "$tarball is not the pinned file (sha256 differs): run 'rm $tarball' and deps/setup again"
}

verify() { echo "$(pin source "$1" 5)  $tarball" | sha256sum --check --status; }

# unpack NAME FOLDER: the top folder of the tarball becomes FOLDER.
unpack() {
    fetch "$1"
    rm -rf "$2"
    mkdir -p "$2"
    run_logged "unpacking $1" tar -x --strip-components=1 -C "$2" -f "$tarball"
}

want_c_libraries() {
    command -v make >/dev/null || want make
    command -v meson >/dev/null && command -v ninja >/dev/null || want meson ninja-build
    command -v xz >/dev/null || want xz-utils
    want_archive
}

# c_libraries COMPILER-ID CC BINUTILS-PREFIX FLAGS
c_libraries() {
    local libfdt picolibc
    libfdt=$cache/libfdt-$(pin source libfdt 3)
    if [[ ! -f $libfdt/libfdt.h ]]; then
        unpack libfdt "$libfdt.new"
        rm -rf "$libfdt"
        mv "$libfdt.new/libfdt" "$libfdt"
        rm -rf "$libfdt.new"
    fi
    note LIBFDT "$libfdt"
    need "$libfdt/libfdt.h"

    picolibc=$cache/picolibc-$(pin source picolibc 3)-$(value "$target" TARGET)-$1-$(
        { echo "$4" && declare -f build_picolibc; } | sha256sum | cut -c1-8)
    [[ -f $picolibc/lib/libc.a ]] || build_picolibc "$picolibc" "$2" "$3" "$4"
    note PICOLIBC "$picolibc"
    need "$picolibc/lib/libc.a"
}

# build_picolibc FOLDER CC BINUTILS-PREFIX FLAGS: small, without floating point in printf, threads, start
# files and everything that would talk to a machine. The words of CC are separated by "', '".
build_picolibc() {
    local place=$1 work=$1.new start=$SECONDS
    need_space 150 "building picolibc"
    rm -rf "$work"
    unpack picolibc "$work/source"
    say "building picolibc $(pin source picolibc 3) for $arch (about 20 s)"
    cat >"$work/cross.txt" <<-END
		[binaries]
		c = ['$2', '-nostdlib']
		ar = '${3}ar'
		nm = '${3}nm'
		strip = '${3}strip'
		[host_machine]
		system = 'none'
		cpu_family = '$(value "$target" LIBC_CPU)'
		cpu = '$(value "$target" LIBC_CPU)'
		endian = 'little'
		[properties]
		skip_sanity_check = true
	END
    run_logged "configuring picolibc" meson setup "$work/build" "$work/source" --cross-file "$work/cross.txt" \
        --prefix "$place" --includedir include --libdir lib --buildtype minsize --wrap-mode nodownload \
        -Dc_args="$4 -fPIE -ffunction-sections -fdata-sections -fno-stack-protector -fno-omit-frame-pointer" \
        -Dmultilib=false -Dtests=false -Dpicocrt=false -Dsemihost=false -Dspecsdir=none \
        -Dformat-default=integer -Dthread-local-storage=false -Dsingle-thread=true -Dnewlib-global-errno=true \
        -Dposix-console=false -Dwant-math-errno=false
    run_logged "building picolibc" ninja -C "$work/build"
    run_logged "installing picolibc" env DESTDIR="$work/root" ninja -C "$work/build" install
    rm -rf "$place"
    mv "$work/root$place" "$place"
    rm -rf "$work"
    say "picolibc is built ($((SECONDS - start)) s)"
}
