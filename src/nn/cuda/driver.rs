//! The driver, NVRTC and cuBLAS, and the only `unsafe` code of this room beside what the tests put in its place (`host.rs`).
//!
//! # Why there is `unsafe` here, and why it is sound
//! - Opening a library runs its initialisers: only the three libraries of [`LIBRARIES`](super::super::device::LIBRARIES) and the two that
//!   they load themselves are opened, by the names that NVIDIA gives them.
//! - No function of a library is called before [`opens`] has found that library, because the bindings would panic.
//! - Addresses come from the driver's own reservations ([`Memory`] cannot be made elsewhere); copies are checked to lie within them, and so
//!   are the matrices of products. All work goes to one stream, the default one, so nothing overtakes anything; reading waits for it.
//! - A kernel touches what its arguments name. That these fit the kernels is checked on the host (`tests.rs`): number, types, bounds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cudarc::cublas::{result as blas, sys as blas_sys};
use cudarc::driver::{CudaContext, CudaFunction, DriverError, result, sys};
use cudarc::nvrtc::{CompileError, CompileOptions, Ptx, compile_ptx_with_opts};

use super::super::device::Gpu;
use super::accelerator::{Accelerator, Argument, BlasCall, Memory, Program, Shape, within};
use crate::error::{Error, Result};

/// Oldest compute capability: what NVRTC 13 still compiles for (Turing).
const OLDEST: (i32, i32) = (7, 5);

/// Libraries that another one loads by name while it works; opened before it, so that the folder need not be on the search path.
const COMPANIONS: [(&str, &str); 2] = [("NVRTC", "libnvrtc-builtins.so"), ("cuBLAS", "libcublasLt.so")];

/// Whether a library can be opened: from this path, or from where the system finds it. It stays open.
pub(in super::super) fn opens(name: &str, path: Option<&Path>) -> bool {
    if let Some(path) = path {
        let companions = COMPANIONS.iter().filter(|(of, _)| *of == name);
        for begins in companions.map(|(_, begins)| begins) {
            let folders: Vec<_> = path.parent().map(Path::to_path_buf).into_iter().collect();
            if let Some(companion) = super::super::device::find_library(&folders, begins) {
                keep_open(&companion);
            }
        }
        keep_open(path);
    }
    // SAFETY: opens one of NVIDIA's libraries, as said above. One that is open already is found by its own name (`SONAME`).
    unsafe {
        match name {
            "driver" => sys::is_culib_present(),
            "NVRTC" => cudarc::nvrtc::sys::is_culib_present(),
            _ => cudarc::cublas::sys::is_culib_present(),
        }
    }
}

fn keep_open(path: &Path) {
    // SAFETY: one of NVIDIA's libraries, as said above.
    if let Ok(library) = unsafe { libloading::Library::new(path) } {
        std::mem::forget(library);
    }
}

/// A failure of the driver, in its own words.
pub(super) fn failed(what: &str, error: DriverError) -> Error {
    let text = error.error_string().ok().and_then(|text| text.to_str().ok().map(str::to_owned));
    Error::input(format!(
        "the GPU driver failed to {what}: {}",
        text.unwrap_or_else(|| format!("{error:?}"))
    ))
}

/// The GPUs that the driver reports. The driver must have been found.
///
/// # Errors
/// Where the driver cannot be started.
pub(in super::super) fn gpus() -> Result<Vec<Gpu>> {
    result::init().map_err(|error| failed("start", error))?;
    let count = CudaContext::device_count().map_err(|error| failed("count GPUs", error))?;
    (0..count as usize).map(gpu).collect()
}

fn gpu(number: usize) -> Result<Gpu> {
    let asked = |error| failed(&format!("describe GPU {number}"), error);
    let device = result::device::get(number as i32).map_err(asked)?;
    // SAFETY: `device` is a device that the driver has just handed out.
    let memory = unsafe { result::device::total_mem(device) }.map_err(asked)?;
    let attribute = |which| {
        // SAFETY: as above.
        unsafe { result::device::get_attribute(device, which) }.map_err(asked)
    };
    let major = attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let opened = CudaContext::new(number).and_then(|context| context.mem_get_info());
    let why_not = if (major, minor) < OLDEST {
        Some(format!(
            "GPU {number} has compute capability {major}.{minor}, and at least {}.{} is needed.",
            OLDEST.0, OLDEST.1
        ))
    } else {
        opened.as_ref().err().map(|error| format!("{}.", failed("open it", *error)))
    };
    Ok(Gpu {
        number,
        name: result::device::get_name(device).map_err(asked)?,
        memory: memory as u64,
        free: opened.ok().map(|(free, _)| free as u64),
        compute_capability: format!("{major}.{minor}"),
        why_not,
    })
}

