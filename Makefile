# SPDX-License-Identifier: BSD-2-Clause
#
#	make			build everything below build/
#	make demo, make check	install what is missing, build, show, test
#	make help		all targets
#
# Variables: BUILD is the folder of the output, CC the compiler (gcc or clang), BUILD_CC one
# for programs that run during the build, V=1 shows commands.

VERSION := 0.1.0

PREFIX	   ?= /usr/local
DESTDIR	   ?=
BUILD	   ?= build
ifeq ($(origin CC),default)
CC	   := gcc
endif
CLANG	   ?= clang
BPFTOOL	   ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
# A build for another architecture has to run a program of its own meanwhile.
BUILD_CC   ?= cc
BUILD_PKG_CONFIG ?= pkg-config
ARCH	   := $(shell uname -m)
V	   ?= 0
ifeq ($(V),0)
quiet = @printf '  %-8s%s\n' $(1) $(patsubst $(BUILD)/%,%,$@);
endif

BASE_LIBS  := inih jansson
LOAD_LIBS  := libbpf libmnl libseccomp
# For their headers: what needs such a library loads it (user/lib/library.h).
LATE_LIBS  := libidn2 libmicrohttpd libpsl ncursesw
PROXY_LIBS := libllhttp libcares libmd libseccomp
TLS_LIBS   := libssl libcrypto # of jobfence-tls alone
ALL_LIBS   := $(sort $(BASE_LIBS) $(LOAD_LIBS) $(PROXY_LIBS) $(TLS_LIBS) $(LATE_LIBS))

CFLAGS	?= -O2 -g
# What an initializer leaves out is zero, and meant to be; libseccomp's macros leave things
# out.
WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	   -Wno-missing-field-initializers
HARDEN	?= -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
LINK	?= -pie -Wl,-z,relro,-z,now,--as-needed
# Asked once and not before it is needed: the libraries may not be installed yet.
LIB_CFLAGS = $(eval LIB_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(ALL_LIBS)))$(LIB_CFLAGS)
# Debian 12's c-ares does not have yet what newer ones want to be called instead.
CPPFLAGS = -D_GNU_SOURCE -DCARES_NO_DEPRECATED -DVERSION='"$(VERSION)"' \
	   -Iinclude -Iuser -I$(BUILD) -I$(BUILD)/bpf $(LIB_CFLAGS)
COMPILE	 = $(CC) -std=gnu11 $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) -MMD -MP
BPF_FLAGS := -target bpf -mcpu=v3 -Iinclude -Ivmlinux \
	     -idirafter /usr/include/$(ARCH)-linux-gnu $(BPF_DEFINES)

BPF_SOURCES := $(wildcard bpf/*.bpf.c)
BPF_OBJECTS := $(BPF_SOURCES:%.bpf.c=$(BUILD)/%.bpf.o)
SKELETON    := $(BUILD)/bpf/fence.skel.h
TEXTS	    := $(patsubst share/%,$(BUILD)/text/%.h,$(wildcard share/completion/* share/*.in))
FILTERS	    := $(BUILD)/filters.h
TARGET	    := $(BUILD)/target.h
PLUGIN_SOURCES := $(wildcard user/slurm/*.c)
SOURCES	    := $(filter-out $(PLUGIN_SOURCES),$(wildcard user/*/*.c))
OBJECTS	    := $(SOURCES:%.c=$(BUILD)/%.o)
MAINS	    := $(BUILD)/user/cli/main.o $(BUILD)/user/proxy/main.o $(BUILD)/user/proxy/tls_main.o
PROGRAMS    := $(BUILD)/jobfence $(BUILD)/jobfence-proxy $(BUILD)/jobfence-tls
# Slurm's plugin is left out where libslurm-dev is missing.
SLURM	    := $(wildcard /usr/include/slurm/spank.h)
PLUGIN	    := $(if $(SLURM),$(BUILD)/jobfence-slurm.so)
PLUGIN_OBJECTS := $(patsubst %.c,$(BUILD)/pic/%.o,$(PLUGIN_SOURCES) $(addprefix user/,lib/failure.c lib/files.c lib/inherited.c \
		  lib/printable.c lib/siphash.c node/cgroup.c node/paths.c policy/helper.c))
