# SPDX-License-Identifier: MIT
#
#   make                    the image of ARCH (default arm64) with TOOLCHAIN (llvm, gnu)
#   make check              everything the project tests itself with; ends with "N passed, N failed"
#   make unit               host unit tests, under AddressSanitizer and UBSan
#   make models             the guest code as a host program, on models of hardware
#   make fuzz               each fuzzer for FUZZ_SECONDS (default 10)
#   make lint, make format  clang-format, and clang-tidy on what is ARCH's; apply clang-format
#   make bench              the figures the project holds itself to
#   make clean
#
# V=1 shows commands. What is needed and missing is fetched by deps/setup on the way.

ARCH         ?= arm64
TOOLCHAIN    ?= llvm
FUZZ_SECONDS ?= 10

BUILD := build$(patsubst %,-%,$(filter-out llvm,$(TOOLCHAIN)))/$(ARCH)
IMAGE := $(BUILD)/assay-$(ARCH)
VERSION := $(BUILD)/include/assay/version.h

.PHONY: image check unit models fuzz lint format bench clean compile_commands.json FORCE
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables

image: $(IMAGE).elf $(IMAGE).img

# --- Tools --------------------------------------------------------------------------------------
# deps/setup writes where it found them; missing or gone, it is asked before anything is built.

