// The element-wise work of the tables engine for many models at once, compiled by NVRTC when a GPU is first used.
//
// The same text compiles as C++ for the host (host.cpp), where the tests hold every kernel against the CPU engine. It therefore keeps to
// plain C: no libraries, no shuffles, shared memory and __syncthreads only.
//
// All matrices are row-major. A buffer of activations holds, model after model, `capacity` rows of `width` values, of which the first
// `rows` are in use. Parameters lie as in the CPU engine's flat vector; `stride` is the number of parameters of a model, and `offset`
// where the layer's linear bias begins, after which come batch norm's weight and bias.
//
// Two shapes of launch: a *tile* (blocks of TILE x DEEP threads; blockIdx.x: TILE neighbouring features, blockIdx.y: the model; threads of
// one column share a feature and divide its rows), and a *line* (blocks of LINE threads; blockIdx.x: elements, blockIdx.y: the model).
// Sums are made in a fixed order: the same launch gives the same bits.

#define TILE 32
#define DEEP 8
#define LINE 256

typedef unsigned int Row;
typedef unsigned long long Key;

// Sum over the threads of a column; every thread of the block must call it, and gets it.
__device__ float over_column(float value, float *shared)
{
    int place = threadIdx.y * TILE + threadIdx.x;
    shared[place] = value;
    __syncthreads();
    for (int half = DEEP / 2; half > 0; half /= 2) {
        if (threadIdx.y < half)
            shared[place] += shared[place + half * TILE];
        __syncthreads();
    }
    float total = shared[threadIdx.x];
    __syncthreads();
    return total;
}

// Sum over the threads of a line.
__device__ double over_line(double value, double *shared)
{
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = LINE / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            shared[threadIdx.x] += shared[threadIdx.x + half];
        __syncthreads();
    }
    double total = shared[0];
    __syncthreads();
    return total;
}

__device__ float rectified(float value) { return value < 0.0f ? 0.0f : value; }

// Line. Rows of the inputs in each model's own order.
extern "C" __global__ void gather(float *out, const float *inputs, const Row *order, int order_stride, int start, int rows, int capacity,
                                  int width)
{
    int place = blockIdx.x * LINE + threadIdx.x;
    if (place >= rows * width)
        return;
    size_t model = blockIdx.y;
    size_t row = order[model * order_stride + start + place / width];
    out[model * capacity * width + place] = inputs[row * width + place % width];
}

// Tile. Batch norm in training and ReLU: z becomes xhat, `outputs` the activations; the running statistics move. The linear bias, left
// out of z, is a part of the running mean.
extern "C" __global__ void norm_forward(float *z, float *outputs, const float *parameters, int stride, int offset, float *running,
                                        int running_stride, int running_offset, float *inverses, int rows, int capacity, int width)
{
    __shared__ float shared[TILE * DEEP];
    int feature = blockIdx.x * TILE + threadIdx.x;
    bool used = feature < width;
    size_t model = blockIdx.y;
    size_t base = model * capacity * width + feature;
    float sum = 0.0f;
    for (int row = threadIdx.y; used && row < rows; row += DEEP)
        sum += z[base + (size_t)row * width];
    float mean = over_column(sum, shared) / rows;
    float square = 0.0f;
    for (int row = threadIdx.y; used && row < rows; row += DEEP) {
        float off = z[base + (size_t)row * width] - mean;
        square += off * off;
    }
    float squares = over_column(square, shared);
    if (!used)
        return;
    const float *layer = parameters + model * stride + offset;
    float inverse = (float)(1.0 / sqrt((double)squares / rows + NORM_EPSILON));
    float weight = layer[width + feature], bias = layer[2 * width + feature];
    for (int row = threadIdx.y; row < rows; row += DEEP) {
        size_t place = base + (size_t)row * width;
        float normal = (z[place] - mean) * inverse;
        z[place] = normal;
        outputs[place] = rectified(weight * normal + bias);
    }
    if (threadIdx.y == 0) {
        float *means = running + model * running_stride + running_offset;
        inverses[model * width + feature] = inverse;
        means[feature] = (float)((1.0 - NORM_MOMENTUM) * means[feature] + NORM_MOMENTUM * ((double)mean + layer[feature]));
        means[width + feature] = (float)((1.0 - NORM_MOMENTUM) * means[width + feature] + NORM_MOMENTUM * ((double)squares / (rows - 1)));
    }
}

