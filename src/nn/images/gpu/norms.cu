// Batch norm forward and backward: compiled behind kernels.cu as one text.

// How the threads of a block share the channels of its tile and the rows: `wide` units of P channels side by side, LINE / wide rows at a time.
struct Tile {
    int wide, deep, across, down, channel;
    bool used;
};

template <int P> __device__ Tile tile_of(int channels, int wide)
{
    Tile tile;
    tile.wide = wide;
    tile.deep = LINE / wide;
    tile.across = threadIdx.x % wide;
    tile.down = threadIdx.x / wide;
    tile.channel = (blockIdx.x * wide + tile.across) * P;
    tile.used = tile.channel < channels;
    return tile;
}

// Sum over the rows' threads of each of the P values; every thread of the block must call it, and gets it.
template <int P> __device__ void over_rows(float *values, const Tile &tile, float *shared)
{
    for (int each = 0; each < P; each++)
        shared[each * LINE + threadIdx.x] = values[each];
    __syncthreads();
    for (int half = tile.deep / 2; half > 0; half /= 2) {
        if (tile.down < half)
            for (int each = 0; each < P; each++)
                shared[each * LINE + threadIdx.x] += shared[each * LINE + threadIdx.x + half * tile.wide];
        __syncthreads();
    }
    for (int each = 0; each < P; each++)
        values[each] = shared[each * LINE + tile.across];
    __syncthreads();
}

template <int P> __device__ void moments_of(float *partial, const Value *in, int rows, int channels, int share, int wide, float *shared)
{
    Tile tile = tile_of<P>(channels, wide);
    int first = blockIdx.y * share, end = first + share < rows ? first + share : rows;
    float sums[P], squares[P], values[P];
    for (int each = 0; each < P; each++)
        sums[each] = squares[each] = 0.0f;
    for (int row = first + tile.down; tile.used && row < end; row += tile.deep) {
        read<P>(values, in + (size_t)row * channels + tile.channel);
        for (int each = 0; each < P; each++)
            sums[each] += values[each];
    }
    over_rows<P>(sums, tile, shared);
    for (int each = 0; each < P; each++)
        sums[each] /= end - first;
    for (int row = first + tile.down; tile.used && row < end; row += tile.deep) {
        read<P>(values, in + (size_t)row * channels + tile.channel);
        for (int each = 0; each < P; each++)
            squares[each] += (values[each] - sums[each]) * (values[each] - sums[each]);
    }
    over_rows<P>(squares, tile, shared);
    if (!tile.used || tile.down != 0)
        return;
    float *own = partial + (size_t)blockIdx.y * 2 * channels + tile.channel;
    for (int each = 0; each < P; each++) {
        own[each] = sums[each];
        own[channels + each] = squares[each];
    }
}

// Mean and sum of squared deviations of every channel over `share` rows (blockIdx.y: which).
extern "C" __global__ void moments(float *partial, const Value *in, int rows, int channels, int share, int wide, int vector)
{
    __shared__ float shared[PACK * LINE];
    if (vector)
        moments_of<PACK>(partial, in, rows, channels, share, wide, shared);
    else
        moments_of<1>(partial, in, rows, channels, share, wide, shared);
}

#define ACROSS 32
#define DOWN (LINE / ACROSS)

// Sum over the DOWN threads of a channel.
__device__ double over_shares(double value, double *shared)
{
    shared[threadIdx.x] = value;
    __syncthreads();
    double total = 0.0;
    for (int down = 0; down < DOWN; down++)
        total += shared[down * ACROSS + threadIdx.x % ACROSS];
    __syncthreads();
    return total;
}

// Blocks of ACROSS channels. The moments of all rows from those of their shares; mean and 1 / sqrt(variance + epsilon) into `statistics`; the
// running statistics move.
extern "C" __global__ void finish_moments(float *statistics, float *running, const float *partial, int rows, int channels, int share)
{
    __shared__ double shared[LINE];
    int channel = blockIdx.x * ACROSS + threadIdx.x % ACROSS, shares = (rows + share - 1) / share;
    bool used = channel < channels;
    double sum = 0.0;
    for (int each = threadIdx.x / ACROSS; used && each < shares; each += DOWN) {
        int count = each * share + share < rows ? share : rows - each * share;
        sum += (double)count * partial[(size_t)each * 2 * channels + channel];
    }
    double mean = over_shares(sum, shared) / rows, squares = 0.0;
    for (int each = threadIdx.x / ACROSS; used && each < shares; each += DOWN) {
        int count = each * share + share < rows ? share : rows - each * share;
        const float *own = partial + (size_t)each * 2 * channels + channel;
        double away = own[0] - mean;
        squares += own[channels] + count * away * away;
    }
    squares = over_shares(squares, shared);
    if (!used || threadIdx.x >= ACROSS)
        return;
    statistics[channel] = (float)mean;
    statistics[channels + channel] = (float)(1.0 / sqrt(squares / rows + NORM_EPSILON));
    running[channel] = (float)((1.0 - NORM_MOMENTUM) * running[channel] + NORM_MOMENTUM * mean);
    running[channels + channel] = (float)((1.0 - NORM_MOMENTUM) * running[channels + channel] + NORM_MOMENTUM * (squares / (rows - 1)));
}

// What batch norm goes by in evaluation.
extern "C" __global__ void frozen(float *statistics, const float *running, int channels)
{
    int channel = unit();
    if (channel >= channels)
        return;
    statistics[channel] = running[channel];
    statistics[channels + channel] = (float)(1.0 / sqrt((double)running[channels + channel] + NORM_EPSILON));
}

