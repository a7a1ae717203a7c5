// std::expected for every compiler weft supports.
//
//   #include <weft/expected.h>
//   std::expected<int, std::string> parse(std::string_view text);
//
// libstdc++ hides <expected> unless the compiler claims __cpp_concepts >= 202002L. Clang 16 to 18 implement all that the
// header needs but claim 201907L. For them, and only while <expected> is read, the macro is raised; afterwards it is
// what it was. A user may have included <expected> before, which left its include guard defined and nothing declared:
// then the guard goes first.
#pragma once

#include <version>

#if defined(__clang__) && defined(__GLIBCXX__) && defined(__cpp_concepts) && __cpp_concepts < 202002L && \
    !defined(__cpp_lib_expected)
#undef _GLIBCXX_EXPECTED
#pragma push_macro("__cpp_concepts")
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wbuiltin-macro-redefined"
#undef __cpp_concepts
#define __cpp_concepts 202002L
#include <expected>
#pragma pop_macro("__cpp_concepts")
#pragma clang diagnostic pop
#else
#include <expected>
#endif

#ifndef __cpp_lib_expected
#error "weft needs std::expected: compile as C++23 (-std=c++23, or -std=c++2b before Clang 17)"
#endif
