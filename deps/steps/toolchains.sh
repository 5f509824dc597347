# SPDX-License-Identifier: MIT
# Compilers, and what is needed to check the project's own code.

# The folder of the newest LLVM that has everything an image needs; empty when there is none.
find_llvm() {
    local minimum folder
    minimum=$(pin minimum llvm 3)
    for folder in ${ASSAY_LLVM:-$(printf '%s\n' /usr/lib/llvm-* | sort -Vr) "$(path_llvm)"}; do
        [[ -x $folder/bin/clang++ && -x $folder/bin/ld.lld && -x $folder/bin/llvm-objcopy &&
            -x $folder/bin/FileCheck && -f $folder/include/c++/v1/expected ]] || continue
        at_least "$(llvm_version "$folder")" "$minimum" && echo "$folder" && return
    done
    return 0
}

path_llvm() {
    local clang
    clang=$(command -v clang++) && clang=$(readlink -f "$clang") && echo "${clang%/bin/*}"
}

llvm_version() { "$1/bin/clang" --version | sed -n 's/.*clang version \([0-9.]*\).*/\1/p'; }

# Sets `number` to Debian's newest release of LLVM by its package lists; without lists, the oldest that
# will do.
newest_llvm_package() {
    package_lists
    number=$(llvm_packages | sed -n 1p)
    number=${number:-$(pin minimum llvm 3)}
}

llvm_packages() {
    apt-cache pkgnames lld- 2>/dev/null | sed -n 's/^lld-\([0-9]\{1,\}\)$/\1/p' | sort -nr | while read -r number; do
        [[ $(apt-cache policy "clang-$number" "lld-$number" "llvm-$number-tools" "libc++-$number-dev" |
            grep -c '^  Candidate: [^(]') == 4 ]] && echo "$number"
    done
    return 0
}

want_llvm() {
    local number
    [[ -z ${ASSAY_LLVM-} || -n $(find_llvm) ]] ||
        fail "ASSAY_LLVM=$ASSAY_LLVM lacks something of LLVM $(pin minimum llvm 3) (bin/{clang++,ld.lld,llvm-objcopy,FileCheck}, include/c++/v1): set it to another folder, or unset it"
    if [[ -z $(find_llvm) ]]; then
        newest_llvm_package
        want "clang-$number" "lld-$number" "llvm-$number" "llvm-$number-tools" "libc++-$number-dev" "libc++abi-$number-dev"
    fi
    want_c_libraries
}

setup_llvm() {
    local llvm prefix
    llvm=$(find_llvm)
    [[ -n $llvm ]] || fail "no LLVM $(pin minimum llvm 3) or newer is installed: put one somewhere and set ASSAY_LLVM"
    prefix=$llvm/bin
    say "LLVM $(llvm_version "$llvm"): $llvm"
    note LLVM "$llvm"
    note CC "$prefix/clang --target=$(value "$target" TARGET)"
    note CXX "$prefix/clang++ --target=$(value "$target" TARGET)"
    note LD "$prefix/ld.lld"
    note OBJCOPY "$prefix/llvm-objcopy"
    note READELF "$prefix/llvm-readelf"
    note LIBCXX "$llvm/include/c++/v1"
    need "$prefix"/{clang++,ld.lld,llvm-objcopy,llvm-readelf,FileCheck} "$llvm/include/c++/v1/expected"
    c_libraries "clang-$(llvm_version "$llvm")" "$prefix/clang', '--target=$(value "$target" TARGET)', '-fuse-ld=lld" "$prefix/llvm-" "$(value "$target" LIBC_FLAGS)"
}

want_gnu() {
    local prefix
    prefix=$(value "$target" GNU_PREFIX)
    [[ -n $prefix ]] || fail "there is no GNU toolchain for $arch: use TOOLCHAIN=llvm"
    command -v "${prefix}g++" >/dev/null || want "$(value "$target" GNU_PACKAGE)"
    want_c_libraries
}

setup_gnu() {
    local prefix gcc version
    prefix=$(value "$target" GNU_PREFIX)
    gcc=$(command -v "${prefix}gcc")
    version=$("$gcc" -dumpfullversion)
    at_least "$version" "$(pin minimum gnu 3)" ||
        fail "$gcc is version $version, at least $(pin minimum gnu 3) is needed: put a newer ${prefix}g++ on PATH"
    prefix=${gcc%gcc}
    say "GCC $version: $gcc"
    note CC "$gcc"
    note CXX "${prefix}g++"
    note LD "${prefix}ld"
    note OBJCOPY "${prefix}objcopy"
    note READELF "${prefix}readelf"
    note LIBGCC "$("$gcc" -print-libgcc-file-name)"
    need "$prefix"{g++,ld,objcopy,readelf}
    c_libraries "gcc-$version" "$gcc" "$prefix" "$(value "$target" GNU_LIBC_FLAGS)"
}

# What `make check` needs on top of an image.
want_check() {
    local llvm number=''
    llvm=$(find_llvm)
    if [[ -n $llvm ]]; then
        number=$(llvm_version "$llvm")
        number=${number%%.*}
    else
        newest_llvm_package
    fi
    [[ -x $llvm/bin/clang-tidy && -x $llvm/bin/clang-format && -n $(fuzzer_runtime "$llvm") ]] ||
        want "clang-tidy-$number" "clang-format-$number" "libclang-rt-$number-dev"
    [[ -f /usr/include/gmock/gmock.h ]] || want libgtest-dev libgmock-dev
    command -v dtc >/dev/null || want device-tree-compiler
    command -v pgrep >/dev/null || want procps
}

setup_check() {
    local llvm
    llvm=$(value "build/deps/$arch-llvm.mk" LLVM)
    say "clang-tidy, clang-format, sanitizers: $llvm"
    note HOST_CXX "$llvm/bin/clang++"
    note HOST_CC "$llvm/bin/clang"
    note CLANG_TIDY "$llvm/bin/clang-tidy"
    note CLANG_FORMAT "$llvm/bin/clang-format"
    note DTC "$(command -v dtc)"
    need "$llvm/bin/"clang-{tidy,format} "$(fuzzer_runtime "$llvm")" /usr/include/gmock/gmock.h "$(command -v dtc)"
}

fuzzer_runtime() { find "$1"/lib/clang/*/lib/ -name 'libclang_rt.fuzzer*.a' -print -quit 2>/dev/null; }
