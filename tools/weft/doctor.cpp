#include "command.h"
namespace weft::tool { int doctor_main(int, char**) { return 0; } }
