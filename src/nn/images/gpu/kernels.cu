// What the image engine does beside matrix products, compiled by NVRTC when a GPU is first used for images; once for single precision and
// once, with HALF 1, for values of 16 bits (bfloat16). The same text compiles as C++ for the host (../../cuda/host.cpp), where the tests hold
// it against the CPU engine; it therefore keeps to plain C++: no libraries, no shuffles, shared memory and __syncthreads only.
//
// Values lie image after image, pixel after pixel, channel by channel (channels last). Sums are made in a fixed order, nothing is added
// atomically: the same launch gives the same bits. Arithmetic is in single precision whatever the values are stored in.
//
// Most launches are lines: blocks of LINE threads, one for each unit of work. A unit is PACK neighbouring channels (16 bytes) where
// `vector` says that the number of channels allows it, else one channel.

#define LINE 256

#if HALF
typedef unsigned short Value;
#define PACK 8
__device__ float load(Value value) { return __uint_as_float((unsigned)value << 16); }
// To nearest, ties to even.
__device__ Value store(float value)
{
    unsigned bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (Value)(bits >> 16 | 0x40u);
    return (Value)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
#else
typedef float Value;
#define PACK 4
__device__ float load(Value value) { return value; }
__device__ Value store(float value) { return value; }
#endif

struct alignas(16) Pack {
    Value values[PACK];
};

// A crop, a mirror and a turn of one image; see `Draw` among the image sets.
struct AugmentParams {
    unsigned image;
    int down, right;
    // Bit 0: mirrored; bit 1: turned.
    int flags;
    double cosine, sine;
};

template <int P> __device__ void read(float *to, const Value *from)
{
    if (P == 1) {
        to[0] = load(from[0]);
        return;
    }
    Pack pack = *(const Pack *)from;
    for (int each = 0; each < P; each++)
        to[each] = load(pack.values[each]);
}

template <int P> __device__ void write(Value *to, const float *from)
{
    if (P == 1) {
        to[0] = store(from[0]);
        return;
    }
    Pack pack;
    for (int each = 0; each < P; each++)
        pack.values[each] = store(from[each]);
    *(Pack *)to = pack;
}

#define IDENTITY 0
#define RELU 1
#define CELU 2
#define SCALE 3

// A NaN passes.
__device__ float activated(float x, int kind, float alpha)
{
    if (kind == SCALE)
        return alpha * x;
    if (kind == IDENTITY || !(x < 0.0f))
        return x;
    return kind == RELU ? 0.0f : alpha * (expf(x / alpha) - 1.0f);
}

// The derivative where the value before was `x`.
__device__ float slope_at(float x, int kind, float alpha)
{
    if (kind == SCALE)
        return alpha;
    if (kind == IDENTITY || x > 0.0f)
        return 1.0f;
    return kind == RELU ? 0.0f : expf(x / alpha);
}

// The derivative where the value after is `y`.
__device__ float slope_of(float y, int kind, float alpha)
{
    if (kind == SCALE)
        return alpha;
    if (kind == IDENTITY || y > 0.0f)
        return 1.0f;
    return kind == RELU ? 0.0f : y / alpha + 1.0f;
}

__device__ int unit() { return (int)blockIdx.x * LINE + threadIdx.x; }

// Images from planes of single precision.
extern "C" __global__ void arrange(Value *out, const float *in, int channels, int plane, int total)
{
    int place = unit();
    if (place >= total)
        return;
    int channel = place % channels, pixel = place / channels % plane;
    size_t image = place / channels / plane;
    out[place] = store(in[(image * channels + channel) * plane + pixel]);
}

// Images from bytes: cropped over black, mirrored, turned (nearest neighbour) and normalised by a table for each channel.
extern "C" __global__ void place(Value *out, const unsigned char *pixels, const AugmentParams *augment_params, const float *tables, int channels,
                                 int height, int width, int total)
{
    int at = unit();
    if (at >= total)
        return;
    int x = at % width, y = at / width % height, plane = height * width;
    AugmentParams params = augment_params[at / plane];
    int from_x = x, from_y = y;
    if (params.flags & 2) {
        double middle_x = width / 2.0, middle_y = height / 2.0;
        double right = x + 0.5 - middle_x, down = y + 0.5 - middle_y;
        from_x = (int)floor(params.cosine * right + params.sine * down + middle_x);
        from_y = (int)floor(params.cosine * down - params.sine * right + middle_y);
    }
    bool inside = from_x >= 0 && from_x < width && from_y >= 0 && from_y < height;
    if (params.flags & 1)
        from_x = width - 1 - from_x;
    from_x += params.right;
    from_y += params.down;
    inside = inside && from_x >= 0 && from_x < width && from_y >= 0 && from_y < height;
    for (int channel = 0; channel < channels; channel++) {
        int value = inside ? pixels[((size_t)params.image * channels + channel) * plane + from_y * width + from_x] : 0;
        out[(size_t)at * channels + channel] = store(tables[channel * 256 + value]);
    }
}

// Single precision to values.
extern "C" __global__ void convert(Value *out, const float *in, int total)
{
    int place = unit();
    if (place < total)
        out[place] = store(in[place]);
}

template <int P>
__device__ void columns_of(int place, Value *out, const Value *in, int channels, int height, int width, int out_height, int out_width,
                           int kernel_height, int kernel_width, int stride, int padding, int pitch, int ones)
{
    int units = pitch / P, first = place % units * P, window = channels * kernel_height * kernel_width;
    int row = place / units;
    float values[P];
    for (int each = 0; each < P; each++)
        values[each] = ones && first + each == window ? 1.0f : 0.0f;
    if (first < window) {
        int channel = first % channels, cell = first / channels;
        int x = row % out_width * stride + cell % kernel_width - padding;
        int y = row / out_width % out_height * stride + cell / kernel_width - padding;
        size_t image = row / out_width / out_height;
        if (x >= 0 && x < width && y >= 0 && y < height)
            read<P>(values, in + ((image * height + y) * width + x) * channels + channel);
    }
    write<P>(out + (size_t)row * pitch + first, values);
}

// The window of every output pixel as a row of `pitch` values: kernel row, kernel column, channel; then, with `ones`, a 1 for the bias;
// then zeros.
extern "C" __global__ void columns(Value *out, const Value *in, int channels, int height, int width, int out_height, int out_width,
                                   int kernel_height, int kernel_width, int stride, int padding, int pitch, int ones, int total, int vector)
{
    int place = unit();
    if (place >= total)
        return;
    if (vector)
        columns_of<PACK>(place, out, in, channels, height, width, out_height, out_width, kernel_height, kernel_width, stride, padding,
                         pitch, ones);
    else
        columns_of<1>(place, out, in, channels, height, width, out_height, out_width, kernel_height, kernel_width, stride, padding, pitch,
                      ones);
}

template <int P>
__device__ void fold_back(int place, Value *out, const Value *columns, int channels, int height, int width, int out_height,
                          int out_width, int kernel_height, int kernel_width, int stride, int padding, int pitch, int add)
{
    int units = channels / P, channel = place % units * P;
    int pixel = place / units;
    int x = pixel % width, y = pixel / width % height;
    size_t image = pixel / width / height, at = (size_t)pixel * channels + channel;
    float sums[P], values[P];
    for (int each = 0; each < P; each++)
        sums[each] = 0.0f;
    if (add)
        read<P>(sums, out + at);
    for (int down = 0; down < kernel_height; down++) {
        int from_y = y + padding - down;
        if (from_y < 0 || from_y % stride != 0 || from_y / stride >= out_height)
            continue;
        for (int right = 0; right < kernel_width; right++) {
            int from_x = x + padding - right;
            if (from_x < 0 || from_x % stride != 0 || from_x / stride >= out_width)
                continue;
            size_t row = (image * out_height + from_y / stride) * out_width + from_x / stride;
            read<P>(values, columns + row * pitch + (down * kernel_width + right) * channels + channel);
            for (int each = 0; each < P; each++)
                sums[each] += values[each];
        }
    }
    write<P>(out + at, sums);
}

// Backward of `columns`: what every window says about a pixel, added up; onto what is there with `add`.
extern "C" __global__ void back_columns(Value *out, const Value *columns, int channels, int height, int width, int out_height,
                                        int out_width, int kernel_height, int kernel_width, int stride, int padding, int pitch, int add,
                                        int total, int vector)
{
    int place = unit();
    if (place >= total)
        return;
    if (vector)
        fold_back<PACK>(place, out, columns, channels, height, width, out_height, out_width, kernel_height, kernel_width, stride, padding,
                        pitch, add);
    else
        fold_back<1>(place, out, columns, channels, height, width, out_height, out_width, kernel_height, kernel_width, stride, padding,
                     pitch, add);
}

// Sum of two (`other` may be absent), and what follows.
extern "C" __global__ void add(Value *out, const Value *one, const Value *other, int kind, float alpha, int total, int vector)
{
    int place = unit();
    if (place >= total)
        return;
    if (vector)
        sum_of<PACK>(place, out, one, other, kind, alpha);
    else
        sum_of<1>(place, out, one, other, kind, alpha);
}

template <int P> __device__ void back_through(int place, Value *out, const Value *deltas, const Value *results, int kind, float alpha)
{
    size_t at = (size_t)place * P;
    float values[P], own[P];
    read<P>(values, results + at);
    read<P>(own, deltas + at);
    for (int each = 0; each < P; each++)
        own[each] *= slope_of(values[each], kind, alpha);
    write<P>(out + at, own);
}

// Back through an activation that made `results`.
extern "C" __global__ void through(Value *out, const Value *deltas, const Value *results, int kind, float alpha, int total, int vector)
{
    int place = unit();
    if (place >= total)
        return;
    if (vector)
        back_through<PACK>(place, out, deltas, results, kind, alpha);
    else
        back_through<1>(place, out, deltas, results, kind, alpha);
}

// Where the largest value of a window lies, counted in pixels: of equals the first, row by row; a NaN is larger than anything.
__device__ int largest(const Value *image, int channels, int channel, int width, int y, int x, int rows, int columns)
{
    int best = y * width + x;
    float most = load(image[(size_t)best * channels + channel]);
    for (int down = 0; down < rows; down++)
        for (int right = 0; right < columns; right++) {
            int at = (y + down) * width + x + right;
            float value = load(image[(size_t)at * channels + channel]);
            if (value > most || value != value) {
                best = at;
                most = value;
            }
        }
    return best;
}

// Largest values of windows.
extern "C" __global__ void max_pool(Value *out, const Value *in, int channels, int height, int width, int out_height, int out_width, int rows,
                                    int columns, int stride, int total)
{
    int place = unit();
    if (place >= total)
        return;
    int channel = place % channels, x = place / channels % out_width, y = place / channels / out_width % out_height;
    size_t image = place / channels / out_width / out_height;
    const Value *own = in + image * height * width * channels;
    int best = largest(own, channels, channel, width, y * stride, x * stride, rows, columns);
    out[place] = own[(size_t)best * channels + channel];
}

// Backward: a pixel gets the deltas of the windows whose largest value it is.
extern "C" __global__ void max_pool_back(Value *out, const Value *in, const Value *deltas, int channels, int height, int width,
                                         int out_height, int out_width, int rows, int columns, int stride, int total)
{
    int place = unit();
    if (place >= total)
        return;
    int channel = place % channels, pixel = place / channels % (height * width), x = pixel % width, y = pixel / width;
    size_t image = place / channels / (height * width);
    const Value *own = in + image * height * width * channels;
    float sum = 0.0f;
    int first_y = y < rows ? 0 : (y - rows) / stride + 1, first_x = x < columns ? 0 : (x - columns) / stride + 1;
    for (int at_y = first_y; at_y < out_height && at_y * stride <= y; at_y++)
        for (int at_x = first_x; at_x < out_width && at_x * stride <= x; at_x++)
            if (largest(own, channels, channel, width, at_y * stride, at_x * stride, rows, columns) == pixel)
                sum += load(deltas[((image * out_height + at_y) * out_width + at_x) * channels + channel]);
    out[place] = store(sum);
}

// Largest or mean value of every channel.
extern "C" __global__ void pool_all(Value *out, const Value *in, int channels, int plane, int mean, int total)
{
    int place = unit();
    if (place >= total)
        return;
    int channel = place % channels;
    const Value *own = in + (size_t)(place / channels) * plane * channels;
    if (!mean) {
        out[place] = own[(size_t)largest(own, channels, channel, plane, 0, 0, 1, plane) * channels + channel];
        return;
    }
    float sum = 0.0f;
    for (int pixel = 0; pixel < plane; pixel++)
        sum += load(own[(size_t)pixel * channels + channel]);
    out[place] = store(sum / plane);
}

extern "C" __global__ void pool_all_back(Value *out, const Value *in, const Value *deltas, int channels, int plane, int mean, int total)
{
    int place = unit();
    if (place >= total)
        return;
    int channel = place % channels;
    size_t start = (size_t)(place / channels) * plane * channels;
    int best = mean ? 0 : largest(in + start, channels, channel, plane, 0, 0, 1, plane);
    float delta = load(deltas[place]);
    for (int pixel = 0; pixel < plane; pixel++)
        out[start + (size_t)pixel * channels + channel] = store(mean ? delta / plane : pixel == best ? delta : 0.0f);
}

// SGD with momentum (`nesterov`: Nesterov's) and weight decay of the parameters `from` and after; `copies`, where it is not `parameters` itself, gets what the products read.
extern "C" __global__ void descend(float *parameters, Value *copies, float *velocities, const float *gradient, float momentum, int nesterov,
                                   float decay, float rate, int from, int total)
{
    int place = unit();
    if (place < from || place >= total)
        return;
    float slope = gradient[place] + decay * parameters[place];
    float velocity = momentum * velocities[place] + slope;
    float value = parameters[place] - rate * (nesterov ? slope + momentum * velocity : velocity);
    velocities[place] = velocity;
    parameters[place] = value;
    if ((void *)copies != (void *)parameters)
        copies[place] = store(value);
}

// Adds the square or, with `size`, the size of a batch's gradient to the totals.
extern "C" __global__ void add_batch(double *totals, const float *gradient, int size, int total)
{
    int place = unit();
    if (place >= total)
        return;
    double value = gradient[place];
    totals[place] += size ? (value < 0.0 ? -value : value) : value * value;
}

// Adds the squares of several images' gradients, each `total` long, to the totals.
extern "C" __global__ void add_images(double *totals, const float *gradients, int images, int total)
{
    int place = unit();
    if (place >= total)
        return;
    double sum = 0.0;
    for (int image = 0; image < images; image++) {
        double value = gradients[(size_t)image * total + place];
        sum += value * value;
    }
    totals[place] += sum;
}
