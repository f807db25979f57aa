#pragma once

#include <string_view>

namespace eightfold::runtime::scale::report {

// The page's style sheet: nothing is fetched, system fonts only, black on white also in print.
inline constexpr std::string_view kPageStyle = R"(
:root { color-scheme: light; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 68rem; background: #fff; color: #111;
  font: 16px/1.5 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; font-weight: 600; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3rem 0 .6rem; padding-top: .8rem; border-top: 1px solid #999;
  font-weight: 600; }
h3 { font-size: 1rem; margin: 0 0 .2rem; font-weight: 600; }
p, ul, dl { margin: .5rem 0; max-width: 48rem; }
.about { color: #444; margin-top: 0; }
.advice { margin: 1.6rem 0; padding: .7rem 1.1rem; border: 1px solid #111; border-left-width: 6px;
  font-size: 1.1rem; max-width: none; }
.advice p { max-width: none; }
.advice .of { display: block; font-size: .875rem; color: #444; }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 1.6rem 1.8rem; margin: 1.2rem 0; align-items: start; }
figure { margin: 0; break-inside: avoid; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: "Helvetica Neue", Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif; }
svg g[font-family$=":Bold"] text { font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1.2rem 0; font-size: .8125rem; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; font-size: 1rem; }
th { font-weight: 600; text-align: left; vertical-align: bottom; border-bottom: 1px solid #111; }
th, td { padding: .2rem .42rem; }
th:first-child, td:first-child { padding-left: 0; }
td { border-bottom: 1px solid #ddd; vertical-align: top; }
th.number, td.number { text-align: right; }
td { white-space: nowrap; }
td.free { white-space: normal; overflow-wrap: anywhere; }
.begins td { border-top: 2px solid #999; }
.spread { color: #444; white-space: nowrap; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0; }
.plots > div:nth-child(odd) { grid-column: 1 / -1; }
.plots ul { padding-left: 1.2rem; }
@media screen and (max-width: 50rem) { .plots { grid-template-columns: 1fr; } }
@media print {
  @page { margin: 14mm; }
  html { font-size: 13px; }
  body { padding: 0; max-width: none; font-size: 10pt; color: #000; }
  .plots { gap: 4mm 6mm; }
  .about, .advice .of, .spread { color: #000; }
  .wide { overflow: visible; }
  table { font-size: 6.5pt; }
  th, td { padding: .1rem .2rem; }
  h2, h3, caption { break-after: avoid; }
  tr, .advice { break-inside: avoid; }
  thead { display: table-header-group; }
}
)";

}  // namespace eightfold::runtime::scale::report
