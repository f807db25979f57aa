#pragma once

// A collective is data: a Schedule says what one rank does, round by round, with the shards of a bucket. The
// executor runs it over a transport, the prover symbolically (comm/prover/prover.hpp), the simulator on a
// modelled cluster. This file knows neither MPI nor devices nor codecs.
//
// A rank has the values of a shard in fp32. Once the shard is sealed, it also has the encoded bytes that the
// values were decoded from. The rules that all interpreters follow:
//
// 1. In a round a shard is first sealed, then sent, then received. A send carries what earlier rounds and the
//    round's seal have left, never what the same round receives. Apart from that, the steps of a round run at
//    the same time. Their order is a hint: a rank that cannot start all at once starts them in this order.
// 2. send_fresh encodes the values and meets receive_add. send_sealed passes the sealed bytes on as they are
//    and meets receive_final. A collective has at most one message of a sender, receiver, shard and kind: the
//    four are its address.
// 3. The additions of a round to a shard are summed in fp32 from the lowest rank to the highest. The rank's
//    own values stand at the place of its rank. The sum is first needed by the shard's next seal or
//    send_fresh: there summing and encoding can be one pass.
// 4. seal encodes the sum once, and the rank's own values become what those bytes decode to. So does
//    receive_final with the bytes of another rank. From then on only these bytes travel: the shard is not
//    added to, encoded or sealed again. This is what makes replicas equal bit for bit.
// 5. The segments of a shard do not depend on each other. Segment k of a step waits only for segment k of the
//    earlier steps of its shard. So rounds overlap in the pipeline.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::comm::schedules {

// The shards that ranks have before and after. "Everybody" and "owner" are about a shard.
enum class Collective {
  all_reduce,      // everybody contributes; everybody has the sum
  reduce_scatter,  // everybody contributes; its owner has the sum
  all_gather,      // its owner has it; everybody has it
  broadcast,       // the root has it; everybody has it
  scatter,         // the root has it; its owner has it
  gather,          // its owner has it; the root has it
};
std::string_view to_string(Collective collective);

inline constexpr int kNoRank = -1;

// Elements [offset, offset + count) of the bucket. Every boundary between shards is one between blocks.
struct Shard {
  std::int64_t offset = 0;
  std::int64_t count = 0;
  int owner = kNoRank;  // the rank that seals it; kNoRank if every rank computes the sum itself

  friend bool operator==(const Shard&, const Shard&) = default;
};

enum class Action : std::uint8_t { seal, send_fresh, send_sealed, receive_add, receive_final };

// By rule 1: 0 for a seal, 1 for what is sent, 2 for what is received.
inline constexpr int kPlacesInRound = 3;
int place_in_round(Action action);

struct Step {
  Action action;
  int shard;
  int peer = kNoRank;  // whom it is sent to or received from

  friend bool operator==(const Step&, const Step&) = default;
};
// "sends shard 3 sealed to rank 2"
std::string to_string(const Step& step);

using Round = std::vector<Step>;

struct Schedule {
  std::vector<Shard> shards;  // the same on every rank, in the order of their elements
  std::vector<Round> rounds;  // no step names an empty shard

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

// One shard per owner, in this order, as equal as whole blocks allow; the last shard that is not empty may
// end within a block.
std::vector<Shard> even_shards(std::int64_t elements, std::span<const int> owners);

// Bytes that so many elements, at least one, take on the wire, however many segments they travel in.
using WireSize = std::function<std::size_t(std::int64_t elements)>;

// Bytes that the rank of this schedule sends.
std::size_t bytes_sent(const Schedule& schedule, const WireSize& wire);

}  // namespace eightfold::comm::schedules
