// `weft bench`: weft beside Go, row by row, in one run.
#pragma once

int weft_bench_main(int argc, char** argv);
