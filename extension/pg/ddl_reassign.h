// REASSIGN OWNED: PostgreSQL tells no event trigger of it, so a hook on utility statements records the owners
// that it changes. The hook is there in sessions that have the library loaded: all, where it is preloaded.
#pragma once

namespace bulla {

// Installs the hook; once per backend.
void WatchReassignOwned();

}  // namespace bulla