LAYOUT	    := $(BUILD)/.layout
ARCHIVE	    := $(BUILD)/jobfence.a
UNIT_TESTS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
FUZZERS	    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))
FUZZ_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/lib/*.c))
FUZZ_ARCHIVE := $(BUILD)/tests/fuzz/lib.a

.DELETE_ON_ERROR:
.PHONY: all other-version unit-tests fuzzers demo check check-vm check-kernels check-asan bench \
	bench-proxy bench-throttle fuzz format compile_commands.json coverage lint install uninstall help clean libraries

all: $(PROGRAMS) $(PLUGIN) $(LAYOUT) ## build all programs, and Slurm's plugin if libslurm-dev is there
	$(if $(SLURM),,@echo '  SKIP    jobfence-slurm.so: libslurm-dev is not installed')

# The same with other programs in the kernel, for tests of two versions on one node.
other-version:
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/other BPF_DEFINES=-DEVENTS_PER_SECOND=16

unit-tests: $(UNIT_TESTS)
fuzzers: $(FUZZERS)

help: ## list the targets
	@sed -n 's/^\([a-z_.-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 20

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call quiet,BPF)$(CLANG) $(BPF_FLAGS) -O2 -g -Wall -Wextra -Werror -MMD -MP -c $< -o $@

$(BUILD)/bpf/fence.o: $(BPF_OBJECTS)
	$(call quiet,GENOBJ)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/fence.o
	$(call quiet,SKEL)$(BPFTOOL) gen skeleton $< name fence >$@
	@printf '#define FENCE_DIGEST "%.12s"\n' "$$(sha256sum <$<)" >>$@

# A text as the string that a program prints.
$(BUILD)/text/%.h: share/%
	@mkdir -p $(@D)
	$(call quiet,TEXT)sed 's/[\"]/\\&/g; s/.*/"&\\n"/' $< >$@

# The proxy's filters of system calls. Their writer runs on the machine that builds. So it
# has to be told what CC compiles for: the architecture, debug builds and sanitizers.
$(TARGET): user/proxy/debug.h | libraries
	@mkdir -p $(@D)
	$(call quiet,TARGET)echo '#include "proxy/debug.h"' | $(CC) $(CPPFLAGS) $(CFLAGS) -dM -E - >$@.all
	@sed -n '/^#define \(DEBUG_BUILD\|__SANITIZE_[A-Z]*__\) /p' $@.all >$@
	@$(CC) -dumpmachine | sed 's/\([^-]*\).*/#define TARGET "\1"/' >>$@

$(BUILD)/user/proxy/filters/write: user/proxy/filters/write.c $(TARGET)
	@mkdir -p $(@D)
	$(call quiet,CC)$(BUILD_CC) -std=gnu11 -D_GNU_SOURCE -Iinclude -Iuser -I$(BUILD) $(WARN) -MMD -MP \
		-o $@ $< $(shell $(BUILD_PKG_CONFIG) --cflags --libs libseccomp)

$(FILTERS): $(BUILD)/user/proxy/filters/write
	$(call quiet,FILTERS)$< >$@

$(BUILD)/user/proxy/sandbox.o: | $(FILTERS)
$(BUILD)/user/cli/completion.o $(BUILD)/user/cli/manual.o: | $(TEXTS)
$(filter-out $(BUILD)/user/lib/% $(BUILD)/user/names/% $(BUILD)/user/proxy/%,$(OBJECTS)): | $(SKELETON)
$(BPF_OBJECTS) $(OBJECTS): | libraries

libraries:
	@$(PKG_CONFIG) --exists $(ALL_LIBS) || { \
		echo "make: libraries are missing; run: tests/packages build (as root)" >&2; exit 1; }

$(BUILD)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -c $< -o $@

$(ARCHIVE): $(filter-out $(MAINS),$(OBJECTS))
	$(call quiet,AR)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/jobfence: $(BUILD)/user/cli/main.o $(ARCHIVE)
	$(call quiet,LD)$(CC) $(CFLAGS) $(LINK) -o $@ $^ \
		$(shell $(PKG_CONFIG) --libs $(BASE_LIBS) $(LOAD_LIBS))

