# lossdbg: build, test, install. `make help` lists the targets.

# ---- settings: override on the command line or in the environment --------------------------------
CC           ?= cc
LUA          ?= $(firstword $(foreach p,lua5.4 lua54 lua,$(if $(shell command -v $(p) 2>/dev/null),$(p))) lua5.4)
# Extra machine flags, e.g. ARCH=-march=native: never changes results, -ffp-contract=off forbids FMA.
ARCH         ?=
CFLAGS       ?=
LDFLAGS      ?=
# OpenBLAS, first that is set or found: BLAS_CFLAGS/BLAS_LIBS, OPENBLAS_DIR, pkg-config, brew, -lopenblas
BLAS_CFLAGS  ?=
BLAS_LIBS    ?=
OPENBLAS_DIR ?= $(ROCKS_OPENBLAS_DIR)
LUA_INCDIR   ?=
# Build folder; every folder remembers its flags, so that objects of two builds never mix.
BUILD        ?= build
SANITIZE     ?=
# What `make test` and `make asan` run, and options for busted, e.g. SPECS=spec/10_x_spec.lua
SPECS        ?= spec
BUSTED_ARGS  ?=
V            ?=

# ---- toolchain -----------------------------------------------------------------------------------
ifeq ($(origin CC),default)
CC := $(if $(shell command -v gcc 2>/dev/null),gcc,cc)
endif
UNAME   := $(shell uname -s)
ifeq ($(UNAME),Darwin)
LIBFLAG ?= -bundle -undefined dynamic_lookup
else
LIBFLAG ?= -shared
endif

ifneq ($(LUA_INCDIR),)
LUA_CFLAGS := -I$(LUA_INCDIR)
else
LUA_CFLAGS := $(or $(strip $(foreach p,lua5.4 lua-5.4 lua54,$(if $(LUA_FOUND),,\
                $(eval LUA_FOUND := $(shell pkg-config --cflags $(p) 2>/dev/null))$(LUA_FOUND)))),\
                -I/usr/include/lua5.4)
endif

ifneq ($(strip $(BLAS_LIBS)),)
BLAS_FROM := BLAS_LIBS
else ifneq ($(strip $(OPENBLAS_DIR)),)
BLAS_FROM   := OPENBLAS_DIR
BLAS_CFLAGS := -I$(OPENBLAS_DIR)/include
BLAS_LIBS   := -L$(OPENBLAS_DIR)/lib -Wl,-rpath,$(OPENBLAS_DIR)/lib -lopenblas
else ifeq ($(shell pkg-config --exists openblas 2>/dev/null && echo yes),yes)
BLAS_FROM   := pkg-config
BLAS_CFLAGS := $(shell pkg-config --cflags openblas)
BLAS_LIBS   := $(shell pkg-config --libs openblas)
else ifneq ($(and $(filter Darwin,$(UNAME)),$(shell brew --prefix openblas 2>/dev/null)),)
BLAS_FROM   := brew
BLAS_DIR    := $(shell brew --prefix openblas)
BLAS_CFLAGS := -I$(BLAS_DIR)/include
BLAS_LIBS   := -L$(BLAS_DIR)/lib -Wl,-rpath,$(BLAS_DIR)/lib -lopenblas
else
BLAS_FROM := the default search path
BLAS_LIBS := -lopenblas
endif

WARNINGS ?= -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla
WERROR   ?=
ifeq ($(SANITIZE),)
OPTIMIZE ?= -O3
else
OPTIMIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
endif
# No -ffast-math: NaN and infinity are data here, and the order of sums is part of the result.
NUMERICS := -ffp-contract=off -fno-math-errno -fno-trapping-math
ALL_CFLAGS  = $(ROCKS_CFLAGS) -std=c11 $(OPTIMIZE) $(ARCH) -fPIC -fvisibility=hidden $(NUMERICS) \
              $(WARNINGS) $(WERROR) -Icsrc $(LUA_CFLAGS) $(BLAS_CFLAGS) $(CFLAGS)
