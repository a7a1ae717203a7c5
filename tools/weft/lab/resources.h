// Files that are part of the program: embed.cmake turns them into strings.
#pragma once

#include <string_view>

namespace weft::lab {

std::string_view report_page();    // report.html
std::string_view chart_library();  // Chart.js, minified, with its licence; Debian package libjs-chart.js

}  // namespace weft::lab
