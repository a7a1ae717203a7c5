// See weft/detail/pause.h.
#pragma once
#include <weft/detail/pause.h>
