#include "comm/simulator/simgrid_api.hpp"

#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/s4u.hpp>
#include <simgrid/version.h>

namespace eightfold::comm::simulator {

namespace s4u = simgrid::s4u;

#if SIMGRID_VERSION >= 40000

void on_completion(const std::function<void(const s4u::Activity&)>& ended) {
  s4u::Comm::on_completion_cb(ended);
  s4u::Exec::on_completion_cb(ended);
}
void start(s4u::Activity& activity) {
  activity.start();
}

// The engine comes with a zone that holds all others.
s4u::NetZone* add_star_zone(s4u::Engine& engine, const std::string& name) {
  return engine.get_netzone_root()->add_netzone_star(name);
}
s4u::Host* add_host(s4u::NetZone& zone, const std::string& name, double speed) {
  return zone.add_host(name, speed);
}
s4u::Link* add_link(s4u::NetZone& zone, const std::string& name, double bytes_per_s) {
  return zone.add_link(name, bytes_per_s);
}
void add_ways(s4u::NetZone& zone, const s4u::Host& host, const std::vector<s4u::LinkInRoute>& up,
              const std::vector<s4u::LinkInRoute>& down) {
  zone.add_route(&host, nullptr, up, false);
  zone.add_route(nullptr, &host, down, false);
}

#else

void on_completion(const std::function<void(const s4u::Activity&)>& ended) {
  s4u::Activity::on_completion_cb(ended);
}
// Its start() would not note that the activity has started.
void start(s4u::Activity& activity) {
  activity.vetoable_start();
}

s4u::NetZone* add_star_zone(s4u::Engine& /*engine*/, const std::string& name) {
  return s4u::create_star_zone(name);
}
s4u::Host* add_host(s4u::NetZone& zone, const std::string& name, double speed) {
  return zone.create_host(name, speed);
}
s4u::Link* add_link(s4u::NetZone& zone, const std::string& name, double bytes_per_s) {
  return zone.create_link(name, bytes_per_s);
}
void add_ways(s4u::NetZone& zone, const s4u::Host& host, const std::vector<s4u::LinkInRoute>& up,
              const std::vector<s4u::LinkInRoute>& down) {
  zone.add_route(host.get_netpoint(), nullptr, nullptr, nullptr, up, false);
  zone.add_route(nullptr, host.get_netpoint(), nullptr, nullptr, down, false);
}

#endif

}  // namespace eightfold::comm::simulator