// Tile. Back through ReLU and batch norm in training; batch norm's parameters and the linear bias take their step of SGD.
extern "C" __global__ void norm_backward(float *deltas, const float *normals, float *parameters, int stride, int offset,
                                         const float *inverses, int rows, int capacity, int width, float keep, float rate)
{
    __shared__ float shared[TILE * DEEP];
    int feature = blockIdx.x * TILE + threadIdx.x;
    bool used = feature < width;
    size_t model = blockIdx.y;
    size_t base = model * capacity * width + feature;
    float *layer = parameters + model * stride + offset;
    float weight = used ? layer[width + feature] : 0.0f, bias = used ? layer[2 * width + feature] : 0.0f;
    float sum = 0.0f, product = 0.0f;
    for (int row = threadIdx.y; used && row < rows; row += DEEP) {
        size_t place = base + (size_t)row * width;
        float normal = normals[place];
        float delta = weight * normal + bias > 0.0f ? deltas[place] : 0.0f;
        sum += delta;
        product += delta * normal;
    }
    sum = over_column(sum, shared);
    product = over_column(product, shared);
    if (!used)
        return;
    float factor = weight * inverses[model * width + feature];
    float mean_sum = sum / rows, mean_product = product / rows;
    for (int row = threadIdx.y; row < rows; row += DEEP) {
        size_t place = base + (size_t)row * width;
        float normal = normals[place];
        float delta = weight * normal + bias > 0.0f ? deltas[place] : 0.0f;
        deltas[place] = factor * (delta - mean_sum - normal * mean_product);
    }
    if (threadIdx.y == 0) {
        layer[feature] = keep * layer[feature];
        layer[width + feature] = keep * weight - rate * product;
        layer[2 * width + feature] = keep * bias - rate * sum;
    }
}

// Line, one block for each model. Softmax and cross entropy: logits become d loss / d logit. A row's weight is its class's, or 0 where
// `left_out` says so; with `average` the loss is the mean by weight, else the sum. `counts` receives the sum of the weights; the sum over
// rows of the batch's loss is added to `losses`.
extern "C" __global__ void cross_entropy(float *logits, const float *parameters, int stride, int offset, const unsigned char *labels,
                                         int label_stride, const Row *order, int order_stride, const unsigned char *left_out,
                                         const double *class_weights, int start, int rows, int capacity, int classes, int average,
                                         double *losses, double *counts)
{
    __shared__ double shared[LINE];
    size_t model = blockIdx.y;
    const float *biases = parameters + model * stride + offset;
    double weights = 0.0;
    for (int row = threadIdx.x; row < rows; row += LINE) {
        size_t example = order ? order[model * order_stride + start + row] : (Row)(start + row);
        int label = labels[model * label_stride + example];
        bool out = left_out && left_out[model * label_stride + example];
        weights += out ? 0.0 : class_weights ? class_weights[model * classes + label] : 1.0;
    }
    double total = over_line(weights, shared);
    double share = !average ? 1.0 : total > 0.0 ? 1.0 / total : 0.0;
    double loss = 0.0;
    for (int row = threadIdx.x; row < rows; row += LINE) {
        size_t example = order ? order[model * order_stride + start + row] : (Row)(start + row);
        int label = labels[model * label_stride + example];
        bool out = left_out && left_out[model * label_stride + example];
        float scale = (float)(out ? 0.0 : share * (class_weights ? class_weights[model * classes + label] : 1.0));
        float *values = logits + (model * capacity + row) * classes;
        float picked = values[label] + biases[label];
        float largest = values[0] + biases[0];
        for (int other = 1; other < classes; other++) {
            float value = values[other] + biases[other];
            largest = value <= largest ? largest : value;
        }
        float sum = 0.0f;
        for (int other = 0; other < classes; other++) {
            values[other] = expf(values[other] + biases[other] - largest);
            sum += values[other];
        }
        for (int other = 0; other < classes; other++)
            values[other] = scale * (values[other] / sum - (other == label ? 1.0f : 0.0f));
        loss += (double)scale * (logf(sum) + (largest - picked));
    }
    loss = over_line(loss, shared);
    if (threadIdx.x == 0) {
        losses[model] += loss * rows;
        counts[model] = total;
    }
}

