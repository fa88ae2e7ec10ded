// The generator's convolutions in WebAssembly SIMD, four floats at a time; compile.py builds it.
// A picture is floats [row][column][channel], borders included. Names in `_row` and `_pixel` are
// distances in floats from one row or pixel to the next.
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name))) void name
#define PIXELS 4 // that are computed together, so that each weight is loaded once for all of them
#define CHANNELS 64

typedef v128_t Four;
#define load wasm_v128_load
#define store wasm_v128_store
#define add wasm_f32x4_add
#define sub wasm_f32x4_sub
#ifdef __wasm_relaxed_simd__
#define multiply_add wasm_f32x4_relaxed_madd // one instruction where the processor has it
#else
#define multiply_add(a, b, sum) add(wasm_f32x4_mul(a, b), sum)
#endif

// PReLU (slope 1: none), then the skip connection (null: none).
static inline void finish(float *out, Four sum, float slope, const float *skip) {
  Four zero = wasm_f32x4_const_splat(0), negative = wasm_f32x4_min(sum, zero);
  Four result = multiply_add(wasm_f32x4_splat(slope), negative, wasm_f32x4_max(sum, zero));
  store(out, skip ? add(result, load(skip)) : result);
}

// Eight output channels of any convolution, for `rows` x `width` pixels; width >= PIXELS.
// Each of the kernel's `lines` rows meets `run` floats of a picture's row: its columns' channels.
// weights: [lines][run][8], bias: [8], out and skip: laid out alike.
EXPORT(conv8)(const float *in, int in_row, int in_pixel, int lines, int run, const float *weights,
              const float *bias, float *out, int out_row, int out_pixel, int width, int rows,
              const float *skip, float slope) {
  for (int y = 0; y < rows; y++) {
    for (int start = 0; start < width; start += PIXELS) {
      int x = start + PIXELS > width ? width - PIXELS : start; // the last ones twice, none too far
      const float *from = in + y * in_row + x * in_pixel, *w = weights;
      Four sum[PIXELS][2];
      for (int i = 0; i < PIXELS; i++) sum[i][0] = load(bias), sum[i][1] = load(bias + 4);
      for (int line = 0; line < lines; line++, from += in_row) {
        for (int k = 0; k < run; k++, w += 8) {
          Four w0 = load(w), w1 = load(w + 4);
          for (int i = 0; i < PIXELS; i++) {
            Four value = wasm_v128_load32_splat(from + i * in_pixel + k);
            sum[i][0] = multiply_add(value, w0, sum[i][0]);
            sum[i][1] = multiply_add(value, w1, sum[i][1]);
          }
        }
      }
      for (int i = 0; i < 2 * PIXELS; i++) {
        int at = y * out_row + (x + i / 2) * out_pixel + i % 2 * 4;
        finish(out + at, sum[i / 2][i % 2], slope, skip ? skip + at : 0);
      }
    }
  }
}

// A 3x3 convolution by Winograd's F(2x2, 3x3) takes 16 products for 4 outputs instead of 36 (Lavin
// and Gray 2016, section 4.1). Tiles of 4x4 pixels are transformed (B^T d B), multiplied with the
// kernels, place by place (conv8), and transformed back to 2x2 pixels (A^T m A).
// in: the pixel above and left of the first; tiles: [16][high * wide][64].
EXPORT(to_tiles)(const float *in, int in_row, float *tiles, int wide, int high) {
  int plane = wide * high * CHANNELS;
  for (int i = 0; i < plane; i += 4) {
    int tile = i / CHANNELS, y0 = tile / wide * 2, x0 = tile % wide * 2;
    const float *from = in + y0 * in_row + x0 * CHANNELS + i % CHANNELS;
    Four t[4][4], d[4];
    for (int x = 0; x < 4; x++) {
      for (int y = 0; y < 4; y++) d[y] = load(from + y * in_row + x * CHANNELS);
      t[0][x] = sub(d[0], d[2]), t[1][x] = add(d[1], d[2]);
      t[2][x] = sub(d[2], d[1]), t[3][x] = sub(d[1], d[3]);
    }
    for (int y = 0; y < 4; y++) {
      float *to = tiles + 4 * y * plane + i;
      store(to, sub(t[y][0], t[y][2])), store(to + plane, add(t[y][1], t[y][2]));
      store(to + 2 * plane, sub(t[y][2], t[y][1])), store(to + 3 * plane, sub(t[y][1], t[y][3]));
    }
  }
}

// `tiles` as above to `rows` x `width` pixels of 64 channels; the rest as for conv8.
EXPORT(from_tiles)(const float *tiles, int wide, int high, const float *bias, float *out,
    int out_row, int out_pixel, int width, int rows, const float *skip, float slope) {
  int plane = wide * high * CHANNELS;
  for (int i = 0; i < plane; i += 4) {
    int tile = i / CHANNELS, channel = i % CHANNELS;
    Four t[2][4], m[4];
    for (int x = 0; x < 4; x++) {
      for (int y = 0; y < 4; y++) m[y] = load(tiles + (4 * y + x) * plane + i);
      t[0][x] = add(add(m[0], m[1]), m[2]), t[1][x] = sub(sub(m[1], m[2]), m[3]);
    }
    for (int n = 0; n < 4; n++) {
      int y = tile / wide * 2 + n / 2, x = tile % wide * 2 + n % 2;
      if (y >= rows || x >= width) continue; // an odd side: half of the last tile
      Four *r = t[n / 2], sum = n % 2 ? sub(sub(r[1], r[2]), r[3]) : add(add(r[0], r[1]), r[2]);
      int at = y * out_row + x * out_pixel + channel;
      finish(out + at, add(sum, load(bias + channel)), slope, skip ? skip + at : 0);
    }
  }
}
