// See weft/detail/spinlock.h: it is a public header because public classes hold one.
#pragma once
#include <weft/detail/spinlock.h>
