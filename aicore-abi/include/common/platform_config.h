// The one platform limit that user-visible types depend on. Everything else about a chip is the runtime's business.
#pragma once

// Dimensions kept per tensor in a dump descriptor.
constexpr int PLATFORM_DUMP_MAX_DIMS = 5;