SAN_LDFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE))

SOURCES := $(sort $(shell find csrc -name '*.c'))
OBJECTS := $(SOURCES:csrc/%.c=$(BUILD)/obj/%.o)
CORE    := $(BUILD)/lossdbg/core.so

RUN_SANITIZERS := address,undefined,float-cast-overflow
# One job a core, unless the caller chose with -j.
JOBS     := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
PARALLEL  = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
MAKEFLAGS += --no-print-directory
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2);)

# Checkout first, then whatever Lua itself would search; nothing from the user's own paths.
LUA_ENV = env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 -u LUA_INIT LUA=$(LUA) OPENBLAS_NUM_THREADS=1 \
          LUA_PATH='./lua/?.lua;./lua/?/init.lua;;' LUA_CPATH='$(abspath $(1))/?.so;;'
# busted is a Lua script on Debian and a shell wrapper where LuaRocks installed it.
BUSTED  = $(shell f=$$(command -v busted || echo busted); \
            if head -n 1 $$f 2>/dev/null | grep -q lua; then echo $(LUA) $$f --ignore-lua; \
            else echo busted; fi)

# ---- build ---------------------------------------------------------------------------------------
.PHONY: all objects lib
all: ## build the core, build/lossdbg/core.so, and the program, build/bin/lossdbg
	@.ci/deps build && $(MAKE) $(PARALLEL) $(CORE) $(BUILD)/bin/lossdbg
	@echo 'From any folder of this shell, once: eval "$$(make -s -C $(CURDIR) env)"'

objects: $(OBJECTS)

lib: $(BUILD)/liblossdbg.a ## the core as a static library for C hosts, build/liblossdbg.a
$(BUILD)/liblossdbg.a: $(OBJECTS) $(BUILD)/flags-link
	$(call say,AR,$@)rm -f $@ && $(AR) rc $@ $(OBJECTS)

$(CORE): $(OBJECTS) $(BUILD)/flags-link
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) $(LIBFLAG) $(SAN_LDFLAGS) -o $@.$$$$ $(OBJECTS) $(LDFLAGS) \
	  $(BLAS_LIBS) -lpthread -lm && mv -f $@.$$$$ $@

# Written beside and renamed, so that two makes at a time cannot tear an object.
# The probe first: without headers its message is one, the compiler's would be a hundred.
$(BUILD)/obj/%.o: csrc/%.c $(BUILD)/flags-compile | $(BUILD)/probe
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c -o $@.$$$$ $< \
	  && mv -f $@.$$$$ $@ || { rm -f $@.$$$$; exit 1; }

# A stamp changes only when its text does, and then everything that it governs is rebuilt.
stamp = mkdir -p $(@D); printf '%s\n' '$(1)' >$@.$$$$; \
        if cmp -s $@.$$$$ $@; then rm -f $@.$$$$; else mv -f $@.$$$$ $@; fi
$(BUILD)/flags-compile: FORCE
	@$(call stamp,$(CC) $(ALL_CFLAGS))
$(BUILD)/flags-link: FORCE $(BUILD)/probe
	@$(call stamp,$(CC) $(LIBFLAG) $(SAN_LDFLAGS) $(OBJECTS) $(LDFLAGS) $(BLAS_LIBS))

