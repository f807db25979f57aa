#pragma once

// The modelled cluster: processors and links, each shared fairly among its users at the same time. The one
// place that knows SimGrid.

#include "comm/schedules/topology.hpp"
#include "comm/simulator/fabric.hpp"

#include <functional>
#include <memory>

namespace eightfold::comm::simulator {

// The processors of a rank.
enum class Processor {
  compute,  // its device; without one, a core for its worker
  codec,    // its device again, before everything else; without one, a core for its engine
  engine,   // a core for its engine
};

class Cluster {
 public:
  using Done = std::function<void()>;

  // Throws EnvironmentError in a build without SimGrid. A process can make only one, because SimGrid's engine
  // cannot be created again.
  Cluster(const Fabric& fabric, const schedules::Topology& topology, bool has_device);
  ~Cluster();
  Cluster(const Cluster&) = delete;  // what is under way refers to it
  Cluster& operator=(const Cluster&) = delete;

  // Both return at once. `done` is called when the work is done. `left` is called when the last byte has
  // passed the links and the next message may go, `arrived` when the latency has passed, too. Never before
  // they return.
  void work(int rank, Processor processor, double time_s, Done done);
  void send(int from, int to, double bytes, Done left, Done arrived);

  // Messages that are passing the last link on the way from one to the other.
  int last_link_messages(int from, int to) const;

  // Until nothing is under way any more.
  void run();
  double now_s() const;
  // Bytes over the busiest link, divided by its rate.
  double busiest_link_s() const;

 private:
  class World;
  std::unique_ptr<World> world_;
};

}  // namespace eightfold::comm::simulator
