// Tensor descriptors: which elements of which buffer a task works on.
//
// A descriptor is 128 bytes in two cache lines. The second line (extents of the buffer, origin in it) is only
// read when a flag in the first says that it differs from the obvious, and only written then.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory.h>
#include <sstream>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <type_traits>
#include <utility>

#include "common.h"
#include "data_type.h"
#include "pto_task_id.h"

constexpr int RUNTIME_MAX_TENSOR_DIMS = 5;

struct PTOBufferHandle {
    uint64_t addr;  // of the first byte
    uint64_t size;  // in bytes
};

static_assert(sizeof(PTOBufferHandle) == 16 && offsetof(PTOBufferHandle, size) == 8);

// How an access lies to a region written before.
enum class OverlapStatus {
    NO_OVERLAP,
    COVERED,  // the access contains the whole region
    OTHER,
};

// A half-open interval.
struct Segment {
    uint64_t begin;
    uint64_t end;

    bool line_segment_intersection(const Segment &other) const { return begin < other.end && other.begin < end; }
    bool contains(const Segment &other) const { return begin <= other.begin && other.end <= end; }
};

// What a task output shall be once the runtime has allocated it. Has the shape of a descriptor's first line.
class alignas(64) TensorCreateInfo {
public:
    uint64_t initial_value;  // element bit pattern, in the low bytes
    bool has_initial_value;
    uint8_t reserved_flags_[7];
    uint64_t reserved_owner_;
    uint64_t reserved_start_;
    int32_t version;
    uint32_t ndims;
    DataType dtype;
    bool is_all_offset_zero;
    bool is_raw_eq_shapes;
    bool manual_dep;
    uint32_t raw_shapes[RUNTIME_MAX_TENSOR_DIMS];

    TensorCreateInfo() = default;

    TensorCreateInfo(const uint32_t shapes[], uint32_t rank, DataType element = DataType::FLOAT32, bool manual = false)
        : initial_value(0),
          has_initial_value(false),
          reserved_flags_{},
          reserved_owner_(0),
          reserved_start_(0),
          version(0),
          ndims(rank),
          dtype(element),
          is_all_offset_zero(true),
          is_raw_eq_shapes(true),
          manual_dep(manual),
          raw_shapes{} {
        always_assert(rank <= static_cast<uint32_t>(RUNTIME_MAX_TENSOR_DIMS));
        always_assert(get_element_size(element) != 0);
        for (uint32_t dim = 0; dim < rank; dim++) raw_shapes[dim] = shapes[dim];
    }

    void copy(const TensorCreateInfo &other) { *this = other; }

    // The runtime repeats the low bytes of `value`, as many as an element has, over the whole buffer.
    template <typename T = uint64_t>
    void set_initial_value(T value) {
        has_initial_value = true;
        initial_value = to_u64(value);
    }

    // Without dimensions, one element.
    uint64_t buffer_size_bytes() const {
        uint64_t bytes = get_element_size(dtype);
        for (uint32_t dim = 0; dim < ndims; dim++) bytes *= raw_shapes[dim];
        return bytes;
    }
};

static_assert(std::is_trivially_copyable_v<TensorCreateInfo> && std::is_standard_layout_v<TensorCreateInfo>);
static_assert(std::is_trivially_default_constructible_v<TensorCreateInfo>);
static_assert(sizeof(TensorCreateInfo) == 64 && alignof(TensorCreateInfo) == 64);
static_assert(offsetof(TensorCreateInfo, initial_value) == 0);
static_assert(offsetof(TensorCreateInfo, has_initial_value) == 8);
static_assert(offsetof(TensorCreateInfo, version) == 32);
static_assert(offsetof(TensorCreateInfo, ndims) == 36);
static_assert(offsetof(TensorCreateInfo, dtype) == 40);
static_assert(offsetof(TensorCreateInfo, is_all_offset_zero) == 41);
static_assert(offsetof(TensorCreateInfo, is_raw_eq_shapes) == 42);
static_assert(offsetof(TensorCreateInfo, manual_dep) == 43);
static_assert(offsetof(TensorCreateInfo, raw_shapes) == 44);

