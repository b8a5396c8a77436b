// SPDX-License-Identifier: Apache-2.0
// The style sheet of the reports.
#pragma once

#include <string_view>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::io::detail {

// Contains no '<' and no '&', so that the page is well-formed XML.
inline constexpr std::string_view report_style = R"css(
:root {
  color-scheme: light dark;
  --page: #fdfdfc; --ink: #1d2329; --soft: #66707a; --rule: #e3e5e8; --cell: #f1f3f5; --heat: #0b4a8f;
  --s0: #1f6fb4; --s1: #c8540a; --s2: #2c8a55; --s3: #8a4fb5; --s4: #b3871a; --s5: #c23a5e; --s6: #3a8f9e; --s7: #7a6a5c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --ink: #e4e7ea; --soft: #98a2ac; --rule: #2c3238; --cell: #20252a; --heat: #6db3ff;
    --s0: #69b1f0; --s1: #f0965a; --s2: #6cc795; --s3: #c39ae6; --s4: #dcba5c; --s5: #f0829f; --s6: #74c4d3; --s7: #b8a899;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 650; margin: 2.75rem 0 0.75rem; }
p { margin: 0 0 1rem; }
figure { margin: 1.75rem 0 2.25rem; }
figcaption { font-weight: 600; font-size: 0.95rem; margin-bottom: 0.6rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th:last-child, td:last-child { padding-right: 0; }
th { color: var(--soft); font-weight: 500; vertical-align: bottom; }
thead th { border-bottom-color: var(--soft); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure > svg, .map > svg { display: block; width: 100%; height: auto; }
.map > svg { min-width: 34rem; }
svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg text.name { fill: var(--ink); font-size: 11px; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--soft); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.cell { fill: var(--cell); }
.heat { fill: var(--heat); }
path.s0 { stroke: var(--s0); } path.s1 { stroke: var(--s1); } path.s2 { stroke: var(--s2); }
path.s3 { stroke: var(--s3); } path.s4 { stroke: var(--s4); } path.s5 { stroke: var(--s5); }
path.s6 { stroke: var(--s6); } path.s7 { stroke: var(--s7); }
circle.s0 { fill: var(--s0); } circle.s1 { fill: var(--s1); } circle.s2 { fill: var(--s2); }
circle.s3 { fill: var(--s3); } circle.s4 { fill: var(--s4); } circle.s5 { fill: var(--s5); }
circle.s6 { fill: var(--s6); } circle.s7 { fill: var(--s7); }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: 0.15rem 1.1rem; margin: 0.5rem 0 0;
  font-size: 0.85rem; color: var(--soft); }
.legend .scale + .ramp, .legend .ramp + .scale { margin-left: -0.6rem; }
.ramp { width: 8rem; height: 0.7rem; background: linear-gradient(to right, var(--cell), var(--heat)); }
@media (max-width: 34rem) { figure > svg text { font-size: 17px; } }
.queries { columns: 16rem; margin: 0.6rem 0 0; padding-left: 1.6rem; font-size: 0.85rem; color: var(--soft); }
)css";

}  // namespace heed::inline HEED_ABI::io::detail
