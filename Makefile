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
SPECS        ?= spec
BENCH_ARGS   ?=

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

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla
ifeq ($(SANITIZE),)
OPTIMIZE := -O3
else
OPTIMIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined
endif
# No -ffast-math: NaN and infinity are data here, and the order of sums is part of the result.
NUMERICS := -ffp-contract=off -fno-math-errno -fno-trapping-math
ALL_CFLAGS  = $(ROCKS_CFLAGS) -std=c11 $(OPTIMIZE) $(ARCH) -fPIC -fvisibility=hidden $(NUMERICS) \
              $(WARNINGS) -Icsrc $(LUA_CFLAGS) $(BLAS_CFLAGS) $(CFLAGS)
SAN_LDFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE))

SOURCES := $(sort $(shell find csrc -name '*.c'))
OBJECTS := $(SOURCES:csrc/%.c=$(BUILD)/obj/%.o)
CORE    := $(BUILD)/lossdbg/core.so

# ---- build ---------------------------------------------------------------------------------------
.PHONY: all
all: ## build the core: build/lossdbg/core.so
	@$(MAKE) --no-print-directory $(CORE)

$(CORE): $(OBJECTS) $(BUILD)/flags-link
	@mkdir -p $(@D)
	$(CC) $(LIBFLAG) $(SAN_LDFLAGS) -o $@.tmp $(OBJECTS) $(LDFLAGS) $(BLAS_LIBS) -lm
	@mv -f $@.tmp $@

$(BUILD)/obj/%.o: csrc/%.c $(BUILD)/flags-compile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A stamp changes only when its text does, and then everything that it governs is rebuilt.
define stamp
@mkdir -p $(@D); printf '%s\n' '$(1)' >$@.new; \
if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi
endef
$(BUILD)/flags-compile: FORCE
	$(call stamp,$(CC) $(ALL_CFLAGS))
$(BUILD)/flags-link: FORCE
	$(call stamp,$(CC) $(LIBFLAG) $(SAN_LDFLAGS) $(OBJECTS) $(LDFLAGS) $(BLAS_LIBS))
.PHONY: FORCE
FORCE:

-include $(OBJECTS:.o=.d)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build
