// The witness from start to end.
#pragma once

#include "service/config.h"

namespace bulla::witness {

// The files of a configuration.
std::string StatePath(
    const service::Config& config);  // throws service::ConfigError where none is named
std::string KeyPath(const service::Config& config);
std::string EvidencePath(const service::Config& config);

// As service::Serve, for a witness. Throws StateError where the state is missing, torn, another key's or behind what was
// published, service::StartError where it cannot begin for any other reason.
int Serve(const service::Config& config);

}  // namespace bulla::witness