# Five lines that need lua.h and OpenBLAS: a missing one is one clear message here, not fifty later.
define PROBE
#include <cblas.h>
#include <lua.h>
#if LUA_VERSION_NUM != 504
#error Lua 5.4 is needed
#endif
int main(void) {
  float a = 1, b = 2, c = 0;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, &a, 1, &b, 1, 0, &c, 1);
  return openblas_get_config() == 0;
}
endef
export PROBE
$(BUILD)/probe: $(BUILD)/flags-compile Makefile
	@mkdir -p $(@D); printf '%s\n' "$$PROBE" >$@.c; \
	if $(CC) -std=c11 $(LUA_CFLAGS) $(BLAS_CFLAGS) $(CFLAGS) $@.c -o $@.out $(LDFLAGS) $(BLAS_LIBS) \
	     2>$@.log; then mv -f $@.out $@; else sed 's/^/  /' $@.log >&2; printf '%s\n' \
	  "lossdbg: cannot compile and link against Lua 5.4 and OpenBLAS (taken from $(BLAS_FROM))." \
	  "  Debian, Ubuntu:  apt-get install gcc libc6-dev liblua5.4-dev libopenblas-dev pkg-config" \
	  "  Fedora:          dnf install gcc lua-devel openblas-devel pkgconf-pkg-config" \
	  "  macOS:           brew install lua@5.4 openblas pkg-config" \
	  "  elsewhere:       make OPENBLAS_DIR=/prefix   (has include/cblas.h and lib/libopenblas)," \
	  "                   or BLAS_CFLAGS=... BLAS_LIBS=..., or PKG_CONFIG_PATH; LUA_INCDIR=/dir of lua.h" \
	  >&2; exit 1; fi

.PHONY: FORCE
FORCE:

-include $(OBJECTS:.o=.d)

# ---- run: each public target installs what it lacks, then re-reads this file with all found ------
PUBLIC := demo test blas-variants parity-golden parity check asan embed install-test examples bench counts \
          fuzz faultbench specificity sensitivity loops runs mutants reference interop
.PHONY: $(PUBLIC)
demo: ## a constant loss on real data: its cause, the tried fix, the curve after it
test: ## all specs (SPECS=spec/x_spec.lua for one)
blas-variants: ## specs that compute, with each of Debian's builds of OpenBLAS, on 1 and on 2 threads
parity-golden: ## golden numbers of Keras and PyTorch against ours; writes build/parity.md, PARITY.md
parity: ## the same numbers made again by the installed Keras and PyTorch
check: ## compilers' warnings as errors, formatting, static analysis, house rules
asan: ## all specs under AddressSanitizer and UBSan, leaks on
embed: ## C hosts: two states, threads, a failing allocator at every allocation, limits
install-test: ## luarocks make into a clean tree; every module is required, the demo runs from there
examples: ## every example, each under ten seconds, its last line compared with its header
bench: ## beside PyTorch, TensorFlow and JAX (WORKLOADS="W1 W4" THREADS="1 2" REPEATS=5 PEERS=0 PARTS=steps)
fuzz: ## libFuzzer on every parser (SECONDS_EACH=30)
reference: ## trainings on real data against their bounds (ONLY=mnist; LOSSDBG_DATA=/folder for more)
counts: ## instructions of a few kernels by callgrind against spec/bench/counts.txt (WRITE=1)
interop: ## recorders, replays and fixes with the real Keras and PyTorch (PYTHON=/venv/bin/python)
mutants: ## limits times ten and by ten and changes of policy, each noticed by a spec; writes MUTANTS.md
faultbench: ## known faulty and sound programs diagnosed and scored (DIR=/folder, TRAIN_ONLY=1, JOBS=2)
specificity: ## sound programs of our own: what is found wrong there (SEED=1, RUNS=516; RUNS=0: the short form)
sensitivity: ## the same programs with one fault each: what is named (SEED=1; RUNS=0: the short form)
runs: ## recorded trainings judged by their logs and scored (DIR=/folder, RUNS_ARGS=--curve)
loops: ## watched loops, faulty and repaired, and what the watch says (DIR=/folder, SEED=1)

$(PUBLIC):
	@.ci/deps $@ && $(MAKE) $(PARALLEL) run-$@

.PHONY: run-demo run-test run-blas-variants run-parity-golden run-parity run-check run-asan run-install-test \
        run-examples run-bench run-reference run-interop
run-demo: $(CORE)
	@$(call LUA_ENV,$(BUILD)) $(LUA) examples/demo.lua

run-test: $(CORE)
	@$(call LUA_ENV,$(BUILD)) LOSSDBG_CORE=$(CORE) $(BUSTED) --run=plain \
	  -o spec/support/ci_output.lua $(BUSTED_ARGS) $(SPECS)