$(BUILD)/jobfence-proxy: $(BUILD)/user/proxy/main.o $(ARCHIVE)
	$(call quiet,LD)$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(PROXY_LIBS))

$(BUILD)/jobfence-tls: $(BUILD)/user/proxy/tls_main.o $(ARCHIVE)
	$(call quiet,LD)$(CC) $(CFLAGS) $(LINK) -o $@ $^ \
		$(shell $(PKG_CONFIG) --libs $(PROXY_LIBS) $(TLS_LIBS))

# Slurm's commands and daemons bring spank_*() and slurm_*(), each in a library of its own.
$(BUILD)/pic/%.o: %.c | libraries
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -fPIC -fvisibility=hidden -c $< -o $@

$(BUILD)/jobfence-slurm.so: $(PLUGIN_OBJECTS)
	$(call quiet,LD)$(CC) $(CFLAGS) $(filter-out -pie,$(LINK)) -shared -o $@ $^ \
		$(shell $(PKG_CONFIG) --libs jansson)

# A program that was not installed finds these in its own folder, as below a prefix.
$(LAYOUT): Makefile
	@[ ! -L $(BUILD)/share ] || rm $(BUILD)/share
	@mkdir -p $(BUILD)/libexec/jobfence $(BUILD)/share/doc
	@ln -sf ../../jobfence-proxy ../../jobfence-tls $(BUILD)/libexec/jobfence
	@ln -sfn $(abspath docs) $(BUILD)/share/doc/jobfence
	@ln -sfn $(abspath share/jobfence) $(BUILD)/share/jobfence
	@touch $@

$(BUILD)/tests/unit/%: tests/unit/%.c $(ARCHIVE)
	@mkdir -p $(@D)
	$(call quiet,UNIT)$(COMPILE) -o $@ $< $(ARCHIVE) \
		$(shell $(PKG_CONFIG) --cflags --libs cmocka $(ALL_LIBS))

$(BUILD)/tests/fuzz/lib/%.o: tests/fuzz/lib/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -c $< -o $@

$(FUZZ_ARCHIVE): $(FUZZ_OBJECTS)
	$(call quiet,AR)rm -f $@ && $(AR) rcs $@ $^

# What a target takes from FUZZ_ARCHIVE stands for what it would find in ARCHIVE.
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(FUZZ_ARCHIVE) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call quiet,FUZZER)$(COMPILE) -fsanitize=fuzzer -Wl,--as-needed -o $@ $< $(FUZZ_ARCHIVE) $(ARCHIVE) \
		$(shell $(PKG_CONFIG) --libs $(ALL_LIBS))

# What follows installs, builds and runs in steps: a step may need what the one before made.
STEP	    = +@$(MAKE) --no-print-directory -j$(shell nproc)
ASAN	    := -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=address,undefined
K	    ?= 6.1
T	    ?=
LSM	    ?=
KERNELS	    ?= 6.1 6.12 7.3
KERNEL_TESTS := $(patsubst %,tests/%.bats,fence throttle update escape/sockets escape/unix)
SECONDS	    ?= 30
ROUNDS	    ?= 5
FUZZ_BUILD  := BUILD=$(BUILD)/fuzz CC=clang CFLAGS='-O1 -g $(ASAN),fuzzer-no-link' HARDEN=

demo: ## install what is missing, build, and show what it does
	@tests/packages demo
	$(STEP) all
	@JOBFENCE=$(abspath $(BUILD))/jobfence tests/demo

check: ## lint and all tests, here and with Linux 6.1 and 7.3 in virtual machines; fuzzing
	@tests/packages check
	$(STEP) all other-version unit-tests
	$(STEP) fuzzers $(FUZZ_BUILD)
	@BUILD=$(BUILD) tests/run --lint --unit --native --fuzz 15 --vm 6.1 --vm 7.3

check-vm: ## bats files T with Linux K (6.1, 6.12, 7.3), security modules LSM (landlock,bpf)
	@tests/packages check
	$(STEP) all other-version
	@BUILD=$(BUILD) VM_LSM=$(LSM) tests/run --vm $(K) $(T)