// Tile. The head's bias takes its step of SGD.
extern "C" __global__ void bias_step(const float *deltas, float *parameters, int stride, int offset, int rows, int capacity, int width,
                                     float keep, float rate)
{
    __shared__ float shared[TILE * DEEP];
    int feature = blockIdx.x * TILE + threadIdx.x;
    size_t model = blockIdx.y;
    float sum = 0.0f;
    for (int row = threadIdx.y; feature < width && row < rows; row += DEEP)
        sum += deltas[(model * capacity + row) * width + feature];
    sum = over_column(sum, shared);
    if (feature < width && threadIdx.y == 0) {
        float *bias = parameters + model * stride + offset + feature;
        *bias = keep * *bias - rate * sum;
    }
}

// Tile. Batch norm by its running statistics, and ReLU.
extern "C" __global__ void frozen_forward(float *z, float *outputs, const float *parameters, int stride, int offset, const float *running,
                                          int running_stride, int running_offset, int rows, int capacity, int width)
{
    int feature = blockIdx.x * TILE + threadIdx.x;
    if (feature >= width)
        return;
    size_t model = blockIdx.y;
    size_t base = model * capacity * width + feature;
    const float *layer = parameters + model * stride + offset;
    const float *means = running + model * running_stride + running_offset;
    float mean = (float)((double)means[feature] - layer[feature]);
    float inverse = (float)(1.0 / sqrt((double)means[width + feature] + NORM_EPSILON));
    float weight = layer[width + feature], bias = layer[2 * width + feature];
    for (int row = threadIdx.y; row < rows; row += DEEP) {
        size_t place = base + (size_t)row * width;
        float normal = (z[place] - mean) * inverse;
        z[place] = normal;
        outputs[place] = rectified(weight * normal + bias);
    }
}

// Tile. Back through ReLU and batch norm by its running statistics. Sums over the rows for the linear bias and batch norm's parameters:
// of the gradients into `gradient`, of their squares into `fisher`; either may be absent.
extern "C" __global__ void frozen_backward(float *deltas, const float *normals, const float *parameters, int stride, int offset,
                                           const float *running, int running_stride, int running_offset, float *gradient, float *fisher,
                                           int rows, int capacity, int width)
{
    __shared__ float shared[TILE * DEEP];
    int feature = blockIdx.x * TILE + threadIdx.x;
    bool used = feature < width;
    size_t model = blockIdx.y;
    size_t base = model * capacity * width + feature;
    const float *layer = parameters + model * stride + offset;
    float weight = used ? layer[width + feature] : 0.0f, bias = used ? layer[2 * width + feature] : 0.0f;
    double variance = used ? running[model * running_stride + running_offset + width + feature] : 1.0f;
    float factor = (float)(weight / sqrt(variance + NORM_EPSILON));
    float sum = 0.0f, product = 0.0f, square = 0.0f, square_product = 0.0f, square_scaled = 0.0f;
    for (int row = threadIdx.y; used && row < rows; row += DEEP) {
        size_t place = base + (size_t)row * width;
        float normal = normals[place];
        float delta = weight * normal + bias > 0.0f ? deltas[place] : 0.0f;
        float scaled = delta * factor;
        sum += delta;
        product += delta * normal;
        square += delta * delta;
        square_product += (delta * normal) * (delta * normal);
        square_scaled += scaled * scaled;
        deltas[place] = scaled;
    }
    sum = over_column(sum, shared);
    product = over_column(product, shared);
    square = over_column(square, shared);
    square_product = over_column(square_product, shared);
    square_scaled = over_column(square_scaled, shared);
    if (!used || threadIdx.y != 0)
        return;
    size_t place = model * stride + offset + feature;
    if (gradient) {
        gradient[place] = sum * factor;
        gradient[place + width] = product;
        gradient[place + 2 * width] = sum;
    }
    if (fisher) {
        fisher[place] = square_scaled;
        fisher[place + width] = square_product;
        fisher[place + 2 * width] = square;
    }
}