BLAS_SPECS ?= $(wildcard spec/05_*_spec.lua spec/17_threads_spec.lua spec/30_*_spec.lua \
                spec/60_*_spec.lua spec/62_*_spec.lua spec/63_attention*_spec.lua spec/81_*_spec.lua)
run-blas-variants: $(CORE)
	@$(call LUA_ENV,$(BUILD)) LOSSDBG_CORE=$(CORE) \
	  BUSTED='$(BUSTED) --run=plain -o spec/support/ci_output.lua' .ci/blas $(BLAS_SPECS)

run-parity-golden: $(CORE)
	@$(call LUA_ENV,$(BUILD)) $(LUA) spec/parity/run.lua --table build/parity.md
	@cmp -s build/parity.md spec/parity/PARITY.md || cp build/parity.md spec/parity/PARITY.md

# Status 3: no peers here.
run-parity: $(CORE)
	@python3 spec/parity/make_golden.py --out build/parity; case $$? in \
	  0) $(call LUA_ENV,$(BUILD)) $(LUA) spec/parity/run.lua --golden build/parity ;; \
	  3|127) echo "parity: compares with the committed numbers instead" && \
	     $(MAKE) run-parity-golden ;; \
	  *) exit 1 ;; esac

run-check:
	@LUA='$(LUA)' .ci/check

ASAN_RUN = ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:$(ASAN_OPTIONS) \
           UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
run-asan:
	@$(MAKE) $(PARALLEL) BUILD=build/asan SANITIZE=$(RUN_SANITIZERS) CC=gcc \
	  build/asan/lossdbg/core.so
	@$(call LUA_ENV,build/asan) LOSSDBG_CORE=build/asan/lossdbg/core.so $(ASAN_RUN) \
	  LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	  $(BUSTED) --run=asan -o spec/support/ci_output.lua $(BUSTED_ARGS) $(SPECS)

run-install-test:
	@LUA='$(LUA)' .ci/install-test

run-interop: $(CORE)
	@$(call LUA_ENV,$(BUILD)) LUA='$(LUA)' .ci/interop

run-examples: $(CORE)
	@$(call LUA_ENV,$(BUILD)) .ci/examples

# The folder holds cases/, truth.json and causes.json; without one the programs kept here are
# written, and their scores are held against floors.
DIR  ?= $(BUILD)/faultbench
JOBS ?= 2
SEED ?= 1
.PHONY: run-loops
run-loops: $(CORE)
	@$(call LUA_ENV,$(BUILD)) LUA='$(LUA)' $(LUA) spec/loops/run_loops.lua \
	  '$(if $(filter file,$(origin DIR)),spec/loops/kept,$(DIR))' $(SEED)

RUNS ?= 516
.PHONY: run-specificity run-sensitivity
run-specificity run-sensitivity: $(CORE)
	@$(call LUA_ENV,$(BUILD)) JOBS=$(JOBS) $(LUA) spec/suites/run_suite.lua $(@:run-%=%) \
	  $(SEED) $(RUNS)

.PHONY: run-runs
run-runs: $(CORE)
	@$(call LUA_ENV,$(BUILD)) $(LUA) spec/recorded/score.lua '$(DIR)' $(RUNS_ARGS)

OWN := $(filter file,$(origin DIR))
.PHONY: run-faultbench
run-faultbench: $(CORE)
	@$(if $(OWN),$(call LUA_ENV,$(BUILD)) $(LUA) spec/faultbench/write_kept.lua '$(DIR)' $(SEED))
	@$(call LUA_ENV,$(BUILD)) $(LUA) spec/faultbench/run.lua '$(DIR)' --jobs $(JOBS) \
	  $(if $(TRAIN_ONLY),--train-only,--truth '$(DIR)/truth.json') \
	  $(if $(OWN),$(if $(TRAIN_ONLY),,--floors spec/faultbench/kept/floors.lua --random-search)) \
	  $(FAULTBENCH_ARGS)

