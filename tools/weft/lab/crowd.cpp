#include "crowd.h"

namespace weft::lab {

std::vector<int> usable_cpu_list() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

void stay_on_one_cpu() {
  const auto cpus = usable_cpu_list();
  if (cpus.empty()) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpus.back(), &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

thread_crowd::thread_crowd(sheet& s, bool is_pinned) : sheet_(s) {
  ::pthread_attr_init(&attributes_);
  if (is_pinned) cpus_ = usable_cpu_list();
}

thread_crowd::~thread_crowd() {
  join();
  ::pthread_attr_destroy(&attributes_);
}

long thread_crowd::start_threads(long n, void* (*entry)(void*), const void* function) {
  places_.resize(static_cast<std::size_t>(n));
  threads_.reserve(places_.size());
  for (long i = 0; i < n; ++i) {
    place& mine = places_[static_cast<std::size_t>(i)];
    mine = {function, i};
    if (!cpus_.empty()) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpus_[static_cast<std::size_t>(i) % cpus_.size()], &one);
      ::pthread_attr_setaffinity_np(&attributes_, sizeof one, &one);
    }
    pthread_t started;
    if (const int error = ::pthread_create(&started, &attributes_, entry, &mine)) {
      sheet_.thread_refused(i, error);
      break;
    }
    threads_.push_back(started);
  }
  return static_cast<long>(threads_.size());
}

void thread_crowd::join() {
  for (pthread_t t : threads_) ::pthread_join(t, nullptr);
  threads_.clear();
}

}  // namespace weft::lab
