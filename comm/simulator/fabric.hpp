#pragma once

// Links and cores of a cluster as the simulator models them (comm/simulator/simulator.hpp). A description,
// written by hand or measured by `eightfold bench step --profile`. Rates are bytes per second in each
// direction, times are seconds. A rate of 0 means no limit where a comment says so, and is not allowed else.

#include <string>

namespace eightfold::comm::simulator {

struct Fabric {
  std::string name;
  std::string description;

  // Between nodes. GPU l of a node uses its network card l mod `cards`.
  int cards = 1;
  double card_bytes_per_s = 0;
  double network_latency_s = 0;
  double burst_bytes = 0;  // that a card of a shaped link sends at once after a pause
  // Nodes under each leaf switch of a two-level network. 0: one switch, which never blocks.
  int nodes_per_switch = 0;
  // Rate of all nodes under a leaf switch, divided by the rate of its uplink.
  double oversubscription = 1;

  // Inside a node. Traffic to neighbours and to the cards passes the GPU's PCIe slot; 0: no limit. If
  // neighbours have links of their own (NVLink, a rate above 0), traffic to them bypasses the slot.
  double slot_bytes_per_s = 0;
  double neighbour_bytes_per_s = 0;
  double node_latency_s = 0;

  // Processor time of a rank's engine.
  double message_s = 0;        // per message that it sends
  double send_s_per_byte = 0;  // in the network stack; 0 where hardware does it
  double receive_s_per_byte = 0;

  // Nodes that share processors, such as network namespaces: every `nodes_per_machine` of them (0: all) share
  // `cores`. 0 cores: every rank has cores of its own. Ranks with a device always have one for their engine.
  int nodes_per_machine = 0;
  int cores = 0;
  // Slowdown of oversubscribed cores beyond fair sharing, at least 1: the system does not move a waking
  // thread to a free core at once.
  double oversubscription_slowdown = 1;
};

}  // namespace eightfold::comm::simulator
