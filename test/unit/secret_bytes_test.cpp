#include "core/secret_bytes.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulla {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_convertible_v<SecretBytes, Bytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

SecretBytes Make(std::string_view text) {
  Result<SecretBytes> made = SecretBytes::CopyOf(AsBytes(text));
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

TEST(SecretBytesTest, LivesInTheSecureHeapAndStartsAsZeros) {
  const Result<SecretBytes> made = SecretBytes::Allocate(32);
  ASSERT_TRUE(made.ok());
  const Bytes bytes = made.value().RevealSecretBytes();
  EXPECT_EQ(bytes.size(), 32U);
  EXPECT_EQ(CRYPTO_secure_allocated(bytes.data()), 1);
  EXPECT_TRUE(
      std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
}

// The heap stays mapped after a block is freed, and its allocator writes two pointers to the block's
// beginning: so the rest of it shows whether the secret was wiped.
bool WipedButForTheAllocator(const std::byte* block, size_t size) {
  return std::all_of(block + 2 * sizeof(void*), block + size,
                     [](std::byte b) { return b == std::byte{0}; });
}

TEST(SecretBytesTest, WipesWhenDestroyed) {
  const std::byte* block = nullptr;
  {
    const SecretBytes secret = Make("0123456789abcdef0123456789abcdef");
    block = secret.RevealSecretBytes().data();
    EXPECT_FALSE(WipedButForTheAllocator(block, 32));
  }
  EXPECT_TRUE(WipedButForTheAllocator(block, 32));
}

TEST(SecretBytesTest, MovingEmptiesTheSourceAndWipesTheTarget) {
  SecretBytes first = Make("0123456789abcdef0123456789abcdef");
  const std::byte* const first_block = first.RevealSecretBytes().data();
  SecretBytes second = Make("fedcba9876543210fedcba9876543210");
  const std::byte* const second_block = second.RevealSecretBytes().data();
  second = std::move(first);
  EXPECT_EQ(second.RevealSecretBytes().data(), first_block);
  EXPECT_EQ(first.size(), 0U);  // NOLINT: that is the point
  EXPECT_TRUE(WipedButForTheAllocator(second_block, 32));

  const SecretBytes third(std::move(second));
  EXPECT_EQ(AsText(third.RevealSecretBytes()), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(second.size(), 0U);  // NOLINT
}

TEST(SecretBytesTest, MovingToItselfKeepsTheBytes) {
  SecretBytes secret = Make("keep me");
  SecretBytes& same = secret;
  secret = std::move(same);
  EXPECT_EQ(AsText(secret.RevealSecretBytes()), "keep me");
}

TEST(SecretBytesTest, FullHeapIsAnErrorAndNotOrdinaryMemory) {
  std::vector<SecretBytes> held;
  while (held.size() < kSecureHeapSize / 1024 + 1) {
    Result<SecretBytes> made = SecretBytes::Allocate(1024);
    if (!made.ok()) {
      EXPECT_EQ(made.error().code, Code::kUnavailable);
      break;
    }
    held.push_back(std::move(made).value());
  }
  EXPECT_GT(held.size(), kSecureHeapSize / 1024 / 2);
  EXPECT_LE(held.size(), kSecureHeapSize / 1024);
  held.clear();
  EXPECT_TRUE(SecretBytes::Allocate(1024).ok());
}

TEST(SecretBytesTest, RefusesNothingAndTooMuch) {
  EXPECT_EQ(SecretBytes::Allocate(0).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SecretBytes::Allocate(kSecureHeapSize + 1).error().code, Code::kUnavailable);
}

TEST(SecretBytesTest, ChildDoesNotClaimTheParentsLock) {
  ASSERT_TRUE(SecretBytes::Allocate(1).ok());
  const pid_t child = fork();
  if (child == 0) _exit(SecureHeapIsLocked() ? 1 : 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SecretBytesTest, ComparesSizeAndBytes) {
  EXPECT_TRUE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abc")));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("abd")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("abc"), AsBytes("ab")));
}

}  // namespace
}  // namespace bulla