// Tile. Sums over the rows for the head's bias: of the gradients, of their squares; either may be absent.
extern "C" __global__ void bias_sums(const float *deltas, float *gradient, float *fisher, int stride, int offset, int rows, int capacity,
                                     int width)
{
    __shared__ float shared[TILE * DEEP];
    int feature = blockIdx.x * TILE + threadIdx.x;
    size_t model = blockIdx.y;
    float sum = 0.0f, square = 0.0f;
    for (int row = threadIdx.y; feature < width && row < rows; row += DEEP) {
        float delta = deltas[(model * capacity + row) * width + feature];
        sum += delta;
        square += delta * delta;
    }
    sum = over_column(sum, shared);
    square = over_column(square, shared);
    if (feature >= width || threadIdx.y != 0)
        return;
    if (gradient)
        gradient[model * stride + offset + feature] = sum;
    if (fisher)
        fisher[model * stride + offset + feature] = square;
}

// Line. value^2 of the rows in use; the input may be shared by all models (`stride` 0).
extern "C" __global__ void squared(float *out, const float *values, int stride, int rows, int capacity, int width)
{
    int place = blockIdx.x * LINE + threadIdx.x;
    if (place >= rows * width)
        return;
    size_t model = blockIdx.y;
    float value = values[model * stride + place];
    out[model * capacity * width + place] = value * value;
}

// Line. Adds a batch's sums to the totals: (value / count)^2 with `square`, else the value. A batch in which nothing counts adds nothing.
extern "C" __global__ void add_batch(double *totals, const float *values, const double *counts, double *seen, int stride, int square)
{
    int place = blockIdx.x * LINE + threadIdx.x;
    size_t model = blockIdx.y;
    double count = counts[model];
    if (place >= stride || !(count > 0.0))
        return;
    size_t at = model * stride + place;
    double value = values[at];
    totals[at] += square ? (value / count) * (value / count) : value;
    if (place == 0)
        seen[model] += square ? 1.0 : count;
}

// Line. Totals become means; `wrong` is set where one is no finite number.
extern "C" __global__ void finish_means(double *totals, const double *seen, int stride, int *wrong)
{
    int place = blockIdx.x * LINE + threadIdx.x;
    if (place >= stride)
        return;
    size_t at = (size_t)blockIdx.y * stride + place;
    totals[at] /= seen[blockIdx.y];
    if (!isfinite(totals[at]))
        wrong[blockIdx.y] = 1;
}

#define NO_KEY (~(Key)0)

// A ratio from 0 up as a whole number of the same order; NO_KEY where it is no finite number.
__device__ Key ratio_key(double forget, double reference)
{
    double ratio = forget / reference;
    return isfinite(ratio) ? (Key)__double_as_longlong(ratio) : NO_KEY;
}