check-kernels: ## the fence, the throttle and updates on every kernel; writes docs/kernels.md
	@tests/packages check
	$(STEP) all
	@BUILD=$(BUILD) RESULTS=$(BUILD)/kernels tests/run $(KERNELS:%=--vm %) $(KERNEL_TESTS)
	@tests/kernels-table $(BUILD)/kernels | tests/in-page docs/kernels.md kernels

check-asan: ## unit tests and bats files with AddressSanitizer and UBSan
	@tests/packages check
	$(STEP) all other-version unit-tests BUILD=$(BUILD)/asan CFLAGS='-O1 -g $(ASAN)' HARDEN=-fPIE
	@BUILD=$(BUILD)/asan BATS_TEST_TIMEOUT=600 ASAN_OPTIONS=verify_asan_link_order=0 \
		LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lib/leaks tests/run --unit --native $(T)

bench: ## time jobs that come and go, `run` beside others, and the neighbour of refusals
	@tests/packages check
	$(STEP) all
	@BUILD=$(BUILD) tests/bench/lifecycle
	@BUILD=$(BUILD) tests/bench/executor
	@BUILD=$(BUILD) tests/bench/runs
	@BUILD=$(BUILD) tests/bench/refusals

bench-proxy: ## measure the proxy beside others; writes docs/performance.md
	@tests/packages bench-proxy
	$(STEP) all
	@BUILD=$(BUILD) tests/bench/proxies $(ROUNDS) >$(BUILD)/proxies.md
	@tests/in-page docs/performance.md proxies <$(BUILD)/proxies.md
	@BUILD=$(BUILD) tests/bench/intercept $(ROUNDS) >$(BUILD)/intercept.md
	@tests/in-page docs/performance.md intercept <$(BUILD)/intercept.md

bench-throttle: ## measure the throttle beside tbf and htb; writes docs/performance.md
	@tests/packages bench
	$(STEP) all
	@BUILD=$(BUILD) tests/bench/throttle-report $(K)

fuzz: ## fuzz targets T, or all, for SECONDS each
	@tests/packages fuzz
	$(STEP) fuzzers $(FUZZ_BUILD)
	@BUILD=$(BUILD) tests/run --fuzz $(SECONDS) $(T)

format: ## format the sources in C
	@git ls-files '*.c' '*.h' ':!vmlinux/vmlinux.h' | xargs clang-format -i

compile_commands.json: ## what editors and language servers want to know (needs bear)
	bear --output $@ -- $(MAKE) BUILD=$(BUILD)/bear all

coverage: ## which lines the unit tests and the bats files T run; needs gcovr
	@tests/packages coverage
	$(STEP) all unit-tests BUILD=$(BUILD)/coverage CFLAGS='-O0 -g --coverage' HARDEN=-fPIE
	@find $(BUILD)/coverage -name '*.gcda' -delete
	@BUILD=$(BUILD)/coverage BATS_TEST_TIMEOUT=600 tests/run --unit $(T:%=--native) $(T)
	@gcovr --root . --object-directory $(BUILD)/coverage --filter user/ --filter include/ \
		--html-details $(BUILD)/coverage/index.html --txt

lint: ## formatting, clang-tidy, cppcheck, shellcheck, house rules
	@tests/packages lint
	$(STEP) $(SKELETON) $(TEXTS) $(FILTERS)
	@tests/lint/run $(CPPFLAGS) -- $(BPF_FLAGS)

BINDIR	    := $(DESTDIR)$(PREFIX)/bin
LIBEXECDIR  := $(DESTDIR)$(PREFIX)/libexec/jobfence
MAN_PAGE    := $(DESTDIR)$(PREFIX)/share/man/man8/jobfence.8
DATADIR	    := $(DESTDIR)$(PREFIX)/share/jobfence
DOCDIR	    := $(DESTDIR)$(PREFIX)/share/doc/jobfence
DOCUMENTS   := $(shell cd docs && find * -type f)
# Pages lead to files that are installed elsewhere than they stand in the sources.
MOVED_LINKS := 's|\.\./examples/|examples/|g; s|\.\./share/jobfence/|../../jobfence/|g'
COMPLETIONS := $(addprefix $(DESTDIR)$(PREFIX)/share/,bash-completion/completions/jobfence \
	       zsh/site-functions/_jobfence fish/vendor_completions.d/jobfence.fish)
