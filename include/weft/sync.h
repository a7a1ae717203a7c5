// Everything to synchronise with besides channels.
#pragma once

#include <weft/cond.h>
#include <weft/mutex.h>
#include <weft/once.h>
#include <weft/pool.h>
#include <weft/rw_mutex.h>
#include <weft/semaphore.h>
#include <weft/single_flight.h>
#include <weft/wait_group.h>
