// `weft lab`: the experiments that check what is said about threads and goroutines.
#pragma once

int weft_lab_main(int argc, char** argv);
