#include "service/units.h"

#include <chrono>
#include <cstddef>

#include <gtest/gtest.h>

namespace bulla::service {
namespace {

using namespace std::chrono_literals;

TEST(UnitsTest, ReadsCounts) {
  EXPECT_EQ(ParseCount("0"), 0U);
  EXPECT_EQ(ParseCount("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616"})
    EXPECT_FALSE(ParseCount(text)) << text;
}

TEST(UnitsTest, ReadsSizes) {
  EXPECT_EQ(ParseSize("512B"), 512U);
  EXPECT_EQ(ParseSize("16KiB"), 16384U);
  EXPECT_EQ(ParseSize("1MiB"), 1048576U);
  EXPECT_EQ(ParseSize("2GiB"), 2147483648U);
  for (const char* text :
       {"", "16", "16KB", "16kib", "KiB", "-1KiB", "1.5MiB", "1 MiB", "99999999999GiB"})
    EXPECT_FALSE(ParseSize(text)) << text;
}

TEST(UnitsTest, ReadsTimes) {
  EXPECT_EQ(ParseTime("0"), 0ms);
  EXPECT_EQ(ParseTime("250ms"), 250ms);
  EXPECT_EQ(ParseTime("10s"), 10s);
  EXPECT_EQ(ParseTime("5min"), 5min);
  EXPECT_EQ(ParseTime("1h"), 1h);
  EXPECT_EQ(ParseTime("30d"), 720h);
  for (const char* text : {"", "10", "10m", "s", "-1s", "1.5s", "1h30min", "99999999999999d"})
    EXPECT_FALSE(ParseTime(text)) << text;
}

TEST(UnitsTest, ShowsWhatItReads) {
  for (const std::size_t bytes : {0UL, 1UL, 1000UL, 1024UL, 1536UL, 1048576UL, 3221225472UL}) {
    if (bytes > 0) {
      EXPECT_EQ(ParseSize(ShowSize(bytes)), bytes);
    }
    const std::chrono::milliseconds time(bytes);
    EXPECT_EQ(ParseTime(ShowTime(time)), time);
  }
  EXPECT_EQ(ShowSize(16384), "16KiB");
  EXPECT_EQ(ShowTime(1500ms), "1500ms");
  EXPECT_EQ(ShowTime(0ms), "0");
}

}  // namespace
}  // namespace bulla::service
