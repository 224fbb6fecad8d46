# SPDX-License-Identifier: BSD-2-Clause
#
#	make			build everything below build/
#	make demo, make check	install what is missing, build, show, test
#	make help		all targets

VERSION := 0.1.0

PREFIX	   ?= /usr/local
DESTDIR	   ?=
BUILD	   ?= build
CC	   ?= gcc
CLANG	   ?= clang
BPFTOOL	   ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
ARCH	   := $(shell uname -m)
V	   ?= 0
ifeq ($(V),0)
quiet = @printf '  %-8s%s\n' $(1) $(patsubst $(BUILD)/%,%,$@);
endif

BASE_LIBS  := jansson libidn2 libpsl libcares
LOAD_LIBS  := libbpf
PROXY_LIBS := libllhttp libcares libseccomp
ALL_LIBS   := $(sort $(BASE_LIBS) $(LOAD_LIBS) $(PROXY_LIBS))

CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDEN	?= -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
LINK	?= -pie -Wl,-z,relro,-z,now,--as-needed
COMPILE	 = $(CC) -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	   -DLIBEXECDIR='"$(PREFIX)/libexec/jobfence"' -Iinclude -Iuser -I$(BUILD)/bpf \
	   $(WARN) $(HARDEN) $(CFLAGS) $(shell $(PKG_CONFIG) --cflags $(ALL_LIBS)) -MMD -MP

BPF_SOURCES := $(wildcard bpf/*.bpf.c)
BPF_OBJECTS := $(BPF_SOURCES:%.bpf.c=$(BUILD)/%.bpf.o)
SKELETON    := $(BUILD)/bpf/fence.skel.h
SOURCES	    := $(wildcard user/*/*.c)
OBJECTS	    := $(SOURCES:%.c=$(BUILD)/%.o)
MAINS	    := $(BUILD)/user/cli/main.o $(BUILD)/user/proxy/main.o
PROGRAMS    := $(BUILD)/jobfence $(BUILD)/jobfence-proxy
ARCHIVE	    := $(BUILD)/jobfence.a
UNIT_TESTS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c))
FUZZERS	    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))

.DELETE_ON_ERROR:
.PHONY: all help clean

all: $(PROGRAMS) ## build both programs

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 20

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call quiet,BPF)$(CLANG) -target bpf -mcpu=v3 -D__bpf__ -O2 -g -Wall -Wextra -Werror \
		-Iinclude -Ivmlinux/$(ARCH) -MMD -MP -c $< -o $@

$(BUILD)/bpf/fence.o: $(BPF_OBJECTS)
	$(call quiet,GENOBJ)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/fence.o
	$(call quiet,SKEL)$(BPFTOOL) gen skeleton $< name fence >$@
	@printf '#define FENCE_DIGEST "%.12s"\n' "$$(sha256sum <$<)" >>$@

$(BUILD)/user/core/%.o: $(SKELETON)

$(BUILD)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -c $< -o $@

$(ARCHIVE): $(filter-out $(MAINS),$(OBJECTS))
	$(call quiet,AR)rm -f $@ && ar rcs $@ $^

$(BUILD)/jobfence: $(BUILD)/user/cli/main.o $(ARCHIVE)
	$(call quiet,LD)$(CC) $(CFLAGS) $(LINK) -o $@ $^ \
		$(shell $(PKG_CONFIG) --libs $(BASE_LIBS) $(LOAD_LIBS))

$(BUILD)/jobfence-proxy: $(BUILD)/user/proxy/main.o $(ARCHIVE)
	$(call quiet,LD)$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(PROXY_LIBS))

$(BUILD)/tests/unit/%: tests/unit/%.c $(ARCHIVE)
	@mkdir -p $(@D)
	$(call quiet,UNIT)$(COMPILE) -o $@ $< $(ARCHIVE) \
		$(shell $(PKG_CONFIG) --cflags --libs cmocka $(ALL_LIBS))

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(BPF_OBJECTS:.o=.d) $(UNIT_TESTS:=.d)
