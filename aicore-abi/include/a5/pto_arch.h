// Names the chip family of this build. The include directory that is on the path makes the choice.
#pragma once

#define PTO_ARCH_A5 1

// Arg::clear() forgets explicit dependencies.
#define PTO_CLEAR_FORGETS_DEPENDENCIES 1
