// Granularities that orchestrations and kernels may rely on.
#pragma once

#define PTO2_ALIGN_SIZE 64              // a cache line
#define PTO2_PACKED_OUTPUT_ALIGN 1024   // every allocated output starts and ends on this
#define PTO2_ALIGN_UP(x, align) (((x) + (align) - 1) & ~((align) - 1))
