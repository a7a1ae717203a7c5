// weft: goroutines for C++. Everything up to io; <weft/net.h>, <weft/debug.h> and <weft/testing.h> are separate.
//
//   int main() {
//     return weft::run([] {
//       weft::chan<std::string> words;
//       weft::go([words] { words.send("hello"); words.close(); });
//       for (std::string w : words) std::puts(w.c_str());
//     });
//   }
#pragma once

#include <weft/chan.h>
#include <weft/context.h>
#include <weft/error.h>
#include <weft/io.h>
#include <weft/local.h>
#include <weft/runtime.h>
#include <weft/select.h>
#include <weft/sync.h>
#include <weft/task_group.h>
#include <weft/time.h>
