#include "sheet.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/fatal.h"
#include "thread_limits.h"

namespace weft::lab {
namespace {

double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::lround(place))];
}

}  // namespace

long sheet::argument(std::string_view name) const {
  const auto found = arguments_.find(std::string(name));
  if (found == arguments_.end()) base::fatal("lab: no argument '%s'", std::string(name).c_str());
  return found->second;
}

void sheet::set_quantiles(const std::string& name, std::vector<double> samples) {
  if (samples.empty()) return;
  std::ranges::sort(samples);
  set(name + "_p50_s", quantile(samples, 0.50));
  set(name + "_p99_s", quantile(samples, 0.99));
  set(name + "_p999_s", quantile(samples, 0.999));
  set(name + "_max_s", samples.back());
  auto& curve = curves_[name];
  for (double percent : {1., 5., 10., 20., 30., 40., 50., 60., 70., 80., 90., 95., 98., 99., 99.5, 99.9, 100.})
    curve.emplace_back(percent, quantile(samples, percent / 100));
}

void sheet::limited(std::string reason) {
  status_ = "limited";
  note_ = std::move(reason);
}

void sheet::refused(std::string reason) {
  status_ = "refused";
  note_ = std::move(reason);
}

void sheet::adopt(const std::string& json) {
  const auto other = nlohmann::json::parse(json, nullptr, false);
  if (other.is_discarded() || !other.is_object()) return refused("another process gave no figures");
  for (const auto& [name, value] : other["figures"].items())
    if (name != "hwm_bytes") set(name, value.get<double>());
  for (const auto& [name, curve] : other["curves"].items()) curve.get_to(curves_[name]);
  if (other["status"] != "ok") status_ = other["status"], note_ = other["note"];
}

long sheet::threads_allowed(long wanted) {
  const long chosen = argument("threads-limit");
  const limit least = tightest_thread_limit();
  const long allowed = std::min(wanted, chosen > 0 ? std::min(chosen, least.room) : least.room);
  if (allowed == wanted) return wanted;
  if (chosen > 0 && chosen <= least.room)
    limited("stopped at " + std::to_string(chosen) + " threads by --threads-limit");
  else
    limited("stopped at " + std::to_string(allowed) + " threads by " + least.name + " = " +
            std::to_string(least.value) + "; to go further: " + least.remedy);
  return allowed;
}

long sheet::memory_allows(long wanted, double bytes_each) {
  const auto room = static_cast<long>(usable_memory_bytes() / bytes_each);
  if (wanted <= room) return wanted;
  limited("stopped at " + std::to_string(room) + " tasks by free memory; to go further: more memory, or a higher " +
          "memory limit of the cgroup");
  return room;
}

void sheet::thread_refused(long started, int error) {
  const limit least = tightest_thread_limit();
  limited("the kernel refused thread " + std::to_string(started + 1) + " (" + std::strerror(error) + "), probably by " +
          least.name + " = " + std::to_string(least.value) + "; to go further: " + least.remedy);
}

std::string sheet::to_json() const {
  const proc_status now = read_proc_status();
  nlohmann::json out{{"status", status_}, {"note", note_}, {"figures", figures_}, {"curves", curves_}};
  out["figures"]["hwm_bytes"] = now.peak_resident_bytes;
  return out.dump();
}

}  // namespace weft::lab
