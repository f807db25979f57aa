#pragma once

#include <fmt/format.h>

#include <string>

namespace eightfold::runtime::scale::report {

inline constexpr int kPlotWidth = 470;

// The first lines of every plot.
inline std::string plot_preamble(int height) {
  return fmt::format(
      "set terminal svg size {},{} noenhanced font 'Helvetica,13' linewidth 1\n"
      "set encoding utf8\n"
      "set border 3 lw 1 lc rgb '#000000'\n"
      "set tics nomirror out scale 0.6\n"
      "set xtics offset 0,0.3\n"
      "set bmargin 3.2\n"
      "set key tmargin center horizontal Left reverse samplen 3 spacing 1.15\n",
      kPlotWidth, height);
}

}  // namespace eightfold::runtime::scale::report
