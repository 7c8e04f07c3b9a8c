//! The driver, NVRTC and cuBLAS, and the only `unsafe` code of this room.
//!
//! # Why there is `unsafe` here, and why it is sound
//! - Opening a library runs its initialisers: only the three libraries of [`LIBRARIES`](super::super::device::LIBRARIES) and the two that
//!   they load themselves are opened, by the names that NVIDIA gives them.
//! - No function of a library is called before [`opens`] has found that library, because the bindings would panic.

use std::path::Path;

use cudarc::driver::{CudaContext, DriverError, result, sys};

use super::super::device::Gpu;
use crate::error::{Error, Result};

/// Oldest compute capability that the kernels are made for (Volta).
const OLDEST: (i32, i32) = (7, 0);

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