/// The kernels compiled by NVRTC for a compute capability, such as `compute_90`. NVRTC must have been found; no GPU is needed.
///
/// # Errors
/// With NVRTC's messages where the source cannot be compiled for it.
pub(in crate::nn) fn compile(program: &Program, architecture: &str) -> Result<Ptx> {
    let options = CompileOptions {
        options: vec![format!("--gpu-architecture={architecture}"), "--std=c++17".to_owned()],
        name: Some("kernels.cu".to_owned()),
        ..CompileOptions::default()
    };
    compile_ptx_with_opts(&program.source, options).map_err(|error| {
        let text = match &error {
            CompileError::CompileError { log, .. } => log.to_string_lossy().into_owned(),
            other => format!("{other:?}"),
        };
        Error::input(format!("NVRTC cannot compile the kernels for {architecture}: {text}"))
            .hint("`recant doctor` tells which NVRTC is found; scripts/cuda_libraries.sh gets one that works")
    })
}

/// A GPU with the kernels loaded.
pub struct GpuDevice {
    context: Arc<CudaContext>,
    functions: BTreeMap<&'static str, CudaFunction>,
    blas: blas_sys::cublasHandle_t,
    reserved: Vec<sys::CUdeviceptr>,
}

// SAFETY: the handle may be used by any thread, one at a time, which `&mut self` makes sure of; every use binds the context first.
unsafe impl Send for GpuDevice {}

impl GpuDevice {
    /// Opens the GPU of this number and compiles kernels for it. The libraries must have been found (see
    /// [`DeviceChoice::resolve`](super::super::DeviceChoice::resolve)).
    ///
    /// # Errors
    /// Where the driver, NVRTC or cuBLAS fail, or the kernels cannot be compiled.
    pub fn open(number: usize, program: &Program) -> Result<Self> {
        let context = CudaContext::new(number).map_err(|error| failed(&format!("open GPU {number}"), error))?;
        let (major, minor) = context
            .compute_capability()
            .map_err(|error| failed("tell the compute capability", error))?;
        let code = compile(program, &format!("compute_{major}{minor}"))?;
        let module = context.load_module(code).map_err(|error| {
            failed("load the kernels", error)
                .hint("a driver older than NVRTC refuses its code: update the driver, or run `bash scripts/cuda_libraries.sh FOLDER 12`")
        })?;
        let load = |name: &&'static str| {
            let function = module.load_function(name).map_err(|error| failed("find a kernel", error))?;
            Ok((*name, function))
        };
        let functions = program.kernels.iter().map(load).collect::<Result<_>>()?;
        let blas = blas::create_handle().map_err(|error| Error::input(format!("cuBLAS cannot be started: {error:?}")))?;
        Ok(Self {
            context,
            functions,
            blas,
            reserved: Vec::new(),
        })
    }

    fn bind(&self) -> Result<()> {
        self.context.bind_to_thread().map_err(|error| failed("switch to the GPU", error))
    }
}

impl Drop for GpuDevice {
    fn drop(&mut self) {
        self.release_all();
        // SAFETY: made by `create_handle` and destroyed once.
        let _ = unsafe { blas::destroy_handle(self.blas) };
    }
}

impl Accelerator for GpuDevice {
    fn free(&self) -> Result<usize> {
        let asked = self.context.mem_get_info();
        asked.map(|(free, _)| free).map_err(|error| failed("tell the free memory", error))
    }

    fn reserve(&mut self, bytes: usize) -> Result<Memory> {
        self.bind()?;
        // SAFETY: plain memory, filled with zeros before anything reads it.
        let address = unsafe { result::malloc_sync(bytes) }.map_err(|error| {
            failed(&format!("reserve {} MiB", bytes.div_ceil(1 << 20)), error)
                .hint("compute less at once (`--chunk 20` scenarios, a `--batch` of 64 images), or with `--device cpu`")
        })?;
        self.reserved.push(address);
        let memory = Memory { address, bytes };
        self.clear(memory)?;
        Ok(memory)
    }

    fn release(&mut self, memory: Memory) {
        if let Some(place) = self.reserved.iter().position(|address| *address == memory.address) {
            let _ = self.bind();
            // SAFETY: reserved above and given back once. The driver waits for work that still uses it.
            let _ = unsafe { result::free_sync(self.reserved.swap_remove(place)) };
        }
    }

    fn release_all(&mut self) {
        let _ = self.bind();
        for address in self.reserved.drain(..) {
            // SAFETY: reserved above and given back once. The driver waits for work that still uses it.
            let _ = unsafe { result::free_sync(address) };
        }
    }