struct alignas(64) Tensor {
    PTOBufferHandle buffer;
    PTO2TaskId owner_task_id;  // the task that made the buffer; invalid for memory from outside
    uint64_t start_offset;     // first element, counted from the start of the buffer
    int32_t version;
    uint32_t ndims;
    DataType dtype;
    bool is_all_offset_zero;  // `offsets` mean nothing, they are all 0
    bool is_raw_eq_shapes;    // `raw_shapes` mean nothing, they equal `shapes`
    bool manual_dep;          // not tracked through memory
    uint32_t shapes[RUNTIME_MAX_TENSOR_DIMS];

    uint32_t raw_shapes[RUNTIME_MAX_TENSOR_DIMS];  // extents of the buffer
    uint32_t offsets[RUNTIME_MAX_TENSOR_DIMS];     // origin in it
    uint8_t _pad_cl2[24];

    Tensor(const Tensor &) = default;
    Tensor(Tensor &&) = default;
    Tensor &operator=(const Tensor &) = default;
    Tensor &operator=(Tensor &&) = default;
    ~Tensor() = default;

    const uint32_t *get_raw_shapes() const { return is_raw_eq_shapes ? shapes : raw_shapes; }

    void init(
        void *addr, uint64_t buffer_size_bytes, const uint32_t in_raw_shapes[], const uint32_t in_shapes[],
        const uint32_t in_offsets[], uint32_t in_ndims, DataType in_dtype, int32_t in_version,
        bool in_is_all_offset_zero = false, bool in_is_raw_eq_shapes = false, bool in_manual_dep = false
    ) {
        always_assert(in_ndims <= static_cast<uint32_t>(RUNTIME_MAX_TENSOR_DIMS));
        buffer = PTOBufferHandle{reinterpret_cast<uint64_t>(addr), buffer_size_bytes};
        owner_task_id = PTO2TaskId::invalid();
        version = in_version;
        ndims = in_ndims;
        dtype = in_dtype;
        is_all_offset_zero = in_is_all_offset_zero;
        is_raw_eq_shapes = in_is_raw_eq_shapes;
        manual_dep = in_manual_dep;
        for (uint32_t dim = 0; dim < in_ndims; dim++) {
            shapes[dim] = in_shapes[dim];
            if (!in_is_raw_eq_shapes) raw_shapes[dim] = in_raw_shapes[dim];
            if (!in_is_all_offset_zero) offsets[dim] = in_offsets[dim];
        }
        update_start_offset();
    }

    void init(const Tensor &other) { copy(other); }

    void copy(const Tensor &other) {
        std::memmove(static_cast<void *>(this), &other, offsetof(Tensor, raw_shapes));
        if (!other.is_raw_eq_shapes) std::memmove(raw_shapes, other.raw_shapes, sizeof(raw_shapes));
        if (!other.is_all_offset_zero) std::memmove(offsets, other.offsets, sizeof(offsets));
    }

    // Makes this the part of `other` that starts at `view_offsets`, counted from other's own origin. Nothing
    // checks that it ends inside `other`.
    void init_with_view(
        const Tensor &other, const uint32_t view_shapes[], const uint32_t view_offsets[], bool in_manual_dep = false
    ) {
        const uint32_t *parent_raw_shapes = other.get_raw_shapes();
        bool at_origin = other.is_all_offset_zero;
        for (uint32_t dim = 0; dim < other.ndims; dim++) at_origin = at_origin && view_offsets[dim] == 0;
        for (uint32_t dim = 0; dim < other.ndims; dim++) {
            raw_shapes[dim] = parent_raw_shapes[dim];
            shapes[dim] = view_shapes[dim];
            if (!at_origin) offsets[dim] = view_offsets[dim] + (other.is_all_offset_zero ? 0 : other.offsets[dim]);
        }
        buffer = other.buffer;
        owner_task_id = other.owner_task_id;
        version = other.version;
        ndims = other.ndims;
        dtype = other.dtype;
        is_all_offset_zero = at_origin;
        is_raw_eq_shapes = false;
        manual_dep = in_manual_dep;
        update_start_offset();
    }

