// What the event triggers refuse before it runs, by its parse tree: commands that would take the event
// triggers themselves away, or that commit in the middle, so that their result cannot be refused.
#pragma once

extern "C" {
#include "postgres.h"
#include "nodes/nodes.h"
}

namespace bulla {

// Raises object_not_in_prerequisite_state with a HINT.
void JudgeStart(const Node* statement);

}  // namespace bulla
