#include "comm/simulator/cluster.hpp"
#include "comm/simulator/simgrid_api.hpp"
#include "comm/simulator/simulated_device.hpp"
#include "comm/simulator/simulator.hpp"
#include "kernels/base/error.hpp"

#include <fmt/format.h>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>
#include <xbt/log.h>

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

namespace eightfold::comm::simulator {
namespace {

namespace s4u = simgrid::s4u;

// SimGrid's models without its corrections for TCP: a fabric's rates are payload rates already. They are
// divided by max-min fairness.
void configure() {
  xbt_log_control_set("root.thresh:error");
  s4u::Engine::set_config("network/model:CM02");
  s4u::Engine::set_config("network/optim:Lazy");
  s4u::Engine::set_config("network/crosstraffic:0");
  s4u::Engine::set_config("network/TCP-gamma:0");
  s4u::Engine::set_config("network/bandwidth-factor:1");
  s4u::Engine::set_config("network/weight-S:0");
}

}  // namespace

bool has_simulator() {
  return true;
}

// All routes are an end's way up and another end's way down. A rank has one end per kind of distance, because
// messages to neighbours and to other nodes take different links.
class Cluster::World {
 public:
  World(const Fabric& fabric, const schedules::Topology& topology, bool has_device)
      : fabric_(fabric), topology_(topology), engine_("eightfold") {
    configure();
    zone_ = add_star_zone(engine_, "cluster");
    add_processors(has_device);
    add_cards();
    for (int rank = 0; rank < topology.ranks(); ++rank) add_ends(rank);
    last_link_messages_.resize(static_cast<std::size_t>(topology.ranks()) + cards_.size());
    zone_->seal();
    on_completion([this](const s4u::Activity& activity) { finish(activity); });
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void work(int rank, Processor processor, double time_s, Done done) {
    // No time passes, but `done` must not run before this returns.
    if (time_s <= 0) return later(std::move(done));
    if (!machines_.empty()) return share_cores(machine_of(rank), time_s, std::move(done));
    const double now_s = s4u::Engine::get_clock();
    if (devices_.empty() || processor == Processor::engine) return call_at(now_s + time_s, std::move(done));
    SimulatedDevice& device = devices_[static_cast<std::size_t>(rank)];
    if (processor == Processor::codec) return device.run_codec(now_s, time_s, std::move(done));
    device.compute(now_s, time_s, std::move(done));
  }

  // Latency is added outside SimGrid: it takes no share of a link.
  void send(int from, int to, double bytes, Done left, Done arrived) {
    const Distance distance = distance_of(from, to);
    const double latency_s = distance == Distance::node ? fabric_.node_latency_s : fabric_.network_latency_s;
    int& messages = last_link_messages_[last_link(distance, to)];
    ++messages;
    Done done = [this, &messages, latency_s, left = std::move(left), arrived = std::move(arrived)] {
      --messages;
      left();
      if (latency_s <= 0) return arrived();
      call_at(s4u::Engine::get_clock() + latency_s, arrived);
    };
    const End& out = ends_[place(from, distance)];
    const End& in = ends_[place(to, distance)];
    if (out.up.empty() && in.down.empty()) return later(std::move(done));
    // With the bytes that credit covers: they, too, pass the link.
    for (const Carrier& carrier : out.up) count(carrier, bytes);
    for (const Carrier& carrier : in.down) count(carrier, bytes);
    double charged = bytes;
    Card* card = distance == Distance::node ? nullptr : &cards_[card_of(from)];
    if (card != nullptr) charged -= card->take_credit(fabric_, s4u::Engine::get_clock(), bytes);
    const s4u::CommPtr comm = s4u::Comm::sendto_init(out.host, in.host);
    // Credit may cover the whole message; something is left for SimGrid to carry.
    comm->set_payload_size(static_cast<uint64_t>(std::max(charged, 1.0)));
    start(comm, [card, done = std::move(done)] {
      if (card != nullptr) card->rest(s4u::Engine::get_clock());
      done();
    });
  }

  int last_link_messages(int from, int to) const {
    return last_link_messages_[last_link(distance_of(from, to), to)];
  }

  void run() {
    // Work of no time may be all that there is so far. SimGrid then has nothing to run, and would return.
    drain();
    engine_.run();
    base::require(live_.empty(), "{} activities of a simulation never ended", live_.size());
  }

  double busiest_link_s() const {
    double most = 0;
    for (const auto& [link, bytes] : carried_) most = std::max(most, bytes / link->get_bandwidth());
    return most;
  }

 private:
  // On one node; under one leaf switch, or in a network with one switch; by way of the uplinks.
  enum class Distance { node, branch, tree };
  static constexpr std::size_t kDistances = 3;
  using Carrier = s4u::Link*;
  struct End {
    s4u::Host* host = nullptr;
    std::vector<Carrier> up, down;
  };
  // A network card's way out. While it rests it gains credit, which the next bytes use up at once.
  struct Card {
    Carrier up, down;
    int sending = 0;
    double idle_since_s = 0;
    double credit = 0;

    double take_credit(const Fabric& fabric, double now_s, double bytes) {
      if (sending++ == 0)
        credit = std::min(fabric.burst_bytes, credit + (now_s - idle_since_s) * fabric.card_bytes_per_s);
      const double taken = std::min(credit, bytes);
      credit -= taken;
      return taken;
    }
    void rest(double now_s) {
      if (--sending == 0) idle_since_s = now_s;
    }
  };

  s4u::Host* add_host(const std::string& name, int cores) {
    return simulator::add_host(*zone_, name, 1.0)->set_core_count(cores);
  }
  Carrier add_link(const std::string& name, double bytes_per_s) {
    return simulator::add_link(*zone_, name, bytes_per_s);
  }

  // Unshared processors need no model of sharing: a clock suffices.
  void add_processors(bool has_device) {
    if (has_device)
      for (int rank = 0; rank < topology_.ranks(); ++rank)
        devices_.emplace_back([this](double time_s, Done done) { call_at(time_s, std::move(done)); });
    else if (fabric_.cores > 0)
      for (int node = 0; node < topology_.nodes(); node += nodes_per_machine())
        machines_.push_back(add_machine(fmt::format("machine{}", machines_.size())));
  }

  s4u::Host* add_machine(const std::string& name) {
    const auto give = [cores = fabric_.cores, slowdown = fabric_.oversubscription_slowdown](
                          double all, int at_once) { return at_once > cores ? all / slowdown : all; };
    return add_host(name, fabric_.cores)->set_sharing_policy(s4u::Host::SharingPolicy::NONLINEAR, give);
  }

  void add_cards() {
    for (int card = 0; card < topology_.nodes() * fabric_.cards; ++card)
      cards_.push_back({add_link(fmt::format("card{}.up", card), fabric_.card_bytes_per_s),
                        add_link(fmt::format("card{}.down", card), fabric_.card_bytes_per_s)});
    if (fabric_.nodes_per_switch == 0) return;
    const double rate =
        fabric_.card_bytes_per_s * fabric_.cards * fabric_.nodes_per_switch / fabric_.oversubscription;
    for (int first = 0; first < topology_.nodes(); first += fabric_.nodes_per_switch)
      switches_.push_back({add_link(fmt::format("switch{}.up", switches_.size()), rate),
                           add_link(fmt::format("switch{}.down", switches_.size()), rate)});
  }

  void add_ends(int rank) {
    End near, branch;
    const bool has_own_way = fabric_.neighbour_bytes_per_s > 0;
    // A message that passes a slot and only the card behind it waits for the slower of the two.
    const bool waits_for_card = has_own_way && fabric_.slot_bytes_per_s >= fabric_.card_bytes_per_s;
    if (fabric_.slot_bytes_per_s > 0 && !waits_for_card) {
      branch.up.push_back(add_link(fmt::format("slot{}.up", rank), fabric_.slot_bytes_per_s));
      branch.down.push_back(add_link(fmt::format("slot{}.down", rank), fabric_.slot_bytes_per_s));
    }
    if (has_own_way) {
      near.up = {add_link(fmt::format("neighbour{}.up", rank), fabric_.neighbour_bytes_per_s)};
      near.down = {add_link(fmt::format("neighbour{}.down", rank), fabric_.neighbour_bytes_per_s)};
    } else {
      near.up = branch.up;
      near.down = branch.down;
    }
    const Card& card = cards_[card_of(rank)];
    branch.up.push_back(card.up);
    branch.down.insert(branch.down.begin(), card.down);
    End tree = branch;
    if (!switches_.empty()) {
      const auto& [up, down] = switches_[static_cast<std::size_t>(switch_of(rank))];
      tree.up.push_back(up);
      tree.down.insert(tree.down.begin(), down);
    }
    add_end(fmt::format("near{}", rank), std::move(near));
    add_end(fmt::format("branch{}", rank), std::move(branch));
    add_end(fmt::format("tree{}", rank), std::move(tree));
  }

  void add_end(const std::string& name, End end) {
    end.host = add_host(name, 1);
    std::vector<s4u::LinkInRoute> up, down;
    for (const Carrier link : end.up) up.emplace_back(link);
    for (const Carrier link : end.down) down.emplace_back(link);
    add_ways(*zone_, *end.host, up, down);
    ends_.push_back(std::move(end));
  }

  s4u::Host* machine_of(int rank) const {
    return machines_[static_cast<std::size_t>(topology_.node_of(rank) / nodes_per_machine())];
  }
  int nodes_per_machine() const {
    return fabric_.nodes_per_machine > 0 ? fabric_.nodes_per_machine : topology_.nodes();
  }
  int switch_of(int rank) const { return topology_.node_of(rank) / fabric_.nodes_per_switch; }
  std::size_t card_of(int rank) const {
    return static_cast<std::size_t>(topology_.node_of(rank) * fabric_.cards +
                                    topology_.local_rank(rank) % fabric_.cards);
  }
  Distance distance_of(int a, int b) const {
    if (topology_.node_of(a) == topology_.node_of(b)) return Distance::node;
    if (fabric_.nodes_per_switch == 0 || switch_of(a) == switch_of(b)) return Distance::branch;
    return Distance::tree;
  }
  static std::size_t place(int rank, Distance distance) {
    return static_cast<std::size_t>(rank) * kDistances + static_cast<std::size_t>(distance);
  }
  // The last link of a message's route, where messages queue: a rank's, or a card's.
  std::size_t last_link(Distance distance, int to) const {
    if (distance == Distance::node) return static_cast<std::size_t>(to);
    return static_cast<std::size_t>(topology_.ranks()) + card_of(to);
  }
  void count(Carrier link, double bytes) { carried_[link] += bytes; }

  void share_cores(s4u::Host* machine, double time_s, Done done) {
    const s4u::ExecPtr exec = s4u::Exec::init();
    exec->set_flops_amount(time_s)->set_host(machine);
    start(exec, std::move(done));
  }
  void call_at(double time_s, Done done) {
    simgrid::kernel::timer::Timer::set(time_s, [this, done = std::move(done)] {
      later(done);
      drain();
    });
  }

  // SimGrid keeps nothing of ours: what happens after an activity, and the activity itself, is kept here.
  void start(const s4u::ActivityPtr& activity, Done done) {
    live_.emplace(activity.get(), Live{activity, std::move(done)});
    simulator::start(*activity);
  }
  void finish(const s4u::Activity& activity) {
    const auto found = live_.find(&activity);
    if (found == live_.end()) return;
    later(std::move(found->second.done));
    ended_.push_back(std::move(found->second.activity));  // SimGrid still uses it
    live_.erase(found);
    drain();
  }

  void later(Done done) { due_.push_back(std::move(done)); }
  // Finished work may start more, which may finish at once: hence a loop and no recursion.
  void drain() {
    if (std::exchange(is_draining_, true)) return;
    while (!due_.empty()) {
      const Done done = std::move(due_.front());
      due_.pop_front();
      done();
    }
    is_draining_ = false;
    // The last one stays: this may run within SimGrid's callback for it.
    if (ended_.size() > 1) ended_.erase(ended_.begin(), ended_.end() - 1);
  }

  struct Live {
    s4u::ActivityPtr activity;
    Done done;
  };

  const Fabric fabric_;
  const schedules::Topology& topology_;
  s4u::Engine engine_;
  s4u::NetZone* zone_ = nullptr;
  std::vector<SimulatedDevice> devices_;  // by rank; or none
  std::vector<s4u::Host*> machines_;      // whose cores are shared; or none
  std::vector<Card> cards_;
  std::vector<std::pair<Carrier, Carrier>> switches_;  // their ways up and down
  std::vector<End> ends_;                              // by rank and distance
  std::unordered_map<const s4u::Link*, double> carried_;
  std::vector<int> last_link_messages_;  // by last link
  std::unordered_map<const s4u::Activity*, Live> live_;
  std::vector<s4u::ActivityPtr> ended_;
  std::deque<Done> due_;
  bool is_draining_ = false;
};

Cluster::Cluster(const Fabric& fabric, const schedules::Topology& topology, bool has_device)
    : world_(std::make_unique<World>(fabric, topology, has_device)) {}
Cluster::~Cluster() = default;

void Cluster::work(int rank, Processor processor, double time_s, Done done) {
  world_->work(rank, processor, time_s, std::move(done));
}
void Cluster::send(int from, int to, double bytes, Done left, Done arrived) {
  world_->send(from, to, bytes, std::move(left), std::move(arrived));
}
int Cluster::last_link_messages(int from, int to) const {
  return world_->last_link_messages(from, to);
}
void Cluster::run() {
  world_->run();
}
double Cluster::now_s() const {
  return s4u::Engine::get_clock();
}
double Cluster::busiest_link_s() const {
  return world_->busiest_link_s();
}

}  // namespace eightfold::comm::simulator