    Tensor view(const uint32_t view_shapes[], const uint32_t view_offsets[], bool manual = false) const {
        Tensor part;
        part.init_with_view(*this, view_shapes, view_offsets, manual);
        return part;
    }

    // Rows, or a whole buffer: every extent but the outermost is the buffer's.
    bool is_contiguous() const {
        if (is_raw_eq_shapes) return true;
        for (uint32_t dim = 1; dim < ndims; dim++) {
            if (shapes[dim] != raw_shapes[dim]) return false;
        }
        return true;
    }

    // The same number of elements?
    bool valid_reshape(const uint32_t new_shapes[], uint32_t new_ndims) const {
        return numel() == product(new_shapes, new_ndims);
    }

    // The same elements under other extents. If this one starts inside its buffer, so does the result; that must be
    // at the start of one of its rows, because a descriptor can say no other place.
    Tensor reshape(const uint32_t new_shapes[], uint32_t new_ndims, bool manual = false) const {
        debug_assert(valid_reshape(new_shapes, new_ndims));
        always_assert(new_ndims <= static_cast<uint32_t>(RUNTIME_MAX_TENSOR_DIMS));
        always_assert(is_contiguous());
        Tensor result;
        result.init(
            reinterpret_cast<void *>(buffer.addr), buffer.size, nullptr, new_shapes, nullptr, new_ndims, dtype, version,
            true, true, manual
        );
        result.owner_task_id = owner_task_id;
        const uint64_t origin = flat_origin();
        if (origin != 0 && numel() != 0) result.start_at_row(origin);
        return result;
    }

    bool valid_transpose(uint32_t x, uint32_t y) const { return x < ndims && y < ndims; }

    // Exchanges two dimensions of the description. No element moves and no stride is kept.
    Tensor transpose(uint32_t x, uint32_t y, bool manual = false) const {
        debug_assert(valid_transpose(x, y));
        Tensor result;
        result.copy(*this);
        result.manual_dep = manual;
        std::swap(result.shapes[x], result.shapes[y]);
        if (!is_raw_eq_shapes) std::swap(result.raw_shapes[x], result.raw_shapes[y]);
        if (!is_all_offset_zero) std::swap(result.offsets[x], result.offsets[y]);
        result.update_start_offset();
        return result;
    }

    uint64_t numel() const { return product(shapes, ndims); }

    bool is_same_memref(const Tensor &other) const { return buffer.addr == other.buffer.addr; }

    // Where in the buffer the element at `indices` lies, in elements.
    uint64_t compute_flat_offset(const uint32_t indices[], uint32_t in_ndims) const {
        const uint32_t *extents = get_raw_shapes();
        uint64_t flat = 0;
        for (uint32_t dim = 0; dim < in_ndims; dim++) {
            const uint32_t origin = is_all_offset_zero ? 0 : offsets[dim];
            flat = flat * extents[dim] + indices[dim] + origin;
        }
        return flat;
    }

    void update_start_offset() { start_offset = flat_origin(); }

    // Makes this the tensor that `ci` describes, in the given buffer, filled if `ci` says so.
    void init_from_create_info(const TensorCreateInfo &ci, void *addr, uint64_t buffer_size) {
        init(
            addr, buffer_size, nullptr, ci.raw_shapes, nullptr, ci.ndims, ci.dtype, ci.version, true, true,
            ci.manual_dep
        );
        if (ci.has_initial_value) fill_initial_value(ci.initial_value);
    }

    // Repeats the low bytes of `initial_value`, as many as an element has, over the buffer.
    void fill_initial_value(uint64_t initial_value) {
        always_assert(buffer.addr != 0);
        const uint64_t element = get_element_size(dtype);
        always_assert(element != 0);
        uint8_t *bytes = reinterpret_cast<uint8_t *>(buffer.addr);
        for (uint64_t at = 0; at < buffer.size; at += element) {
            std::memcpy(bytes + at, &initial_value, std::min(element, buffer.size - at));
        }
    }

