#pragma once

// The wires and cores of a cluster, as the simulator sees them (comm/simulator/simulator.hpp). A description:
// nothing here is measured by itself. Rates are bytes a second in each direction, times seconds.

#include <string>

namespace eightfold::comm::simulator {

struct Fabric {
  std::string name;
  std::string description;

  // Between nodes. GPU l of a node uses its network card l mod `cards`. No rate of 0 but where it is said.
  int cards = 1;
  double card_bytes_per_s = 0;
  double network_latency_s = 0;
  double burst_bytes = 0;  // that a card sends at once after a pause: a shaped link's credit
  // Switches of so many nodes each under one that joins them; 0: a single switch, which never blocks.
  int nodes_per_switch = 0;
  // What the nodes of a switch can send together, over what its way up carries.
  double oversubscription = 1;

  // Inside a node: the slot (PCIe) of each GPU, which carries what goes to its neighbours and to the cards;
  // 0: no limit. With a rate of its own (NVLink) what goes to the neighbours leaves the slot alone.
  double slot_bytes_per_s = 0;
  double neighbour_bytes_per_s = 0;
  double node_latency_s = 0;

  // Processor time of a rank's engine.
  double message_s = 0;        // for every message that it sends
  double send_s_per_byte = 0;  // what the network's software does, where it does anything
  double receive_s_per_byte = 0;

  // Nodes that share processors, such as network namespaces: so many of them (0: all) have `cores` together.
  // Without cores every rank has some of its own, and ranks with a device have a core for their engine in any
  // case.
  int nodes_per_machine = 0;
  int cores = 0;
  // How much longer than their share of the cores makes it work takes where there is more at once than cores:
  // who wakes up is not put at once where there is room.
  double crowding = 1;
};

}  // namespace eightfold::comm::simulator
