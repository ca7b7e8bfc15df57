// All qualifiers that host and device code share, empty where the compiler does not know them.
#pragma once

#include "pto_device.h"

#ifndef __global__
#define __global__
#endif
#ifndef __in__
#define __in__
#endif
#ifndef __out__
#define __out__
#endif
