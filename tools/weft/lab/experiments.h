// One function per experiment; each has a file of its own.
#pragma once

#include "experiment.h"

namespace weft::lab {

experiment e01_sleepers();
experiment e02_million();
experiment e03_timers();
experiment e04_pingpong();
experiment e05_switch();
experiment e06_stacks();
experiment e07_growth();
experiment e08_spawn();
experiment e09_servers();
experiment e10_procs();
experiment e11_primes();
experiment e12_events();
experiment e13_blocking();
experiment e14_starvation();
experiment e15_flood();
experiment e16_leaks();
experiment e17_races();
experiment e18_realtime();

}  // namespace weft::lab
