# SPDX-License-Identifier: MIT
# arm64: what others call it, and the flags every object for it is compiled with.
# Plain `NAME = value` lines: the Makefile includes this file, deps/setup reads it.

TARGET        = aarch64-none-elf
TARGET_FLAGS  = -march=armv8-a -mgeneral-regs-only -mstrict-align

# The C library declares functions of double, which -mgeneral-regs-only refuses to compile.
LIBC_FLAGS    = -march=armv8-a+nofp -mabi=aapcs-soft -mstrict-align
LIBC_CPU      = aarch64

# The GNU cross compiler: prefix of its programs, its Debian package, the flags it needs on top.
GNU_PREFIX    = aarch64-linux-gnu-
GNU_PACKAGE   = g++-aarch64-linux-gnu
GNU_FLAGS     = -mno-outline-atomics
GNU_LIBC_FLAGS = -march=armv8-a -mstrict-align -mno-outline-atomics

# The only kind of dynamic relocation that the start code applies.
RELATIVE      = R_AARCH64_RELATIVE

# QEMU: program, and the Debian package that has it.
QEMU_PROGRAM  = qemu-system-aarch64
QEMU_PACKAGE  = qemu-system-arm
