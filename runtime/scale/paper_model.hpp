#pragma once

// The model of the ICLR 2016 paper "8-Bit Approximations for Parallelism in Deep Learning" (arXiv
// 1511.04561v4, section 5.2). It predicts the speed-up of AlexNet on 96 GPUs: 32 nodes of 3, InfiniBand, a
// batch of 12288. Kept to compare with, not to predict from: prediction.hpp does that.
//
// All GPUs repeat the fully connected part, sub-batch by sub-batch. Before each, every node sends its
// activations to the 31 others, one after the other. The products take 1.3 ms and hide that much of the
// sending. The time beyond it counts 31 times. As formulas, in milliseconds:
//   synchronisation = 31 (latency + bytes / 4.5 GB/s)
//   penalty = synchronisation if that is below 1.3, else 31 (synchronisation - 1.3)
//   speed-up = 96 total / (total - connected + connected * 12288 / sub-batch + penalty)
// Derived from the paper's Tables 5 to 7; the paper states it only in parts.

#include <span>
#include <string_view>

namespace eightfold::runtime::scale {

// Training on one GPU, batch 128. The fully connected part is the same in both.
struct PaperNetwork {
  std::string_view name;
  double total_ms = 0;
  double connected_ms = 6.5;
};
inline constexpr PaperNetwork kNervana{.name = "NervanaGPU", .total_ms = 104.1};
inline constexpr PaperNetwork kConvnet2{.name = "convnet2", .total_ms = 177};

// The message of a node to another node for one sub-batch.
struct PaperMessage {
  double kib = 0;
  double latency_ms = 0;
};

// One of the two precisions of a row.
struct PaperCase {
  PaperMessage printed;  // in Table 5, but for the mistakes that the source file lists
  double latency_ms;     // fitted: one that rounds to the printed one and gives the printed speed-ups
  double nervana;        // speed-ups of Table 7
  double convnet2;
};

struct PaperRow {
  int sub_batch = 0;
  PaperCase bits32;
  PaperCase bits8;
};

// Tables 5 and 7. With the latencies as printed, of one or two digits, the formula misses the printed
// speed-ups by at most 1.1 %. With `latency_ms` it gives every speed-up to its last digit.
std::span<const PaperRow> paper_rows();

double paper_synchronisation_ms(const PaperMessage& message);
double paper_penalty_ms(const PaperMessage& message);
double paper_speedup(const PaperNetwork& network, int sub_batch, const PaperMessage& message);

// The message that a sub-batch needs at so many bits a number: 9216 activations a sample, divided over 32
// nodes. In 8 bits it is twice the paper's count. Its latency is Table 5's for its size. Between sizes it is
// interpolated in logarithms. If the table has two latencies for one size, it is their mean. The paper has no
// such rule; this one was found by what it gives, in 8 bits 13.8 to 37.6 to 5.3.
PaperMessage paper_message(int sub_batch, int bits);

}  // namespace eightfold::runtime::scale
