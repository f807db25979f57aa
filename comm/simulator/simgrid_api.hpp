#pragma once

// Calls that have different names in SimGrid 3 and SimGrid 4. Nothing else asks for the version.

#include <functional>
#include <string>
#include <vector>

namespace simgrid::s4u {
class Activity;
class Engine;
class Host;
class Link;
class LinkInRoute;
class NetZone;
}  // namespace simgrid::s4u

namespace eightfold::comm::simulator {

// Calls `ended` after every communication and every execution.
void on_completion(const std::function<void(const simgrid::s4u::Activity&)>& ended);
void start(simgrid::s4u::Activity& activity);

simgrid::s4u::NetZone* add_star_zone(simgrid::s4u::Engine& engine, const std::string& name);
simgrid::s4u::Host* add_host(simgrid::s4u::NetZone& zone, const std::string& name, double speed);
simgrid::s4u::Link* add_link(simgrid::s4u::NetZone& zone, const std::string& name, double bytes_per_s);
// The ways from a host of a star zone to its centre and back.
void add_ways(simgrid::s4u::NetZone& zone, const simgrid::s4u::Host& host,
              const std::vector<simgrid::s4u::LinkInRoute>& up,
              const std::vector<simgrid::s4u::LinkInRoute>& down);

}  // namespace eightfold::comm::simulator
