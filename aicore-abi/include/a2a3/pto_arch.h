// Names the chip family of this build. The include directory that is on the path makes the choice.
#pragma once

#define PTO_ARCH_A2A3 1

// Arg::clear() keeps explicit dependencies.
#define PTO_CLEAR_FORGETS_DEPENDENCIES 0
