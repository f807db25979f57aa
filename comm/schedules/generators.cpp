#include "comm/schedules/generators.hpp"

#include <algorithm>

namespace eightfold::comm::schedules {
namespace {

constexpr Generator kGenerators[] = {
    {"two_shot", Collective::all_reduce, false, two_shot, two_shot_cost},
    {"hierarchical", Collective::all_reduce, false, hierarchical, hierarchical_cost},
    {"ring", Collective::all_reduce, false, ring, ring_cost},
    {"recursive_doubling", Collective::all_reduce, true, recursive_doubling, recursive_doubling_cost},
    {"reduce_scatter", Collective::reduce_scatter, false, reduce_scatter, reduce_scatter_cost},
    {"all_gather", Collective::all_gather, false, all_gather, all_gather_cost},
    {"broadcast", Collective::broadcast, false, broadcast, broadcast_cost},
    {"scatter", Collective::scatter, false, scatter, scatter_cost},
    {"gather", Collective::gather, false, gather, gather_cost},
};

}  // namespace

std::span<const Generator> generators() {
  return kGenerators;
}

const Generator* find_generator(std::string_view name) {
  const auto* const found = std::ranges::find(kGenerators, name, &Generator::name);
  return found == std::end(kGenerators) ? nullptr : found;
}

const Generator* find_allreduce(std::string_view name) {
  const Generator* const found = find_generator(name);
  return found != nullptr && found->collective == Collective::all_reduce ? found : nullptr;
}

std::vector<std::string_view> allreduce_names() {
  std::vector<std::string_view> names;
  for (const Generator& generator : kGenerators)
    if (generator.collective == Collective::all_reduce) names.push_back(generator.name);
  return names;
}

}  // namespace eightfold::comm::schedules
