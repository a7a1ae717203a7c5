// Reads whole small files, such as those in /proc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::os {

// Up to buffer.size() bytes of the file; empty when it cannot be read, for whatever reason. Allocates nothing; leaves
// errno as it was.
[[gnu::noinline]] std::string_view read_file(const char* path, std::span<char> buffer) noexcept;

// The whole file; empty when it cannot be read, for whatever reason. Leaves errno as it was.
[[gnu::noinline]] std::optional<std::string> read_file(const std::string& path);

// Replaces the file's contents. False: it cannot be written.
[[nodiscard]] bool write_file(const std::string& path, std::string_view contents);

}  // namespace weft::os