ifeq ($(wildcard deps/targets/$(ARCH).mk),)
$(error ARCH is one of: $(patsubst deps/targets/%.mk,%,$(wildcard deps/targets/*.mk)))
endif
ifeq ($(filter llvm gnu,$(TOOLCHAIN)),)
$(error TOOLCHAIN is llvm or gnu)
endif
include deps/targets/$(ARCH).mk

HOST_GOALS := unit models fuzz fuzz-% lint format bench build/unit/% build/models/% build/lint/% \
              build/plugins/%
deps_for    = build/deps/$(ARCH)-$1.mk
DEPS       := $(call deps_for,$(TOOLCHAIN)) \
              $(if $(filter $(HOST_GOALS),$(MAKECMDGOALS)),$(call deps_for,llvm) $(call deps_for,check))

build/deps/$(ARCH)-%.mk: deps/pins deps/setup deps/targets/$(ARCH).mk $(wildcard deps/steps/*.sh)
	@deps/setup --arch $(ARCH) $*
$(call deps_for,check): | $(call deps_for,llvm)

ifneq ($(MAKECMDGOALS),clean)
define use_deps
DEPS_PATHS :=
include $1
ifneq ($$(filter-out $$(wildcard $$(DEPS_PATHS)),$$(DEPS_PATHS)),)
$1: FORCE
endif
endef
$(foreach file,$(sort $(DEPS)),$(eval $(call use_deps,$(file))))
endif

# --- Sources ------------------------------------------------------------------------------------

# $(call find,FOLDER,PATTERNS): files below a folder.
find = $(foreach entry,$(wildcard $1/*),$(call find,$(entry),$2)$(filter $(subst *,%,$2),$(entry)))

IMAGE_SOURCES := $(sort $(call find,lib,*.cc) $(call find,$(ARCH),*.cc *.S) \
                        $(call find,tests/common,*.cc) $(call find,tests/$(ARCH),*.cc) \
                        $(call find,tests/misbehave,*.cc))
IMAGE_OBJECTS := $(IMAGE_SOURCES:%=$(BUILD)/obj/%.o)
LIBFDT_NAMES  := $(notdir $(wildcard $(LIBFDT)/*.c))
LIBFDT_OBJECTS := $(LIBFDT_NAMES:%=$(BUILD)/obj/libfdt/%.o)
LINKER_SCRIPT := linker/$(ARCH).ld

# --- Flags --------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Werror
# Naming only some members is what designated initialisers are for.
CLANG_WARNINGS := -Wno-missing-designated-field-initializers
INCLUDES  = -I. -I$(ARCH)/include -I$(BUILD)/include -isystem $(LIBFDT)
# Positions are given relative to the repository, wherever it is.
PATHS     = -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(LIBFDT)=libfdt

# The boot is measured in instructions; of the tests there are many.
OPTIMISE = $(if $(filter tests/%,$<),-Os,-O2)
CODE  = $(TARGET_FLAGS) -ffreestanding -fpie $(OPTIMISE) -g -ffunction-sections -fdata-sections \
        -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fstack-protector-strong \
        -fno-asynchronous-unwind-tables $(PATHS)
CXX23 := -std=c++23 -fno-exceptions -fno-rtti -fno-threadsafe-statics

# LLVM: its C++ library's headers, configured for a bare machine, over picolibc's.
llvm_CODE    = -nostdlibinc -isystem $(PICOLIBC)/include
llvm_CXX     = -Wglobal-constructors $(CLANG_WARNINGS) -nostdinc++ -isystem deps/libcxx -isystem $(LIBCXX)
llvm_LDFLAGS = --no-undefined --fatal-warnings --pack-dyn-relocs=relr
# GNU: the headers it comes with.
gnu_CODE     = $(GNU_FLAGS)
gnu_LDFLAGS  = --no-undefined --no-warn-rwx-segments

COMPILE_CC  = $(CC) $(CODE) $($(TOOLCHAIN)_CODE) $(INCLUDES)
COMPILE_CXX = $(CXX) $(CXX23) $(WARNINGS) $(CODE) $($(TOOLCHAIN)_CXX) $($(TOOLCHAIN)_CODE) $(INCLUDES)
LINK        = $(LD) -pie --no-dynamic-linker -z norelro -z max-page-size=4096 --gc-sections \
              --build-id=sha1 $($(TOOLCHAIN)_LDFLAGS) -T $(LINKER_SCRIPT)
LIBRARIES   = $(PICOLIBC)/lib/libc.a $(LIBGCC)

# --- Rules --------------------------------------------------------------------------------------

Q := $(if $(V),,@)
# $(call show,WHAT,FILE): the line that stands for a command.
show = $(if $(V),,@printf '  %-5s %s\n' '$1' '$2')

# $(call remember,FILE,TEXT): FILE holds TEXT; it is written only when it does not, so that what is made
# from it follows a change of flags or of the list of sources. No process is started.
define remember
$(if $(wildcard $(dir $1)),,$(shell mkdir -p $(dir $1)))
ifneq ($$(strip $$(file <$1)),$(strip $2))
$$(file >$1,$(strip $2))
endif
endef
ifneq ($(MAKECMDGOALS),clean)
$(eval $(call remember,$(BUILD)/compile.flags,$(COMPILE_CXX)))
$(eval $(call remember,$(BUILD)/link.flags,$(LINK) $(IMAGE_OBJECTS) $(LIBFDT_OBJECTS) $(LIBRARIES)))
endif

$(BUILD)/obj/%.cc.o: %.cc $(BUILD)/compile.flags | $(VERSION)
	$(call show,CXX,$<)
	@mkdir -p $(@D)
	$Q$(COMPILE_CXX) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.S.o: %.S $(BUILD)/compile.flags
	$(call show,AS,$<)
	@mkdir -p $(@D)
	$Q$(COMPILE_CC) -MMD -MP -c $< -o $@

$(BUILD)/obj/libfdt/%.c.o: $(LIBFDT)/%.c $(BUILD)/compile.flags
	$(call show,CC,libfdt/$(<F))
	@mkdir -p $(@D)
	$Q$(COMPILE_CC) -w -MMD -MP -c $< -o $@

# The image with its debug information, of which the other three are made.
$(BUILD)/linked.elf: $(IMAGE_OBJECTS) $(LIBFDT_OBJECTS) $(LINKER_SCRIPT) $(BUILD)/link.flags
	$(call show,LINK,$@)
	$Q$(LINK) -o $@ $(IMAGE_OBJECTS) $(LIBFDT_OBJECTS) $(LIBRARIES)
	$Q$(READELF) --relocs --wide $@ | awk '/ R_[A-Z]/ && !/ $(RELATIVE) / { bad = 1; \
	    print "$@: the start code cannot apply: " $$0 } END { exit bad }' >&2

$(IMAGE).elf.debug: $(BUILD)/linked.elf
	$Q$(OBJCOPY) --only-keep-debug $< $@

$(IMAGE).elf: $(BUILD)/linked.elf $(IMAGE).elf.debug
	$(call show,ELF,$@)
	$Q$(OBJCOPY) --strip-all --add-gnu-debuglink=$@.debug $< $@

$(IMAGE).img: $(BUILD)/linked.elf
	$(call show,IMG,$@)
	$Q$(OBJCOPY) -O binary $< $@

# What `git describe` says, written only when it says something new.
GIT_DIR := $(if $(wildcard .git/HEAD),.git,$(patsubst gitdir:%,%,$(file <.git)))
GIT_LOG := $(wildcard $(GIT_DIR:%=%/logs/HEAD))

$(VERSION): $(BUILD)/version.checked ;
$(BUILD)/version.checked: $(GIT_LOG) $(if $(wildcard $(VERSION)),,FORCE)
	@mkdir -p $(dir $(VERSION))
	@line="#define ASSAY_VERSION \"$$(git describe --always --tags 2>/dev/null || echo unknown)\""; \
	grep -qsxF "$$line" $(VERSION) || \
	    printf '%s\n' '// Written by the Makefile.' '#pragma once' "$$line" >$(VERSION); \
	touch $@

-include $(IMAGE_OBJECTS:.o=.d)

# --- Host unit tests and fuzzers ----------------------------------------------------------------
# Everything that is not an instruction, compiled for this machine: unit/arch is the architecture.

# lib/ without what the host's own runtime has, and sources of ARCH that hold no instruction (most of its
# drivers are templates in headers).
PORTABLE := $(sort $(filter-out lib/boot/runtime.cc,$(call find,lib,*.cc)))
PORTABLE_ARCH := arm64/gic/gicv5/description.cc
UNIT     := $(sort $(filter-out unit/fuzz/%,$(call find,unit,*.cc)))
# What stands in for hardware: models of devices, and what all of them share.
MODELS   := $(sort $(call find,models/core,*.cc) $(call find,models/gicv5,*.cc))
FUZZERS  := $(patsubst unit/fuzz/%_fuzz.cc,%,$(wildcard unit/fuzz/*_fuzz.cc))

unit_object      = $(1:%=build/unit/obj/%.o)
PORTABLE_OBJECTS = $(call unit_object,$(PORTABLE)) $(LIBFDT_NAMES:%=build/unit/obj/libfdt/%.o)
UNIT_OBJECTS     = $(call unit_object,$(UNIT) $(PORTABLE_ARCH) $(MODELS))
ARCH_OBJECTS     = $(call unit_object,$(filter unit/arch/%,$(UNIT)))
FUZZER_OBJECTS   = $(call unit_object,$(FUZZERS:%=unit/fuzz/%_fuzz.cc))

SANITIZE     := -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_FLAGS    = -O1 -g -fno-omit-frame-pointer $(SANITIZE) -fsanitize=fuzzer-no-link $(PATHS)
HOST_COMPILE  = $(HOST_CXX) -std=c++23 $(WARNINGS) $(CLANG_WARNINGS) $(HOST_FLAGS) -I. -Iunit/arch/include \
                -I$(BUILD)/include -isystem $(LIBFDT)

# Device trees written by hand, as the tests and the fuzzer read them.
DEVICE_TREES := $(patsubst unit/data/%.dts,build/unit/data/%.dtb,$(wildcard unit/data/*.dts))
SEEDS_fdt    := unit/data build/unit/data

build/unit/data/%.dtb: unit/data/%.dts
	$(call show,DTC,$<)
	@mkdir -p $(@D)
	$Q$(DTC) -q -I dts -O dtb -o $@ $<

unit: build/unit/unit-tests $(DEVICE_TREES)
	$(call show,RUN,$<)
	$Q$< --gtest_brief=1

build/unit/unit-tests: $(UNIT_OBJECTS) $(PORTABLE_OBJECTS) build/unit/link.flags
	$(call show,LINK,$@)
	$Q$(HOST_CXX) $(SANITIZE) $(UNIT_OBJECTS) $(PORTABLE_OBJECTS) -lgmock -lgtest -lgtest_main -o $@

fuzz: $(FUZZERS:%=fuzz-%)

fuzz-%: build/unit/fuzz/% $(DEVICE_TREES)
	$(call show,FUZZ,$* for $(FUZZ_SECONDS) s)
	@mkdir -p $<.corpus
	$Q$< -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 -timeout=10 \
	    -artifact_prefix=$<. $<.corpus $(wildcard unit/fuzz/corpus/$*) $(SEEDS_$*) >$<.log 2>&1 || \
	    { cat $<.log; echo "fuzz-$*: failed"; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: */fuzz-$*: ok, inputs tried: /p' $<.log

$(FUZZERS:%=build/unit/fuzz/%): build/unit/fuzz/%: build/unit/obj/unit/fuzz/%_fuzz.cc.o \
                                $(ARCH_OBJECTS) $(PORTABLE_OBJECTS)
	$(call show,LINK,$@)
	@mkdir -p $(@D)
	$Q$(HOST_CXX) $(SANITIZE) -fsanitize=fuzzer $^ -o $@

build/unit/obj/%.cc.o: %.cc build/unit/compile.flags | $(VERSION)
	$(call show,CXX,$< (host))
	@mkdir -p $(@D)
	$Q$(HOST_COMPILE) -MMD -MP -c $< -o $@

build/unit/obj/libfdt/%.c.o: $(LIBFDT)/%.c build/unit/compile.flags
	$(call show,CC,libfdt/$(<F) (host))
	@mkdir -p $(@D)
	$Q$(HOST_CC) -w $(HOST_FLAGS) -I$(LIBFDT) -MMD -MP -c $< -o $@

ifneq ($(filter $(HOST_GOALS),$(MAKECMDGOALS)),)
$(eval $(call remember,build/unit/compile.flags,$(HOST_COMPILE)))
$(eval $(call remember,build/unit/link.flags,$(UNIT_OBJECTS) $(PORTABLE_OBJECTS)))
-include $(patsubst %.o,%.d,$(UNIT_OBJECTS) $(PORTABLE_OBJECTS) $(FUZZER_OBJECTS))
endif

# --- Model machine ------------------------------------------------------------------------------
# The guest code again, and those of its tests that hold no instruction, as a host program whose
# devices are models: models/machine is the architecture. Headers it does not have are arm64's.

MODEL_PROGRAM := build/models/assay-arm64-model
MACHINE       := $(sort $(call find,models/machine,*.cc))
MODEL_SOURCES := $(PORTABLE) $(MACHINE) $(sort $(call find,arm64/gic,*.cc)) \
                 arm64/timer/timers.cc arm64/cpu/syndrome.cc \
                 $(filter-out tests/common/selftest_image.cc,$(sort $(wildcard tests/common/*.cc))) \
                 $(filter-out %_a64.cc,$(sort $(wildcard tests/arm64/gicv5*.cc)))
MODEL_OBJECTS  = $(MODEL_SOURCES:%=build/models/obj/%.o) $(call unit_object,$(MODELS)) \
                 $(LIBFDT_NAMES:%=build/unit/obj/libfdt/%.o)
MODEL_COMPILE  = $(HOST_CXX) -std=c++23 $(WARNINGS) $(CLANG_WARNINGS) -O1 -g \
                 -fno-omit-frame-pointer $(SANITIZE) $(PATHS) -fPIE \
                 -fsanitize-ignorelist=models/machine/sanitizer.ignore -I. \
                 -Imodels/machine/include -Iarm64/include -I$(BUILD)/include -isystem $(LIBFDT)
MODEL_LINK     = $(HOST_CXX) $(SANITIZE) -pie -pthread -fuse-ld=lld -Wl,--build-id=sha1 \
                 -Wl,-T,models/machine/tests.ld

models: $(MODEL_PROGRAM)

$(MODEL_PROGRAM): $(MODEL_OBJECTS) models/machine/tests.ld build/models/link.flags
	$(call show,LINK,$@)
	$Q$(MODEL_LINK) $(MODEL_OBJECTS) -o $@

build/models/obj/%.cc.o: %.cc build/models/compile.flags models/machine/sanitizer.ignore | $(VERSION)
	$(call show,CXX,$< (model))
	@mkdir -p $(@D)
	$Q$(MODEL_COMPILE) -MMD -MP -c $< -o $@

ifneq ($(filter $(HOST_GOALS),$(MAKECMDGOALS)),)
$(eval $(call remember,build/models/compile.flags,$(MODEL_COMPILE)))
$(eval $(call remember,build/models/link.flags,$(MODEL_LINK) $(MODEL_OBJECTS)))
-include $(patsubst %.o,%.d,$(MODEL_OBJECTS))
endif

# --- Style --------------------------------------------------------------------------------------

# clang-format sees all. clang-tidy sees each file by the rules that compile it: what belongs to an
# architecture by those of ARCH, what is shared, and what is for the host, with arm64.
ARCHES := $(patsubst deps/targets/%.mk,%,$(wildcard deps/targets/*.mk))
STYLED := $(sort $(foreach folder,lib $(ARCHES) tests unit models,$(call find,$(folder),*.h *.cc)))
own     = $(foreach arch,$1,$(arch)/% tests/$(arch)/%)
TIDY   := $(filter $(call own,$(ARCH)),$(filter %.cc,$(STYLED))) \
          $(if $(filter arm64,$(ARCH)),$(filter-out $(call own,$(ARCHES)),$(filter %.cc,$(STYLED))))

lint: build/lint/format $(TIDY:%=build/lint/%.tidy)

build/lint/format: $(STYLED) .clang-format
	$(call show,LINT,clang-format)
	@mkdir -p $(@D)
	$Q$(CLANG_FORMAT) --dry-run -Werror $(STYLED)
	@touch $@

format:
	$Q$(CLANG_FORMAT) -i $(STYLED)

# What was compiled again is looked at again: the object knows which headers it was made from.
tidy = $Q$(CLANG_TIDY) --quiet $1 -- $(wordlist 2,999,$2) >$@.log 2>&1 || { cat $@.log; false; }

build/lint/unit/%.tidy: build/unit/obj/unit/%.o .clang-tidy
	$(call show,TIDY,unit/$*)
	@mkdir -p $(@D)
	$(call tidy,unit/$*,$(HOST_COMPILE))
	@touch $@

build/lint/models/machine/%.tidy: build/models/obj/models/machine/%.o .clang-tidy
	$(call show,TIDY,models/machine/$*)
	@mkdir -p $(@D)
	$(call tidy,models/machine/$*,$(MODEL_COMPILE))
	@touch $@

build/lint/models/%.tidy: build/unit/obj/models/%.o .clang-tidy
	$(call show,TIDY,models/$*)
	@mkdir -p $(@D)
	$(call tidy,models/$*,$(HOST_COMPILE))
	@touch $@

build/lint/%.tidy: $(BUILD)/obj/%.o .clang-tidy
	$(call show,TIDY,$*)
	@mkdir -p $(@D)
	$(call tidy,$*,$(COMPILE_CXX))
	@touch $@

# --- Checks and figures -------------------------------------------------------------------------

check:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) .ci/check

# QEMU loads them with libraries of its own: no C++ runtime.
PLUGINS := $(patsubst host/plugins/%.cc,build/plugins/%.so,$(wildcard host/plugins/*.cc))

build/plugins/%.so: host/plugins/%.cc
	$(call show,CXX,$<)
	@mkdir -p $(@D)
	$Q$(HOST_CXX) -std=c++23 $(WARNINGS) -O2 -fPIC -shared -nostdlib++ -fno-exceptions $< -o $@

bench: image $(PLUGINS)
	$Q/usr/bin/python3 -s -m host.bench

# For editors.
compile_commands.json:
	$(file >$@,[)$(foreach source,$(filter %.cc,$(IMAGE_SOURCES)),$(file >>$@,{"directory": \
	"$(CURDIR)"$(comma) "file": "$(source)"$(comma) "command": "$(COMPILE_CXX) -c $(source)"}$(comma)))
	@sed -i '$$s/,$$//' $@ && echo ']' >>$@

comma := ,

clean:
	rm -rf build build-gnu compile_commands.json
