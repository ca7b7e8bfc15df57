// IEEE half precision as its bits: not every host compiler has a type for it.
#pragma once

#include <cmath>
#include <cstdint>

static inline float from_half(uint16_t bits) {
    const int exponent = bits >> 10 & 0x1f;
    const int fraction = bits & 0x3ff;
    float size;
    if (exponent == 31) {
        size = fraction == 0 ? INFINITY : NAN;
    } else if (exponent == 0) {
        size = std::ldexp(static_cast<float>(fraction), -24);
    } else {
        size = std::ldexp(static_cast<float>(fraction | 0x400), exponent - 25);
    }
    return bits >> 15 ? -size : size;
}

// Rounds to nearest, ties to even.
static inline uint16_t to_half(float value) {
    const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    const float size = std::fabs(value);
    if (std::isnan(value)) return sign | 0x7e00;
    if (size >= 65520.0f) return sign | 0x7c00;
    int exponent;
    std::frexp(size, &exponent);
    // Halves near `size` lie this far apart; below the smallest normal one the distance stays the same.
    const int spacing = size < 6.103515625e-05f ? -24 : exponent - 11;
    const uint16_t steps = static_cast<uint16_t>(std::nearbyint(std::ldexp(size, -spacing)));
    // Counting halves from zero is counting bit patterns, so a carry out of the fraction is right as well.
    const uint16_t below = spacing == -24 ? 0 : static_cast<uint16_t>((spacing + 24) << 10);
    return sign | static_cast<uint16_t>(below + steps);
}
