// Printing all goroutines, for those who need to know why nothing moves.
#pragma once

namespace weft::sched {

void install_dump();       // base::fatal and std::terminate on a goroutine print it
void dump_goroutines();    // to stderr; allocates nothing, takes no lock
void print_own_stack();    // the calling thread's frames, to stderr

}  // namespace weft::sched
