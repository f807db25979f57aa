#pragma once

// Plots, drawn by the program gnuplot.

#include <string>
#include <string_view>

namespace eightfold::runtime::scale::report {

// A string of gnuplot's language that stands for this text, whatever is in it; control characters become
// blanks.
std::string gnuplot_text(std::string_view text);

// Runs a script that begins with `set terminal svg` and writes to standard output. No configuration of the
// user's is read and no shell is involved. Throws EnvironmentError where gnuplot is not installed, and with
// its words where it refuses the script.
std::string run_gnuplot(const std::string& script);

// Makes an <svg> element for the inside of an HTML page from the output of gnuplot. It has no document head.
// Its names begin with `prefix`, so that several elements can share a page. `description` is for those who do
// not see it.
std::string inline_svg(std::string_view document, std::string_view prefix, std::string_view description);

}  // namespace eightfold::runtime::scale::report
