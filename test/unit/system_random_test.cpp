#include "kms/system_random.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vectors.h"

namespace bulla {
namespace {

std::string Draw(size_t size) {
  std::vector<std::byte> bytes(size);
  EXPECT_TRUE(SystemRandom::Instance().Fill(bytes).ok());
  return ToHex(bytes);
}

TEST(SystemRandomTest, NeverHandsOutTheSameBytesTwice) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(Draw(24)).second);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(Draw(17)).second);
}

TEST(SystemRandomTest, FillsEverySizeWhole) {
  for (const size_t size : {0, 1, 16, 24, 255, 256, 257, 1023, 1024, 1025, 5000}) {
    // A byte that stays zero in twenty draws was not written.
    std::vector<std::byte> seen(size);
    for (int draw = 0; draw < 20; ++draw) {
      std::vector<std::byte> bytes(size);
      ASSERT_TRUE(SystemRandom::Instance().Fill(bytes).ok());
      for (size_t i = 0; i < size; ++i) seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < size; ++i) EXPECT_NE(seen[i], std::byte{0}) << size << " " << i;
  }
}

TEST(SystemRandomTest, DrawsSecrets) {
  std::vector<std::byte> one(32), two(32);
  ASSERT_TRUE(SystemRandom::Instance().FillSecret(one).ok());
  ASSERT_TRUE(SystemRandom::Instance().FillSecret(two).ok());
  EXPECT_NE(one, two);
}

TEST(SystemRandomTest, ForkedChildDoesNotRepeatTheParent) {
  Draw(24);  // the buffer is filled now, and the child inherits it
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string drawn = Draw(24);
    _exit(write(ends[1], drawn.data(), drawn.size()) == 48 ? 0 : 1);
  }
  const std::string ours = Draw(24);
  std::string theirs(48, '?');
  ASSERT_EQ(read(ends[0], theirs.data(), theirs.size()), 48);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(ours, theirs);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace bulla