.PHONY: run-mutants
run-mutants: $(CORE)
	@$(call LUA_ENV,$(BUILD)) $(LUA) spec/mutants/run.lua --table $(BUILD)/MUTANTS.md
	@cmp -s $(BUILD)/MUTANTS.md spec/mutants/MUTANTS.md || \
	  cp $(BUILD)/MUTANTS.md spec/mutants/MUTANTS.md

# A child that ends early is an answer, not a broken pipe.
WORKLOADS ?=
THREADS   ?=
REPEATS   ?=
PEERS     ?=
PARTS     ?=
run-bench: $(CORE) $(BUILD)/bench/floor
	@trap '' PIPE; $(call LUA_ENV,$(BUILD)) $(LUA) spec/bench/run.lua lua='$(LUA)' \
	  floor='$(BUILD)/bench/floor' workloads='$(WORKLOADS)' threads='$(THREADS)' \
	  repeats='$(REPEATS)' peers='$(PEERS)' parts='$(PARTS)' $(BENCH_ARGS)

.PHONY: run-counts
run-counts: $(BUILD)/bench/counts
	@$(call LUA_ENV,$(BUILD)) $(LUA) spec/bench/counts.lua $< $(BUILD)/bench $(if $(WRITE),write=1)
$(BUILD)/bench/counts: spec/bench/counts.c $(OBJECTS) $(BUILD)/flags-link
	@mkdir -p $(@D)
	$(call say,HOST,$@)$(CC) $(ALL_CFLAGS) -o $@ $< $(OBJECTS) -Wl,-E $(LUA_LIBS) $(LDFLAGS) \
	  $(BLAS_LIBS) -lpthread -lm

$(BUILD)/bench/floor: spec/bench/floor.c $(BUILD)/obj/base/clock.o
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LDFLAGS) $(BLAS_LIBS) -lm

# All of them, also after one has missed its bound.
run-reference: $(CORE)
	@rc=0; for f in spec/reference/[0-9]*.lua; do \
	  $(call LUA_ENV,$(BUILD)) $(LUA) $$f $(ONLY) || rc=1; done; exit $$rc

