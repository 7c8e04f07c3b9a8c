//! The kernels on the host, for tests: `kernels.cu` compiled as C++ by the system's compiler with `host.cpp` around it, and memory that is
//! the process's own. What differs from a GPU is the order in which threads run and how products are summed, never what is computed.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libloading::Library;

use super::accelerator::{Accelerator, Argument, BlasCall, Memory, Program, Shape, within};
use crate::error::{Error, Result};

type Launch = unsafe extern "C" fn(*const i8, *const u32, *mut *mut u64, u32) -> i32;
type Gemm = unsafe extern "C" fn(i32, i32, i32, i32, i32, f32, u64, i32, i32, i64, u64, i32, i32, i64, f32, u64, i32, i32, i64, i32);

/// The host as a device of so much memory.
pub(crate) struct Host {
    library: &'static Library,
    /// Blocks that begin at multiples of 16, as a driver's do.
    blocks: Vec<Vec<u128>>,
    pub total: usize,
    pub launches: usize,
}

/// The compiled kernels; `None`, with a printed line, where there is no C++ compiler. Kernels share what is `static`, so one test at a
/// time may hold the lock.
static LOCK: Mutex<()> = Mutex::new(());

/// A program's library, compiled once.
fn compiled(program: &Program) -> Option<&'static Library> {
    static COMPILED: Mutex<Vec<(String, &'static Library)>> = Mutex::new(Vec::new());
    let mut known = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, library)) = known.iter().find(|(source, _)| *source == program.source) {
        return Some(library);
    }
    let library: &'static Library = Box::leak(Box::new(compile(program)?));
    known.push((program.source.clone(), library));
    Some(library)
}

fn compile(program: &Program) -> Option<Library> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if Command::new(&compiler).arg("--version").output().is_err() {
        println!("skipped: no C++ compiler `{compiler}` to check the GPU kernels with");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (kernels, library) = (folder.path().join("kernels.cu"), folder.path().join("kernels.so"));
    let line = |kernel: &&str| {
        let body = program.source.split(&format!("__global__ void {kernel}(")).nth(1).unwrap();
        let body = body.split("\n}\n").next().unwrap();
        format!("KERNEL({kernel}, {})\n", !body.contains("__shared__"))
    };
    let list: String = program.kernels.iter().map(line).collect();
    std::fs::write(&kernels, &program.source).unwrap();
    std::fs::write(folder.path().join("list.inc"), list).unwrap();
    let output = Command::new(&compiler)
        .args([
            "-O1",
            "-std=c++17",
            "-shared",
            "-fPIC",
            "-Wall",
            "-Werror",
            "-Wno-unused-function",
            "-ffp-contract=off",
        ])
        .arg(format!("-DKERNELS=\"{}\"", kernels.display()))
        .arg("-I")
        .arg(folder.path())
        .arg("-o")
        .arg(&library)
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/nn/cuda/host.cpp"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // SAFETY: a library made above from our own source, without initialisers of note.
    Some(unsafe { Library::new(&library) }.unwrap())
}

impl Host {
    /// A host of `total` bytes and the guard that keeps other tests off the kernels; `None` where they cannot be compiled.
    pub fn new(total: usize) -> Option<(Self, MutexGuard<'static, ()>)> {
        Self::with(&Program::tables(), total)
    }

    /// The same with other kernels.
    pub fn with(program: &Program, total: usize) -> Option<(Self, MutexGuard<'static, ()>)> {
        let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let library = compiled(program)?;
        let host = Self {
            library,
            blocks: Vec::new(),
            total,
            launches: 0,
        };
        Some((host, guard))
    }

    fn used(&self) -> usize {
        self.blocks.iter().map(|block| block.len() * 16).sum()
    }
}

impl Accelerator for Host {
    fn free(&self) -> Result<usize> {
        Ok(self.total - self.used())
    }

    fn reserve(&mut self, bytes: usize) -> Result<Memory> {
        if bytes > self.total - self.used() {
            return Err(Error::input("the host device has no more memory"));
        }
        self.blocks.push(vec![0; bytes.div_ceil(16)]);
        let address = self.blocks.last_mut().unwrap().as_mut_ptr() as u64;
        Ok(Memory { address, bytes })
    }

    fn release(&mut self, memory: Memory) {
        self.blocks.retain(|block| block.as_ptr() as u64 != memory.address);
    }

    fn release_all(&mut self) {
        self.blocks.clear();
    }

    fn write(&mut self, to: Memory, bytes: &[u8]) -> Result<()> {
        within(to, bytes.len())?;
        // SAFETY: `to` lies in a block that `reserve` made, and is long enough.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.address as *mut u8, bytes.len()) };
        Ok(())
    }

    fn read(&mut self, from: Memory, bytes: &mut [u8]) -> Result<()> {
        within(from, bytes.len())?;
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from.address as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn copy(&mut self, to: Memory, from: Memory, bytes: usize) -> Result<()> {
        within(to, bytes)?;
        within(from, bytes)?;
        // SAFETY: as above.
        unsafe { std::ptr::copy(from.address as *const u8, to.address as *mut u8, bytes) };
        Ok(())
    }

    fn clear(&mut self, memory: Memory) -> Result<()> {
        // SAFETY: as above.
        unsafe { std::ptr::write_bytes(memory.address as *mut u8, 0, memory.bytes) };
        Ok(())
    }

    fn launch(&mut self, kernel: &'static str, shape: Shape, arguments: &[Argument]) -> Result<()> {
        let name = std::ffi::CString::new(kernel).unwrap();
        let mut slots: Vec<u64> = arguments.iter().map(|argument| argument.slot()).collect();
        let mut places: Vec<*mut u64> = slots.iter_mut().map(std::ptr::from_mut).collect();
        // SAFETY: the function has this type; kernels stay within the memory that the lockstep engine names, which is what is tested.
        let code = unsafe {
            let launch = self.library.get::<Launch>(b"recant_launch").unwrap();
            launch(name.as_ptr().cast(), shape.0.as_ptr(), places.as_mut_ptr(), places.len() as u32)
        };
        self.launches += 1;
        assert_eq!(
            code,
            0,
            "{kernel}: 1 no such kernel, 2 wrong number of arguments ({})",
            arguments.len()
        );
        Ok(())
    }

    fn multiply(&mut self, call: &BlasCall) -> Result<()> {
        let [a, b, c] = call.addresses;
        let [lda, ldb, ldc] = call.leading;
        let [stride_a, stride_b, stride_c] = call.strides;
        let [transpose_a, transpose_b] = call.transpose.map(i32::from);
        let [half_a, half_b, half_c] = call.numbers.half.map(i32::from);
        self.launches += 1;
        // SAFETY: as above; matrices were checked to lie within their memory.
        unsafe {
            let gemm = self.library.get::<Gemm>(b"recant_gemm").unwrap();
            gemm(
                transpose_a,
                transpose_b,
                call.m,
                call.n,
                call.k,
                call.alpha,
                a,
                half_a,
                lda,
                stride_a,
                b,
                half_b,
                ldb,
                stride_b,
                call.beta,
                c,
                half_c,
                ldc,
                stride_c,
                call.batch,
            );
        }
        Ok(())
    }
}
