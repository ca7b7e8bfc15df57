// Names that only this family has. The plain field names are the compiler's on its cores.
#define block_idx get_block_idx_from_hardware()
#define block_num get_block_num_from_hardware()

#include <cstdint>
#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pto_async_kernel_api.h"
#include "tensor.h"
#include "pto_submit_types.h"

extern "C" __aicore__ void kernel_entry(__gm__ int64_t *args) {
    __gm__ Tensor *out = reinterpret_cast<__gm__ Tensor *>(args[0]);
    __gm__ LocalContext *local = reinterpret_cast<__gm__ LocalContext *>(args[SPMD_LOCAL_CONTEXT_INDEX]);
    reinterpret_cast<__gm__ float *>(out->buffer.addr)[local->s_block_idx] =
        static_cast<float>(local->s_block_idx + 10 * local->s_block_num);
}
