// Starting other programs: search in PATH, standard files inherited unless said otherwise.
#pragma once

#include <string>
#include <vector>

namespace weft::tool {

struct spawn_options {
  int stdout_fd = -1;  // -1: inherited
  int stderr_fd = -1;
};

// Runs a program to its end and returns its exit status; 128 + n when signal n killed it, 127 (with a message on stderr)
// when it cannot be started.
int run_program(const std::vector<std::string>& words, spawn_options = {});

// Becomes the program: same process, so exit status, signals and standard files are the program's own. Returns errno.
int become(const std::string& path, const std::vector<std::string>& words);

// The words as one line for a shell.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace weft::tool
