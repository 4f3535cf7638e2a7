// Counts, sizes and times as people write them.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bulla::service {

// Nothing for what is not written so, or does not fit.
std::optional<std::size_t> ParseCount(std::string_view text);  // "17"
std::optional<std::size_t> ParseSize(std::string_view text);   // "512B", "16KiB", "1MiB", "2GiB"
std::optional<std::chrono::milliseconds> ParseTime(
    std::string_view text);  // "0", "250ms", "10s", "5min", "1h", "7d"

// In the largest unit that gives a whole number; the functions above read it back.
std::string ShowSize(std::size_t bytes);
std::string ShowTime(std::chrono::milliseconds time);

}  // namespace bulla::service