    fn write(&mut self, to: Memory, bytes: &[u8]) -> Result<()> {
        within(to, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: within memory that the driver reserved; the call returns once `bytes` has been read.
        unsafe { result::memcpy_htod_sync(to.address, bytes) }.map_err(|error| failed("copy to the GPU", error))
    }

    fn read(&mut self, from: Memory, bytes: &mut [u8]) -> Result<()> {
        within(from, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: within memory that the driver reserved; the call waits for the work before it and for the copy.
        unsafe { result::memcpy_dtoh_sync(bytes, from.address) }.map_err(|error| failed("copy from the GPU", error))
    }

    fn copy(&mut self, to: Memory, from: Memory, bytes: usize) -> Result<()> {
        within(to, bytes)?;
        within(from, bytes)?;
        if bytes == 0 {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: within memory that the driver reserved, in the order of the stream.
        unsafe { result::memcpy_dtod_async(to.address, from.address, bytes, std::ptr::null_mut()) }
            .map_err(|error| failed("copy on the GPU", error))
    }

    fn clear(&mut self, memory: Memory) -> Result<()> {
        if memory.bytes == 0 {
            return Ok(());
        }
        self.bind()?;
        // SAFETY: memory that the driver reserved, in the order of the stream.
        unsafe { result::memset_d8_async(memory.address, 0, memory.bytes, std::ptr::null_mut()) }
            .map_err(|error| failed("clear memory", error))
    }

    fn launch(&mut self, kernel: &'static str, shape: Shape, arguments: &[Argument]) -> Result<()> {
        self.bind()?;
        let function = self.functions.get(kernel);
        let function = function.ok_or_else(|| Error::internal(format!("no kernel `{kernel}`")))?;
        let mut slots: Vec<u64> = arguments.iter().map(|argument| argument.slot()).collect();
        let mut places: Vec<_> = slots.iter_mut().map(|slot| std::ptr::from_mut(slot).cast()).collect();
        let [across, down, wide, deep] = shape.0;
        // SAFETY: the function belongs to a module that lives as long as `self`; the driver reads the arguments before it returns; they
        // are those that the tests check on the host.
        unsafe {
            result::launch_kernel(
                function.cu_function(),
                (across, down, 1),
                (wide, deep, 1),
                0,
                std::ptr::null_mut(),
                &mut places,
            )
        }
        .map_err(|error| failed(&format!("start `{kernel}`"), error))
    }

    fn multiply(&mut self, call: &BlasCall) -> Result<()> {
        self.bind()?;
        let operation = |transposed: bool| match transposed {
            true => blas_sys::cublasOperation_t::CUBLAS_OP_T,
            false => blas_sys::cublasOperation_t::CUBLAS_OP_N,
        };
        let [transpose_a, transpose_b] = call.transpose.map(operation);
        let [a, b, c] = call.addresses;
        let [lda, ldb, ldc] = call.leading;
        let [stride_a, stride_b, stride_c] = call.strides;
        // Sums are always of single precision.
        let of = |half: bool| match half {
            true => blas_sys::cudaDataType::CUDA_R_16BF,
            false => blas_sys::cudaDataType::CUDA_R_32F,
        };
        let [type_a, type_b, type_c] = call.numbers.half.map(of);
        let compute = match call.numbers.rounded {
            true => blas_sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
            false => blas_sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
        };
        // SAFETY: the matrices lie within memory that the driver reserved (`blas_call` has checked it); the two factors are read before
        // the call returns.
        unsafe {
            blas::gemm_strided_batched_ex(
                self.blas,
                transpose_a,
                transpose_b,
                call.m,
                call.n,
                call.k,
                (&raw const call.alpha).cast(),
                a as *const std::ffi::c_void,
                type_a,
                lda,
                stride_a,
                b as *const std::ffi::c_void,
                type_b,
                ldb,
                stride_b,
                (&raw const call.beta).cast(),
                c as *mut std::ffi::c_void,
                type_c,
                ldc,
                stride_c,
                call.batch,
                compute,
                blas_sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        }
        .map_err(|error| Error::input(format!("cuBLAS failed: {error:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_compiles_for_the_gpus_that_are_in_use() {
        let folders = super::super::super::device::library_folders(&|name| std::env::var_os(name));
        let path = super::super::super::device::find_library(&folders, "libnvrtc.so");
        if !opens("NVRTC", path.as_deref()) {
            println!("skipped: no NVRTC (set RECANT_CUDA_LIBRARIES to a folder that holds it)");
            return;
        }
        let mut programs = vec![Program::tables()];
        programs.extend(crate::nn::images::gpu_programs());
        for program in &programs {
            for architecture in ["compute_75", "compute_80", "compute_90"] {
                let code = compile(program, architecture).unwrap().to_src();
                for kernel in program.kernels {
                    assert!(code.contains(&format!(".entry {kernel}(")), "{kernel} for {architecture}");
                }
            }
        }
        assert!(compile(&programs[0], "compute_1").unwrap_err().message().contains("compute_1"));
    }
}
