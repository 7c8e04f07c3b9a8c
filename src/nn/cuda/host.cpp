// Runs the kernels of kernels.cu on the host, for tests: blocks one after the other, the threads of a block as coroutines that take turns
// at __syncthreads. Matrix products by the definition of the BLAS (column-major).
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__ static
// Blocks run one after the other, so what they share may be static; it holds the last block's values at first, as on a GPU.
#define __shared__ static

struct Index {
    int x, y, z;
};
static Index threadIdx, blockIdx;

static const size_t STACK = 64 * 1024;
static ucontext_t scheduler;
static std::vector<ucontext_t> threads;
static std::vector<char> stacks;
static std::vector<char> done;
static size_t current;

// Set while a kernel that declares no shared memory runs: its threads have nothing to wait for and run one after the other.
static bool alone;

static void __syncthreads()
{
    if (alone) {
        fputs("a barrier in a kernel without shared memory\n", stderr);
        abort();
    }
    swapcontext(&threads[current], &scheduler);
}
static int atomicAdd(int *to, int value)
{
    int before = *to;
    *to += value;
    return before;
}
static long long __double_as_longlong(double value)
{
    long long bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static double __longlong_as_double(long long bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static float __uint_as_float(unsigned bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static unsigned __float_as_uint(float value)
{
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
using std::isfinite;

#include KERNELS

// One argument, read as its type from a slot of eight bytes.
template <class T> static T argument(void *slot)
{
    T value;
    memcpy(&value, slot, sizeof value);
    return value;
}

struct Call {
    virtual void run() = 0;
    virtual ~Call() {}
};
template <class... P> struct Bound : Call {
    void (*kernel)(P...);
    void **slots;
    Bound(void (*kernel)(P...), void **slots) : kernel(kernel), slots(slots) {}
    template <size_t... N> void apply(std::index_sequence<N...>) { kernel(argument<P>(slots[N])...); }
    void run() override { apply(std::index_sequence_for<P...>()); }
};
static Call *call;

static void enter()
{
    call->run();
    done[current] = 1;
    swapcontext(&threads[current], &scheduler);
}

template <class... P> static int launch(void (*kernel)(P...), const unsigned *shape, void **slots, unsigned count, bool apart)
{
    if (count != sizeof...(P))
        return 2;
    Bound<P...> bound(kernel, slots);
    alone = apart;
    if (apart) {
        for (blockIdx.y = 0; blockIdx.y < (int)shape[1]; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < (int)shape[0]; blockIdx.x++)
                for (threadIdx.y = 0; threadIdx.y < (int)shape[3]; threadIdx.y++)
                    for (threadIdx.x = 0; threadIdx.x < (int)shape[2]; threadIdx.x++)
                        bound.run();
        return 0;
    }
    call = &bound;
    size_t wide = shape[2], size = (size_t)shape[2] * shape[3];
    threads.resize(size);
    done.resize(size);
    stacks.resize(size * STACK);
    for (blockIdx.y = 0; blockIdx.y < (int)shape[1]; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < (int)shape[0]; blockIdx.x++) {
            for (size_t thread = 0; thread < size; thread++) {
                getcontext(&threads[thread]);
                threads[thread].uc_stack.ss_sp = &stacks[thread * STACK];
                threads[thread].uc_stack.ss_size = STACK;
                threads[thread].uc_link = nullptr;
                makecontext(&threads[thread], enter, 0);
                done[thread] = 0;
            }
            // Turns go up and down by phase, so that a missing barrier shows.
            bool up = true;
            for (size_t left = size; left > 0; up = !up)
                for (size_t turn = 0; turn < size; turn++) {
                    current = up ? turn : size - 1 - turn;
                    if (done[current])
                        continue;
                    threadIdx = {(int)(current % wide), (int)(current / wide), 0};
                    swapcontext(&scheduler, &threads[current]);
                    left -= done[current];
                }
        }
    return 0;
}

#define KERNEL(kernel, apart)                                                                                                              \
    if (!strcmp(name, #kernel))                                                                                                            \
        return launch(kernel, shape, slots, count, apart);

// shape: blocks in x and y, threads in x and y. 0: done, 1: no such kernel, 2: wrong number of arguments.
extern "C" int recant_launch(const char *name, const unsigned *shape, void **slots, unsigned count)
{
#include "list.inc"
    return 1;
}

// bfloat16 as the kernels have it: the upper half of a float, rounded to nearest, ties to even.
static float number(const void *from, int half, size_t at)
{
    return half ? __uint_as_float((unsigned)((const unsigned short *)from)[at] << 16) : ((const float *)from)[at];
}
static void put(void *to, int half, size_t at, float value)
{
    unsigned bits = __float_as_uint(value);
    if (!half)
        ((float *)to)[at] = value;
    else if (value != value)
        ((unsigned short *)to)[at] = (unsigned short)(bits >> 16 | 0x40);
    else
        ((unsigned short *)to)[at] = (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// C = alpha op(A) op(B) + beta C for `batch` matrices, column-major as cublasGemmStridedBatchedEx has it: op(A) is m x k, op(B) k x n.
extern "C" void recant_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const void *a, int half_a, int lda,
                            long long stride_a, const void *b, int half_b, int ldb, long long stride_b, float beta, void *c, int half_c,
                            int ldc, long long stride_c, int batch)
{
    for (int each = 0; each < batch; each++)
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) {
                double sum = 0.0;
                for (int p = 0; p < k; p++) {
                    float left = number(a, half_a, each * stride_a + (transpose_a ? p + (size_t)i * lda : i + (size_t)p * lda));
                    float right = number(b, half_b, each * stride_b + (transpose_b ? j + (size_t)p * ldb : p + (size_t)j * ldb));
                    sum += (double)left * right;
                }
                size_t to = each * stride_c + i + (size_t)j * ldc;
                put(c, half_c, to, (float)(alpha * sum + (beta == 0.0f ? 0.0 : (double)beta * number(c, half_c, to))));
            }
}