// Line, one block for each model. The percentile of the finite ratios forget / reference, with linear interpolation between neighbours
// as numpy has it; NaN where there is none. The lower neighbour is found byte by byte from the top.
extern "C" __global__ void ratio_percentile(double *out, const double *forget, const double *reference, int stride, double percentile)
{
    __shared__ double shared[LINE];
    __shared__ int bins[256];
    __shared__ Key found;
    __shared__ int left;
    __shared__ Key least[LINE];
    forget += (size_t)blockIdx.y * stride;
    reference += (size_t)blockIdx.y * stride;
    int mine = 0;
    for (int place = threadIdx.x; place < stride; place += LINE)
        mine += ratio_key(forget[place], reference[place]) != NO_KEY;
    int count = (int)over_line(mine, shared);
    if (count == 0) {
        if (threadIdx.x == 0)
            out[blockIdx.y] = 0.0 / (count * 1.0);
        return;
    }
    double share = percentile / 100.0;
    double position = (share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share) * (count - 1);
    int below = (int)floor(position);
    below = below < count - 1 ? below : count - 1;
    double fraction = position - below;
    if (threadIdx.x == 0) {
        found = 0;
        left = below;
    }
    __syncthreads();
    for (int shift = 56; shift >= 0; shift -= 8) {
        for (int bin = threadIdx.x; bin < 256; bin += LINE)
            bins[bin] = 0;
        __syncthreads();
        Key prefix = found;
        for (int place = threadIdx.x; place < stride; place += LINE) {
            Key key = ratio_key(forget[place], reference[place]);
            bool same = shift == 56 || key >> (shift + 8) == prefix >> (shift + 8);
            if (key != NO_KEY && same)
                atomicAdd(&bins[(int)(key >> shift & 255)], 1);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            int bin = 0;
            while (left >= bins[bin])
                left -= bins[bin++];
            found |= (Key)bin << shift;
        }
        __syncthreads();
    }
    // How many are not above the lower neighbour, and the least one above it.
    Key low = found, above = NO_KEY;
    int upto = 0;
    for (int place = threadIdx.x; place < stride; place += LINE) {
        Key key = ratio_key(forget[place], reference[place]);
        if (key <= low)
            upto++;
        else if (key < above)
            above = key;
    }
    upto = (int)over_line(upto, shared);
    least[threadIdx.x] = above;
    __syncthreads();
    if (threadIdx.x != 0)
        return;
    for (int other = 1; other < LINE; other++)
        above = least[other] < above ? least[other] : above;
    double under = __longlong_as_double((long long)low);
    double over = upto > below + 1 || above == NO_KEY ? under : __longlong_as_double((long long)above);
    double step = over - under;
    out[blockIdx.y] = fraction < 0.5 ? under + step * fraction : over - step * (1.0 - fraction);
}

// Line. Dampening: where forget > alpha * reference, the parameter is multiplied by min(lambda * reference / forget, 1).
extern "C" __global__ void dampen(float *parameters, const double *forget, const double *reference, const double *alphas, double lambda,
                                  int stride, int *dampened)
{
    int place = blockIdx.x * LINE + threadIdx.x;
    if (place >= stride)
        return;
    size_t at = (size_t)blockIdx.y * stride + place;
    if (!(forget[at] > alphas[blockIdx.y] * reference[at]))
        return;
    double factor = lambda * reference[at] / forget[at];
    if (factor < 1.0) {
        parameters[at] = (float)(parameters[at] * factor);
        atomicAdd(&dampened[blockIdx.y], 1);
    }
}

// Line. The class of the largest logit of each row; of equals the first.
extern "C" __global__ void predict(unsigned char *out, int out_stride, const float *logits, const float *parameters, int stride, int offset,
                                   int start, int rows, int capacity, int classes)
{
    int row = blockIdx.x * LINE + threadIdx.x;
    if (row >= rows)
        return;
    size_t model = blockIdx.y;
    const float *values = logits + (model * capacity + row) * classes;
    const float *biases = parameters + model * stride + offset;
    int best = 0;
    for (int other = 1; other < classes; other++)
        if (values[other] + biases[other] > values[best] + biases[best])
            best = other;
    out[model * out_stride + start + row] = (unsigned char)best;
}
