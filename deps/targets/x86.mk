# SPDX-License-Identifier: MIT
# x86: what others call it, and the flags every object for it is compiled with.
# Plain `NAME = value` lines: the Makefile includes this file, deps/setup reads it.

TARGET        = x86_64-none-elf
TARGET_FLAGS  = -march=x86-64 -mno-mmx -mno-sse -mno-red-zone -fcf-protection=none -mstack-protector-guard=global

# The C library has functions of double, which cannot be compiled without SSE. Those that the image
# takes use no vector registers.
LIBC_FLAGS    = -march=x86-64 -mno-red-zone -fcf-protection=none -mno-implicit-float
LIBC_CPU      = x86_64

# The GNU cross compiler: prefix of its programs, its Debian package, the flags it needs on top.
GNU_PREFIX    = x86_64-linux-gnu-
GNU_PACKAGE   = g++-x86-64-linux-gnu
# Test descriptors are an array made of single objects: they get no more than their type's alignment.
GNU_FLAGS     = -malign-data=abi
GNU_LIBC_FLAGS = -march=x86-64 -mno-red-zone -fcf-protection=none -fno-tree-vectorize

# The only kind of dynamic relocation that the start code applies.
RELATIVE      = R_X86_64_RELATIVE

# QEMU: program, and the Debian package that has it.
QEMU_PROGRAM  = qemu-system-x86_64
QEMU_PACKAGE  = qemu-system-x86
