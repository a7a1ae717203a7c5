// What debug::dump prints, taken apart.
#pragma once

#include <weft/debug.h>
#include <weft/weft.h>

#include <cstdio>
#include <string>
#include <vector>

namespace dumps {

inline std::string dump() {
  std::FILE* file = std::tmpfile();
  weft::debug::dump(fileno(file));
  std::string text;
  char block[4096];
  std::rewind(file);
  while (const std::size_t n = std::fread(block, 1, sizeof block, file)) text.append(block, n);
  std::fclose(file);
  return text;
}

// The paragraphs, each from "goroutine N [" on.
inline std::vector<std::string> paragraphs(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = text.find("goroutine "); at != text.npos;) {
    std::size_t end = text.find("\n\n", at);
    all.push_back(text.substr(at, end == text.npos ? end : end + 1 - at));
    at = end == text.npos ? end : text.find("goroutine ", end);
  }
  return all;
}

// The first paragraph that has all the words; empty: none.
inline std::string paragraph_with(const std::string& text, const std::vector<std::string>& words) {
  for (const std::string& p : paragraphs(text)) {
    bool has_all = true;
    for (const std::string& word : words) has_all &= p.find(word) != p.npos;
    if (has_all) return p;
  }
  return {};
}

// libdw is an optional package.
inline bool has_lines(const std::string& text) { return text.find("Install libdw1") == text.npos; }

}  // namespace dumps
