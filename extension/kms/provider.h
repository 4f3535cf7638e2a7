// Whoever holds a KEK: seals the structures that data keys are stored as, and opens them again. The KEK
// itself may be out of everybody's reach. docs/spec/keys.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/kek.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret_bytes.h"
#include "kms/waiter.h"

namespace bulla {

// At most so many in one call: what is opened has to fit into the secure heap.
inline constexpr size_t kMaxBatch = 64;

// The most that a provider may make of one structure.
inline constexpr size_t kMaxSealedSize = 8192;

struct ToWrap {
  const SecretBytes* structure;
  Bytes binding;  // associated data, for providers that have it
};

struct ToUnwrap {
  Bytes sealed;
  Bytes binding;
};

class KekProvider {
 public:
  virtual ~KekProvider() = default;

  virtual KekKind kind() const = 0;

  // Names the KEK; may have to read it.
  virtual Result<KekId> Id() = 0;

  // Whether many keys cost little more than one, so that it pays to ask for what will be needed soon.
  virtual bool PrefersBatches() const = 0;

  // What the provider makes of each, 1 to kMaxSealedSize bytes; or none of them.
  virtual Result<std::vector<std::vector<std::byte>>> Wrap(std::span<const ToWrap> batch,
                                                           Waiter& waiter) = 0;

  // One answer for each. The error outside them all means that the provider could not be asked:
  //   kUnavailable           it cannot be reached, does not answer in time, or refuses to serve
  //   kPermissionDenied      it does not let us in
  //   kFailedPrecondition    the setting or a file that it names is wrong
  //   kCancelled             the waiter said so
  // One inside: kAuthenticationFailed for what it will not open.
  virtual Result<std::vector<Result<SecretBytes>>> Unwrap(std::span<const ToUnwrap> batch,
                                                          Waiter& waiter) = 0;
};

struct ProviderEnvironment {
  std::string data_directory;  // secrets must not lie under it
  Random* random;              // outlives the provider
};

// A provider from an item of the setting bulla.kek, "KIND:…". Reads and reaches nothing yet.
// kInvalidArgument for what is no such item; the hint says what is allowed. An item may hold a pasted
// secret: no error repeats it.
Result<std::unique_ptr<KekProvider>> OpenProvider(std::string_view item,
                                                  const ProviderEnvironment& environment);

}  // namespace bulla
