# How a C++20 module is built with PGXS. Set MODULE_big, OBJS, EXPORTS_MAP and SOURCE_ROOT (the
# folder that #include "core/…" starts from) and include this file in place of PGXS.

PG_CONFIG ?= pg_config
# make WERROR= builds with a compiler that warns about more than ours does.
WERROR ?= -Werror

# The bitcode step does not see PG_CXXFLAGS and would compile our C++20 as C++14.
override with_llvm := no

# -MMD -MP: Debian's PGXS does not rebuild when a header changes.
# p11-kit has the header of PKCS#11; its library is not linked, nor is libcurl: kms/ loads what it needs.
PG_CPPFLAGS = -I$(SOURCE_ROOT) $(shell pkg-config --cflags p11-kit-1) -MMD -MP
# -Wno-register: PostgreSQL 15's headers use the keyword, which C++17 took away.
PG_CXXFLAGS = -std=c++20 -fvisibility=hidden -fvisibility-inlines-hidden \
    -Wall -Wextra -Wshadow -Wno-register $(WERROR)
# PGXS links with the C compiler.
SHLIB_LINK = -Wl,--version-script=$(EXPORTS_MAP) -lstdc++ -lcrypto -ldl
# make SANITIZE=address,undefined builds for a server that is started with libasan (test/watched.py).
# PostgreSQL's enums are C's, which hold any int.
ifneq ($(SANITIZE),)
PG_CXXFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize=enum -fno-sanitize-recover=all -O1 \
    -fno-omit-frame-pointer -U_FORTIFY_SOURCE
SHLIB_LINK += -fsanitize=$(SANITIZE)
endif
EXTRA_CLEAN += $(OBJS:.o=.d) .build-flags .build-objects

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error $(PG_CONFIG) does not run: "make deps" installs it, or set PG_CONFIG)
endif
include $(PGXS)

# Other people's headers are not held to our warnings. Ours are the relative paths.
override CPPFLAGS := $(patsubst -I/%,-isystem /%,$(CPPFLAGS))

# Objects depend on their flags, so that another PG_CONFIG never links old objects to new ones, and
# the library on the list of its objects, so that a source that is gone is gone from it too.
.build-flags: RECORD = $(CXX) $(CXXFLAGS) $(CPPFLAGS)
.build-objects: RECORD = $(OBJS)
.build-flags .build-objects: force-check
	@printf '%s\n' '$(subst ','\'',$(RECORD))' > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(OBJS): .build-flags
$(shlib): .build-objects $(EXPORTS_MAP)

.PHONY: force-check
-include $(OBJS:.o=.d)