HOOKS	    := $(patsubst share/jobfence/%,$(DATADIR)/%,$(wildcard share/jobfence/oci-hooks.d/*.json))
UNITS	    := $(addprefix $(DESTDIR)$(PREFIX)/lib/systemd/system/,jobfence@.service \
	       jobfence-metrics.socket jobfence-metrics.service)

install: all $(HOOKS) $(UNITS) ## install below DESTDIR and PREFIX
	install -D -m 755 $(BUILD)/jobfence $(BINDIR)/jobfence
	ln -sf jobfence $(BINDIR)/jobfence-runtime
	install -D -m 755 $(BUILD)/jobfence-proxy $(LIBEXECDIR)/jobfence-proxy
	install -D -m 755 $(BUILD)/jobfence-tls $(LIBEXECDIR)/jobfence-tls
	$(if $(PLUGIN),install -D -m 644 $(PLUGIN) $(LIBEXECDIR)/jobfence-slurm.so)
	install -D -m 644 -t $(DATADIR)/presets share/jobfence/presets/*.domains
	install -D -m 644 -t $(DATADIR)/guard $(filter-out %/__pycache__,$(wildcard share/jobfence/guard/*))
	install -D -m 644 -t $(DATADIR)/kubernetes share/jobfence/kubernetes/*
	chmod 755 $(addprefix $(DATADIR)/kubernetes/,install-node jobfence-runtime-pods)
	install -d $(dir $(MAN_PAGE))
	install -D -m 644 -t $(DATADIR) $(addprefix share/jobfence/,jobfence.conf job-spec.schema.json refusal.schema.json doctor.schema.json \
		error.schema.json event.schema.json features.schema.json report.schema.json log.schema.json \
		alerts.yml grafana-dashboard.json)
	$(BUILD)/jobfence manual | sed 's|$(realpath $(BUILD))|$(PREFIX)|' >$(MAN_PAGE)
	for page in $(DOCUMENTS); do install -D -m 644 docs/$$page $(DOCDIR)/$$page || exit; done
	find $(DOCDIR) -name '*.md' -exec sed -i $(MOVED_LINKS) {} +
	install -D -m 755 -t $(DOCDIR)/examples examples/*
	install -D -m 644 share/completion/jobfence.bash $(filter %/bash-completion/completions/jobfence,$(COMPLETIONS))
	install -D -m 644 share/completion/jobfence.zsh $(filter %/_jobfence,$(COMPLETIONS))
	install -D -m 644 share/completion/jobfence.fish $(filter %/jobfence.fish,$(COMPLETIONS))

# What names the place of the program.
$(HOOKS): $(DATADIR)/%: share/jobfence/%
	@mkdir -p $(@D)
	sed 's|@PREFIX@|$(PREFIX)|' $< >$@

$(UNITS): $(DESTDIR)$(PREFIX)/lib/systemd/system/%: share/jobfence/%
	@mkdir -p $(@D)
	sed 's|@PREFIX@|$(PREFIX)|' $< >$@

uninstall: ## remove what `make install` installed
	rm -f $(BINDIR)/jobfence $(BINDIR)/jobfence-runtime $(LIBEXECDIR)/jobfence-proxy $(LIBEXECDIR)/jobfence-tls \
		$(LIBEXECDIR)/jobfence-slurm.so $(MAN_PAGE) \
		$(COMPLETIONS) $(UNITS)
	rm -rf $(DATADIR) $(DOCDIR)
	[ ! -d $(LIBEXECDIR) ] || rmdir $(LIBEXECDIR)

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(PLUGIN_OBJECTS:.o=.d) $(BPF_OBJECTS:.o=.d) $(UNIT_TESTS:=.d) $(FUZZERS:=.d) \
	$(FUZZ_OBJECTS:.o=.d) $(BUILD)/user/proxy/filters/write.d
