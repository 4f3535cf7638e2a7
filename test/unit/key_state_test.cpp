#include "core/key_state.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace bulla {
namespace {

constexpr KeyState kStates[] = {KeyState::kEnabled, KeyState::kDisabled, KeyState::kDestroyed};
constexpr KeyChange kChanges[] = {KeyChange::kDisable, KeyChange::kEnable, KeyChange::kDestroy};

// The table of docs/spec/keys.md, a row for each state and a column for each change.
constexpr std::optional<KeyState> kRefused;
constexpr std::optional<KeyState> kSpecified[3][3] = {
    {KeyState::kDisabled, kRefused, KeyState::kDestroyed},
    {kRefused, KeyState::kEnabled, KeyState::kDestroyed},
    {kRefused, kRefused, kRefused},
};

TEST(KeyStateTest, EveryChangeOfEveryStateIsAsSpecified) {
  for (size_t state = 0; state < 3; ++state) {
    for (size_t change = 0; change < 3; ++change) {
      const Result<KeyState> changed = ChangeState(kStates[state], kChanges[change]);
      ASSERT_EQ(changed.ok(), kSpecified[state][change].has_value()) << state << change;
      if (changed.ok()) {
        EXPECT_EQ(changed.value(), *kSpecified[state][change]) << state << change;
      } else {
        EXPECT_EQ(changed.error().code, Code::kFailedPrecondition) << state << change;
      }
    }
  }
}

TEST(KeyStateTest, NothingLeadsOutOfDestroyed) {
  for (const KeyTransition& transition : kKeyTransitions)
    EXPECT_NE(transition.from, KeyState::kDestroyed);
}

TEST(KeyStateTest, RefusalsSayWhatIsAndWhatCannotBe) {
  EXPECT_EQ(ChangeState(KeyState::kDestroyed, KeyChange::kEnable).error().message,
            "is destroyed and cannot be enabled");
  EXPECT_EQ(ChangeState(KeyState::kDisabled, KeyChange::kDisable).error().message,
            "is disabled and cannot be disabled again");
}

TEST(KeyStateTest, NamesAreReadBack) {
  for (const KeyState state : kStates) EXPECT_EQ(ParseKeyState(Name(state)).value(), state);
  for (const char* name : {"", "Enabled", "enabled ", "lost"}) {
    const Result<KeyState> parsed = ParseKeyState(name);
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_EQ(parsed.error().code, Code::kCorrupt);
  }
}

TEST(KeyStateTest, KeyRotatesWhileAVersionIsNotDestroyed) {
  using enum KeyState;
  for (const std::vector<KeyState>& versions : std::vector<std::vector<KeyState>>{
           {kEnabled}, {kDisabled}, {kDestroyed, kDisabled}, {kEnabled, kDestroyed}}) {
    EXPECT_TRUE(CheckRotates(Purpose::kEncrypt, versions).ok());
  }
  for (const std::vector<KeyState>& versions :
       std::vector<std::vector<KeyState>>{{}, {kDestroyed}, {kDestroyed, kDestroyed}}) {
    const Result<void> checked = CheckRotates(Purpose::kEncrypt, versions);
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, Code::kFailedPrecondition);
  }
}

TEST(KeyStateTest, KeyOfAnIndexHasOneVersion) {
  const KeyState versions[] = {KeyState::kEnabled};
  const Result<void> checked = CheckRotates(Purpose::kIndex, versions);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(checked.error().message, "is of purpose index and has one version only");
}

}  // namespace
}  // namespace bulla
