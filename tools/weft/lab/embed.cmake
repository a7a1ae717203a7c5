# cmake -DOUTPUT=… -DPAGE=report.html -DCHART=chart.min.js -P embed.cmake: writes the C++ file behind resources.h.
file(READ "${PAGE}" page)
file(READ "${CHART}" chart)
# The library's comments name its home page; a report that must open without a network has no such words in it.
string(REPLACE "https://" "" chart "${chart}")
file(WRITE "${OUTPUT}" "#include \"resources.h\"\n\nnamespace weft::lab {\n\n"
  "std::string_view report_page() { return R\"embedded(" "${page}" ")embedded\"; }\n\n"
  "std::string_view chart_library() { return R\"embedded(" "${chart}" ")embedded\"; }\n\n}  // namespace weft::lab\n")