template <int P>
__device__ void normalised(int place, Value *out, const Value *in, const float *statistics, const float *weights, int channels,
                           int kind, float alpha)
{
    size_t at = (size_t)place * P;
    int channel = place % (channels / P) * P;
    float values[P];
    read<P>(values, in + at);
    for (int each = 0; each < P; each++) {
        int own = channel + each;
        float normal = (values[each] - statistics[own]) * statistics[channels + own];
        values[each] = activated(weights[own] * normal + weights[channels + own], kind, alpha);
    }
    write<P>(out + at, values);
}

// Batch norm and what follows it. `weights` holds the weights, then the biases.
extern "C" __global__ void norm_forward(Value *out, const Value *in, const float *statistics, const float *weights, int channels, int kind,
                                        float alpha, int total, int vector)
{
    int place = unit();
    if (place >= total)
        return;
    if (vector)
        normalised<PACK>(place, out, in, statistics, weights, channels, kind, alpha);
    else
        normalised<1>(place, out, in, statistics, weights, channels, kind, alpha);
}

template <int P>
__device__ void norm_sums_of(float *partial, const Value *in, const Value *deltas, const float *statistics, const float *weights, int kind,
                             float alpha, int rows, int channels, int share, int wide, float *shared)
{
    Tile tile = tile_of<P>(channels, wide);
    int first = blockIdx.y * share, end = first + share < rows ? first + share : rows;
    float sums[P], products[P], values[P], own[P];
    for (int each = 0; each < P; each++)
        sums[each] = products[each] = 0.0f;
    for (int row = first + tile.down; tile.used && row < end; row += tile.deep) {
        size_t at = (size_t)row * channels + tile.channel;
        read<P>(values, in + at);
        read<P>(own, deltas + at);
        for (int each = 0; each < P; each++) {
            int channel = tile.channel + each;
            float normal = (values[each] - statistics[channel]) * statistics[channels + channel];
            float delta = own[each] * slope_at(weights[channel] * normal + weights[channels + channel], kind, alpha);
            sums[each] += delta;
            products[each] += delta * normal;
        }
    }
    over_rows<P>(sums, tile, shared);
    over_rows<P>(products, tile, shared);
    if (!tile.used || tile.down != 0)
        return;
    float *to = partial + (size_t)blockIdx.y * 2 * channels + tile.channel;
    for (int each = 0; each < P; each++) {
        to[each] = products[each];
        to[channels + each] = sums[each];
    }
}

// Back through what follows a batch norm: sums of dy * xhat and of dy of every channel over `share` rows (blockIdx.y: which).
extern "C" __global__ void norm_sums(float *partial, const Value *in, const Value *deltas, const float *statistics, const float *weights,
                                     int kind, float alpha, int rows, int channels, int share, int wide, int vector)
{
    __shared__ float shared[PACK * LINE];
    if (vector)
        norm_sums_of<PACK>(partial, in, deltas, statistics, weights, kind, alpha, rows, channels, share, wide, shared);
    else
        norm_sums_of<1>(partial, in, deltas, statistics, weights, kind, alpha, rows, channels, share, wide, shared);
}

// Blocks of ACROSS of the 2 x channels sums. Their totals are the gradient of batch norm's weights and biases; divided by the rows they are
// the means that the backward pass in training needs.
extern "C" __global__ void finish_sums(float *gradient, float *means, const float *partial, int shares, int rows, int channels)
{
    __shared__ double shared[LINE];
    int place = blockIdx.x * ACROSS + threadIdx.x % ACROSS;
    bool used = place < 2 * channels;
    double sum = 0.0;
    for (int each = threadIdx.x / ACROSS; used && each < shares; each += DOWN)
        sum += partial[(size_t)each * 2 * channels + place];
    sum = over_shares(sum, shared);
    if (!used || threadIdx.x >= ACROSS)
        return;
    gradient[place] = (float)sum;
    means[place] = (float)(sum / rows);
}

template <int P>
__device__ void norm_back(int place, Value *out, const Value *in, const Value *deltas, const float *statistics, const float *weights,
                          const float *means, int channels, int kind, float alpha)
{
    size_t at = (size_t)place * P;
    int channel = place % (channels / P) * P;
    float values[P], own[P];
    read<P>(values, in + at);
    read<P>(own, deltas + at);
    for (int each = 0; each < P; each++) {
        int mine = channel + each;
        float inverse = statistics[channels + mine], weight = weights[mine];
        float normal = (values[each] - statistics[mine]) * inverse;
        float delta = own[each] * slope_at(weight * normal + weights[channels + mine], kind, alpha);
        if (means)
            delta -= means[channels + mine] + normal * means[mine];
        own[each] = weight * inverse * delta;
    }
    write<P>(out + at, own);
}

// Back through batch norm and what follows it; without `means` that of evaluation.
extern "C" __global__ void norm_backward(Value *out, const Value *in, const Value *deltas, const float *statistics, const float *weights,
                                         const float *means, int channels, int kind, float alpha, int total, int vector)
{
    int place = unit();
    if (place >= total)
        return;
    if (vector)
        norm_back<PACK>(place, out, in, deltas, statistics, weights, means, channels, kind, alpha);
    else
        norm_back<1>(place, out, in, deltas, statistics, weights, means, channels, kind, alpha);
}

template <int P> __device__ void sum_of(int place, Value *out, const Value *one, const Value *other, int kind, float alpha)
{
    size_t at = (size_t)place * P;
    float values[P], others[P];
    read<P>(values, one + at);
    if (other)
        read<P>(others, other + at);
    for (int each = 0; each < P; each++)
        values[each] = activated(other ? values[each] + others[each] : values[each], kind, alpha);
    write<P>(out + at, values);
}