    std::string dump() const {
        std::ostringstream text;
        const auto list = [&text, this](const char *key, const uint32_t *values) {
            text << "    " << key << ": [";
            for (uint32_t dim = 0; dim < ndims; dim++) text << (dim == 0 ? "" : ", ") << (values ? values[dim] : 0);
            text << "]\n";
        };
        text << "{\n    buffer.addr: " << buffer.addr << "\n    buffer.size: " << buffer.size
             << " bytes\n    dtype: " << get_dtype_name(dtype) << "\n    ndims: " << ndims
             << "\n    version: " << version << "\n";
        list("raw_shapes", get_raw_shapes());
        list("shapes", shapes);
        list("offsets", is_all_offset_zero ? nullptr : offsets);
        text << "}\n";
        return text.str();
    }

private:
    Tensor() {}  // says nothing: only for what is filled in next

    Tensor(
        void *addr, uint64_t buffer_size_bytes, const uint32_t in_raw_shapes[], const uint32_t in_shapes[],
        const uint32_t in_offsets[], uint32_t in_ndims, DataType in_dtype, int32_t in_version,
        bool in_is_all_offset_zero = false, bool in_is_raw_eq_shapes = false, bool in_manual_dep = false
    ) {
        init(addr, buffer_size_bytes, in_raw_shapes, in_shapes, in_offsets, in_ndims, in_dtype, in_version,
             in_is_all_offset_zero, in_is_raw_eq_shapes, in_manual_dep);
    }

    uint64_t flat_origin() const {
        if (is_all_offset_zero) return 0;
        const uint32_t *extents = get_raw_shapes();
        uint64_t flat = 0;
        for (uint32_t dim = 0; dim < ndims; dim++) flat = flat * extents[dim] + offsets[dim];
        return flat;
    }

    // Lets whole rows of a dense buffer start `origin` elements into it.
    void start_at_row(uint64_t origin) {
        const uint64_t row = ndims > 1 ? product(shapes + 1, ndims - 1) : 1;
        always_assert(origin % row == 0);
        for (uint32_t dim = 0; dim < ndims; dim++) {
            raw_shapes[dim] = shapes[dim];
            offsets[dim] = 0;
        }
        raw_shapes[0] = static_cast<uint32_t>(buffer.size / get_element_size(dtype) / row);
        offsets[0] = static_cast<uint32_t>(origin / row);
        is_raw_eq_shapes = false;
        is_all_offset_zero = false;
        update_start_offset();
    }

    // Without dimensions there is no element.
    static uint64_t product(const uint32_t extents[], uint32_t count) {
        if (count == 0) return 0;
        uint64_t elements = 1;
        for (uint32_t dim = 0; dim < count; dim++) elements *= extents[dim];
        return elements;
    }

    friend Tensor make_tensor_external(
        void *addr, const uint32_t shapes[], uint32_t ndims, DataType dtype, bool manual_dep, int32_t version
    );
};

static_assert(std::is_trivially_copyable_v<Tensor> && std::is_standard_layout_v<Tensor>);
static_assert(sizeof(Tensor) == 128 && alignof(Tensor) == 64);
static_assert(offsetof(Tensor, buffer) == 0);
static_assert(offsetof(Tensor, owner_task_id) == 16);
static_assert(offsetof(Tensor, start_offset) == 24);
static_assert(offsetof(Tensor, version) == 32);
static_assert(offsetof(Tensor, ndims) == 36);
static_assert(offsetof(Tensor, dtype) == 40);
static_assert(offsetof(Tensor, is_all_offset_zero) == 41);
static_assert(offsetof(Tensor, is_raw_eq_shapes) == 42);
static_assert(offsetof(Tensor, manual_dep) == 43);
static_assert(offsetof(Tensor, shapes) == 44);
static_assert(offsetof(Tensor, raw_shapes) == 64);
static_assert(offsetof(Tensor, offsets) == 84);
