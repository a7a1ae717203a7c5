// See weft/detail/atomic.h: it is a public header because public classes hold atomic words.
#pragma once
#include <weft/detail/atomic.h>
