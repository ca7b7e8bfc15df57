// Attention over a paged cache: per sequence and tile of heads a chain of blocks.
//
//     query, keys  --QK-->  scores  --SF-->  weights  --PV-->  block result  --UP-->  running result
//
// The table and the lengths are read here, where they are: in the caller's memory.
#include <algorithm>

#include "../graph.h"

#define FUNC_QK 0
#define FUNC_SOFTMAX 1
#define FUNC_PV 2
#define FUNC_UPDATE 3

extern "C" int build_graph(OrchestrationRuntime *runtime, const ChipStorageTaskArgs &args) {
    const ContinuousTensor &query = args.tensor(0), &cache = args.tensor(1), &table = args.tensor(3);
    const uint64_t batch = query.shapes[0], heads = query.shapes[1], dim = query.shapes[2];
    const uint64_t block_size = cache.shapes[1], row = table.shapes[1];
    const uint64_t tile = std::min<uint64_t>(heads, args.scalar(1));
    const int32_t *pages = reinterpret_cast<const int32_t *>(table.data);
    const int32_t *lengths = reinterpret_cast<const int32_t *>(args.tensor(4).data);
    char *queries = upload(runtime, query);
    char *keys = upload(runtime, cache);
    char *values = upload(runtime, args.tensor(2));
    char *out = result(runtime, args.tensor(5));
    if (queries == nullptr || keys == nullptr || values == nullptr || out == nullptr) return -2;

    for (uint64_t sequence = 0; sequence < batch; sequence++) {
        const uint64_t length = static_cast<uint64_t>(lengths[sequence]);
        const uint64_t blocks = (length + block_size - 1) / block_size;
        for (uint64_t head = 0; head < heads; head += tile) {
            const uint64_t count = std::min(tile, heads - head);
            const uint64_t at = (sequence * heads + head) * dim;
            // Running maxima, sums and totals.
            char *running = static_cast<char *>(device_malloc(runtime, (2 + dim) * count * sizeof(float)));
            if (running == nullptr) return -2;
            char *sums = running + count * sizeof(float), *totals = sums + count * sizeof(float);
            int before = -1;
            for (uint64_t block = 0; block < blocks; block++) {
                const uint64_t page = static_cast<uint64_t>(pages[sequence * row + block]) * block_size * dim * 2;
                const uint64_t valid = std::min(block_size, length - block * block_size);
                const size_t scores_bytes = count * block_size * sizeof(float);
                const size_t head_bytes = count * sizeof(float);
                char *scores = static_cast<char *>(
                    device_malloc(runtime, scores_bytes + scores_bytes / 2 + (2 + dim) * head_bytes)
                );
                if (scores == nullptr) return -2;
                char *maxima = scores + scores_bytes, *block_sums = maxima + head_bytes;
                char *part = block_sums + head_bytes, *weights = part + dim * head_bytes;

                const int qk = task(
                    runtime, FUNC_QK, CoreType::AIC,
                    {word(queries + at * 2), word(keys + page), word(scores), count, dim, valid, block_size}
                );
                const int softmax = task(
                    runtime, FUNC_SOFTMAX, CoreType::AIV,
                    {word(scores), word(weights), word(maxima), word(block_sums), count, block_size, valid,
                     static_cast<uint64_t>(args.scalar(0))},
                    {qk}
                );
                const int pv = task(
                    runtime, FUNC_PV, CoreType::AIC,
                    {word(weights), word(values + page), word(part), count, dim, valid, block_size}, {softmax}
                );
                const int update = task(
                    runtime, FUNC_UPDATE, CoreType::AIV,
                    {word(maxima), word(block_sums), word(part), word(running), word(sums), word(totals),
                     word(out + at * sizeof(float)), count, dim, block == 0 ? 1u : 0u, block + 1 == blocks ? 1u : 0u},
                    {pv}
                );
                if (before >= 0) add_successor(runtime, before, update);
                before = update;
            }
        }
    }
    return 0;
}
