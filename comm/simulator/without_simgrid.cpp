#include "comm/simulator/cluster.hpp"
#include "comm/simulator/simulator.hpp"
#include "kernels/base/error.hpp"

namespace eightfold::comm::simulator {

bool has_simulator() {
  return false;
}

class Cluster::World {};

Cluster::Cluster(const Fabric&, const schedules::Topology&, bool) {
  base::raise<base::EnvironmentError>(
      "this eightfold was built without SimGrid, which simulates; install libsimgrid-dev and build again");
}
Cluster::~Cluster() = default;

// There is no cluster to call these of.
void Cluster::work(int, Processor, double, Done) {}
void Cluster::send(int, int, double, Done, Done) {}
int Cluster::last_link_messages(int, int) const {
  return 0;
}
void Cluster::run() {}
double Cluster::now_s() const {
  return 0;
}
double Cluster::busiest_link_s() const {
  return 0;
}

}  // namespace eightfold::comm::simulator
