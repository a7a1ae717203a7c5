// The operating system: files, pipes, processes and signals, with the same readers and writers as everywhere.
//
//   auto sorted = weft::os::command("sort", {"-n"}).input("10\n9\n").output();        // "9\n10\n", or an error
//
//   auto log = weft::os::open("/var/log/app", {.read = false, .append = true});
//   log->write("started\n");
//
//   weft::os::signals hup({SIGHUP});
//   for (int signal : hup.channel()) reload();
#pragma once

#include <weft/os/command.h>
#include <weft/os/file.h>
#include <weft/os/pipe.h>
#include <weft/os/signals.h>