# Hosts link Lua themselves and take the core's objects, as a program that embeds lossdbg would.
HOSTS     := $(patsubst spec/embed/%.c,%,$(sort $(wildcard spec/embed/*.c)))
LUA_LIBS  ?= $(or $(shell pkg-config --libs lua5.4 2>/dev/null || pkg-config --libs lua-5.4 \
               2>/dev/null || pkg-config --libs lua54 2>/dev/null),-llua5.4)
define host
@mkdir -p $(@D)
$(call say,HOST,$@)$(CC) $(ALL_CFLAGS) -o $@ $< $(BUILD)/liblossdbg.a -Wl,-E $(LUA_LIBS) \
  $(LDFLAGS) $(BLAS_LIBS) -lpthread -lm
endef
$(BUILD)/embed/%: spec/embed/%.c $(BUILD)/liblossdbg.a spec/embed/host.h
	$(host)
$(BUILD)/embed/example: examples/embed/host.c $(BUILD)/liblossdbg.a
	$(host)
# Under AddressSanitizer all of them; without it the ones that watch the process's memory; under
# ThreadSanitizer the one with threads.
.PHONY: hosts run-embed run-fuzz
hosts: $(HOSTS:%=$(BUILD)/embed/%) $(BUILD)/embed/example
run-embed:
	@$(MAKE) $(PARALLEL) BUILD=build/asan SANITIZE=$(RUN_SANITIZERS) CC=gcc hosts
	@$(MAKE) $(PARALLEL) build/embed/states
	@$(MAKE) $(PARALLEL) BUILD=build/tsan SANITIZE=thread CC=gcc build/tsan/embed/states
	@$(call LUA_ENV,build) $(ASAN_RUN) TSAN_OPTIONS=suppressions=spec/embed/tsan.supp .ci/embed \
	  $(HOSTS:%=build/asan/embed/%) build/asan/embed/example build/embed/states \
	  build/tsan/embed/states

# One libFuzzer program per spec/fuzz/fuzz_*.c, each linked with the rooms that need no Lua.
SECONDS_EACH ?= 30
FUZZERS := $(patsubst spec/fuzz/%.c,%,$(sort $(wildcard spec/fuzz/fuzz_*.c)))
PARSERS := $(sort $(wildcard csrc/base/*.c csrc/io/*.c))
build/fuzz/%: spec/fuzz/%.c $(PARSERS)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)clang -std=c11 -O1 -g -Icsrc -ffp-contract=off \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $(PARSERS) -lpthread -lm
run-fuzz: $(FUZZERS:%=build/fuzz/%)
	@rm -rf build/fuzz/seeds; $(LUA) spec/fuzz/seeds.lua build/fuzz/seeds
	@.ci/fuzz '$(SECONDS_EACH)' $(FUZZERS)

# ---- install -------------------------------------------------------------------------------------
PREFIX    ?= /usr/local
DESTDIR   ?=
LUADIR    ?= $(PREFIX)/share/lua/5.4
LUALIBDIR ?= $(PREFIX)/lib/lua/5.4
VERSION    = $(shell sed -n 's/.*LOSSDBG_VERSION "\(.*\)".*/\1/p' csrc/lossdbg.h)
SONAME    := liblossdbg.so.0

# program LUADIR LUALIBDIR: the script that finds its modules wherever they were put
program = printf '%s\n' '\#!/usr/bin/env $(notdir $(LUA))' \
  'package.path = "$(1)/?.lua;$(1)/?/init.lua;" .. package.path' \
  'package.cpath = "$(2)/?.so;" .. package.cpath' \
  'os.exit(require("lossdbg.cli").main(arg), true)'
$(BUILD)/bin/lossdbg: Makefile
	@mkdir -p $(@D); $(call program,$(CURDIR)/lua,$(abspath $(BUILD))) >$@.$$$$ && \
	  chmod 755 $@.$$$$ && mv -f $@.$$$$ $@

$(BUILD)/$(SONAME): $(OBJECTS) $(BUILD)/flags-link
	$(call say,LINK,$@)$(CC) $(LIBFLAG) $(if $(filter Darwin,$(UNAME)),,-Wl$(comma)-soname$(comma)$(SONAME)) \
	  -o $@.$$$$ $(OBJECTS) $(LDFLAGS) $(BLAS_LIBS) -lpthread -lm && mv -f $@.$$$$ $@
comma := ,

define PC
prefix=$(PREFIX)
includedir=$${prefix}/include
libdir=$${prefix}/lib

Name: lossdbg
Description: finds out why the loss of a neural network does not fall; a core for hosts of Lua 5.4
Version: $(VERSION)
Requires.private: lua5.4
Cflags: -I$${includedir}
Libs: -L$${libdir} -llossdbg
Libs.private: $(BLAS_LIBS) -lpthread -lm
endef
export PC

# Texts that the command writes about itself: kind and place below share/.
TEXTS := man:man/man1/lossdbg.1 bash:bash-completion/completions/lossdbg \
         zsh:zsh/site-functions/_lossdbg
.PHONY: install uninstall env run-install
install: ## PREFIX=/usr/local DESTDIR=: module, program, header, libraries, lossdbg.pc
	@.ci/deps build && $(MAKE) $(PARALLEL) run-install
run-install: $(CORE) $(BUILD)/liblossdbg.a $(BUILD)/$(SONAME)
	@umask 022; to='$(DESTDIR)$(PREFIX)' lua='$(DESTDIR)$(LUADIR)' lib='$(DESTDIR)$(LUALIBDIR)'; set -e; \
	mkdir -p "$$to/bin" "$$to/include" "$$to/lib/pkgconfig" "$$lua" "$$lib/lossdbg"; \
	(cd lua && find lossdbg -type d) | while read -r d; do mkdir -p "$$lua/$$d"; done; \
	(cd lua && find lossdbg -type f) | while read -r f; do \
	  install -m 644 "lua/$$f" "$$lua/$$f"; done; \
	install -m 755 $(CORE) "$$lib/lossdbg/core.so"; \
	install -m 644 csrc/lossdbg.h "$$to/include/lossdbg.h"; \
	install -m 644 $(BUILD)/liblossdbg.a "$$to/lib/liblossdbg.a"; \
	install -m 755 $(BUILD)/$(SONAME) "$$to/lib/$(SONAME)"; \
	ln -sf $(SONAME) "$$to/lib/liblossdbg.so"; \
	printf '%s\n' "$$PC" >"$$to/lib/pkgconfig/lossdbg.pc"; \
	$(call program,$(LUADIR),$(LUALIBDIR)) >"$$to/bin/lossdbg"; chmod 755 "$$to/bin/lossdbg"; \
	for text in $(TEXTS); do f="$$to/share/$${text#*:}"; mkdir -p "$${f%/*}"; \
	  $(call LUA_ENV,$(BUILD)) $(LUA) lua/lossdbg/cli/_command.lua help --$${text%%:*} >"$$f"; \
	  chmod 644 "$$f"; done; \
	echo "installed below $$to; modules in $$lua and $$lib"

uninstall: ## removes what install put there (same PREFIX, DESTDIR)
	@rm -rf '$(DESTDIR)$(LUADIR)/lossdbg' '$(DESTDIR)$(LUALIBDIR)/lossdbg'; \
	cd '$(DESTDIR)$(PREFIX)' && rm -f bin/lossdbg include/lossdbg.h lib/liblossdbg.a \
	  lib/liblossdbg.so lib/$(SONAME) lib/pkgconfig/lossdbg.pc \
	  $(foreach text,$(TEXTS),share/$(lastword $(subst :, ,$(text))))

# For `eval`: LUA_PATH_5_4 comes before LUA_PATH and touches no other Lua.
env: ## what a shell needs to use this checkout from any folder: eval "$(make -s env)"
	@echo 'export LUA_PATH_5_4="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$${LUA_PATH_5_4:-$${LUA_PATH:-;}}"'; \
	echo 'export LUA_CPATH_5_4="$(abspath $(BUILD))/?.so;$${LUA_CPATH_5_4:-$${LUA_CPATH:-;}}"'; \
	echo 'export PATH="$(abspath $(BUILD))/bin:$$PATH"'

# ---- the rest ------------------------------------------------------------------------------------
.PHONY: rock annotations docs rockspecs deps format clean help print
rock: ## what LuaRocks calls: the core in build/rock, never mixed with other builds
	@$(MAKE) $(PARALLEL) BUILD=build/rock SANITIZE= build/rock/lossdbg/core.so

annotations: $(CORE) ## write the options of optimisers for editors, from the rows of the core
	@$(call LUA_ENV,$(BUILD)) $(LUA) .ci/annotations.lua
docs: $(CORE) ## the reference in HTML, build/docs/index.html
	@mkdir -p $(BUILD)/docs; $(call LUA_ENV,$(BUILD)) $(LUA) .ci/docs.lua $(BUILD)/docs
rockspecs: ## write the list of modules into the rockspecs
	@$(LUA) .ci/rockspecs.lua

deps: ## install everything that any target needs (Debian, Ubuntu)
	@.ci/deps all

format: ## clang-format every C file
	clang-format -i $$(find csrc spec examples -name '*.[ch]')

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14
	@echo; echo "Settings: V=1 (show commands) CC CFLAGS ARCH OPENBLAS_DIR BLAS_LIBS LUA LUA_INCDIR SPECS"

print: ## what was found: compilers, Lua, OpenBLAS
	@echo 'CC          $(CC)'; echo 'CFLAGS      $(strip $(ALL_CFLAGS))'; \
	 echo 'OpenBLAS    $(BLAS_LIBS) (from $(BLAS_FROM))'; echo 'LUA         $(LUA) ($(LUA_CFLAGS))'
