//! What this machine offers to compute with, which of it a person asked for, and why something is not used.

use std::env::consts::ARCH;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::memory::Memory;

/// A folder with the CUDA libraries, looked into first.
pub const LIBRARIES_VARIABLE: &str = "RECANT_CUDA_LIBRARIES";

/// What `--device` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The GPU where one can be used and the work gains by it, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU; the first one unless numbered.
    Cuda(Option<usize>),
}

/// What is computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

/// What a choice comes to on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is computed on.
    pub device: Device,
    /// Why it is not what the person asked for.
    pub instead: Option<String>,
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::input(format!("`{text}` is no device")).hint("write auto, cpu, cuda, or cuda:1 for the second GPU");
        match text.trim().to_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(None)),
            other => {
                let number = other.strip_prefix("cuda:").ok_or_else(wrong)?;
                number.parse().map(|number| Self::Cuda(Some(number))).map_err(|_| wrong())
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(None) => f.write_str("cuda"),
            Self::Cuda(Some(number)) => write!(f, "cuda:{number}"),
        }
    }
}

impl DeviceChoice {
    /// Refuses a GPU where this program cannot drive any.
    ///
    /// # Errors
    /// Where a GPU is asked for and the program was built without `--features cuda`.
    pub fn check_built(self) -> Result<()> {
        if matches!(self, Self::Cuda(_)) && !built_with_cuda() {
            return Err(Error::input(format!(
                "`--device {self}` needs a program built with CUDA, and this one was built without"
            ))
            .hint("build it with `cargo build --release --features cuda` (no CUDA toolkit is needed), or leave `--device` out"));
        }
        Ok(())
    }

    /// Finds the device. `auto` takes the processor silently where no GPU can be used; where a GPU was asked for and none can be used,
    /// the processor computes and [`Resolved::instead`] tells why.
    ///
    /// # Errors
    /// Where the program was built without CUDA, or there is no GPU of that number.
    pub fn resolve(self) -> Result<Resolved> {
        self.check_built()?;
        let cpu = |instead| {
            Ok(Resolved {
                device: Device::Cpu,
                instead,
            })
        };
        if self == Self::Cpu || !built_with_cuda() {
            return cpu(None);
        }
        self.resolve_among(&cuda())
    }

    fn resolve_among(self, found: &Cuda) -> Result<Resolved> {
        let usable = found.gpus.iter().filter(|gpu| gpu.why_not.is_none());
        let first = usable.map(|gpu| gpu.number).next();
        let on = |number| {
            Ok(Resolved {
                device: Device::Cuda(number),
                instead: None,
            })
        };
        let why = |text: &str| Resolved {
            device: Device::Cpu,
            instead: (self != Self::Auto).then(|| text.to_owned()),
        };
        match (self, &found.trouble) {
            (_, Some(trouble)) => Ok(why(trouble)),
            (Self::Cuda(Some(number)), None) => match found.gpus.iter().find(|gpu| gpu.number == number) {
                None => Err(Error::input(format!(
                    "there is no GPU {number}: this machine has {}",
                    counted_gpus(found.gpus.len())
                ))
                .hint("GPUs are numbered from 0; `recant doctor` lists them")),
                Some(gpu) => match &gpu.why_not {
                    Some(text) => Ok(why(text)),
                    None => on(number),
                },
            },
            (_, None) => match first {
                Some(number) => on(number),
                None => Ok(why(found
                    .gpus
                    .iter()
                    .find_map(|gpu| gpu.why_not.as_deref())
                    .unwrap_or("The driver reports no GPU."))),
            },
        }
    }
}

fn counted_gpus(count: usize) -> String {
    match count {
        0 => "no GPU".to_owned(),
        1 => "1 GPU".to_owned(),
        several => format!("{several} GPUs"),
    }
}

/// Whether this program was built with `--features cuda`.
pub fn built_with_cuda() -> bool {
    cfg!(feature = "cuda")
}

/// All that a machine offers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Survey {
    /// The processor.
    pub processor: Processor,
    /// Main memory.
    pub memory: Memory,
    /// GPUs and what it takes to use them.
    pub cuda: Cuda,
    /// What `--device auto` computes on where the work gains by a GPU: `cpu` or `cuda:0`.
    pub auto_device: String,
    /// What to do so that more can be used, in the order to do it.
    pub advice: Vec<String>,
}

/// The processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Processor {
    /// Architecture, such as `x86_64`.
    pub architecture: String,
    /// Cores that this program may use.
    pub cores: usize,
    /// Widest vector instructions that the engine uses here.
    pub vector_instructions: String,
}

/// GPUs and what it takes to use them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cuda {
    /// Whether the program was built with `--features cuda`.
    pub built: bool,
    /// NVIDIA GPUs that the system lists, whether or not a driver is there.
    pub devices_seen: usize,
    /// Driver, NVRTC, cuBLAS.
    pub libraries: Vec<Library>,
    /// GPUs that the driver reports.
    pub gpus: Vec<Gpu>,
    /// Why no GPU can be used, if none can.
    pub trouble: Option<String>,
}

/// One run-time library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Library {
    /// `driver`, `NVRTC` or `cuBLAS`.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Where it lies.
    pub found: Option<PathBuf>,
    /// Whether it could be opened; absent where this was not tried.
    pub opens: Option<bool>,
    /// Folders looked into.
    pub looked_in: Vec<PathBuf>,
}

/// One GPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gpu {
    /// Number, as in `--device cuda:0`.
    pub number: usize,
    /// Name.
    pub name: String,
    /// Memory in bytes.
    pub memory: u64,
    /// Free memory in bytes; absent where the GPU could not be opened.
    pub free: Option<u64>,
    /// Compute capability, such as `9.0`.
    pub compute_capability: String,
    /// Why it cannot be used, if it cannot.
    pub why_not: Option<String>,
}

/// Name, purpose, and the beginning of the file name on Linux and on Windows.
pub(super) const LIBRARIES: [(&str, &str, &str, &str); 3] = [
    ("driver", "talks to the GPU; comes with NVIDIA's driver", "libcuda.so", "nvcuda.dll"),
    ("NVRTC", "compiles Recant's kernels at the start", "libnvrtc.so", "nvrtc64_"),
    ("cuBLAS", "matrix products", "libcublas.so", "cublas64_"),
];

/// Looks at the machine.
pub fn survey() -> Survey {
    let cuda = cuda();
    let auto = match DeviceChoice::Auto.resolve_among(&cuda) {
        Ok(Resolved {
            device: Device::Cuda(number),
            ..
        }) => format!("cuda:{number}"),
        _ => "cpu".to_owned(),
    };
    Survey {
        processor: Processor {
            architecture: ARCH.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            vector_instructions: vector_instructions().to_owned(),
        },
        memory: Memory::of_this_machine(),
        advice: advice(&cuda),
        auto_device: auto,
        cuda,
    }
}

fn vector_instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        use super::kernels::{Level, level};
        match level() {
            Level::Avx512 => "AVX-512",
            Level::Avx2 => "AVX2",
            Level::Plain => "SSE2",
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    "the architecture's basic ones"
}

/// Folders where the libraries may lie, in the order in which they are looked into.
pub(super) fn library_folders(variable: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut add = |folder: PathBuf| {
        if !folder.as_os_str().is_empty() && !folders.contains(&folder) {
            folders.push(folder);
        }
    };
    variable(LIBRARIES_VARIABLE)
        .iter()
        .flat_map(std::env::split_paths)
        .for_each(&mut add);
    let search = if cfg!(windows) { "PATH" } else { "LD_LIBRARY_PATH" };
    variable(search).iter().flat_map(std::env::split_paths).for_each(&mut add);
    for name in ["CUDA_HOME", "CUDA_PATH"] {
        if let Some(root) = variable(name) {
            for below in ["lib64", "lib", "bin"] {
                add(Path::new(&root).join(below));
            }
        }
    }
    if !cfg!(windows) {
        add(PathBuf::from("/usr/local/cuda/lib64"));
        add(PathBuf::from(format!("/usr/lib/{ARCH}-linux-gnu")));
        for folder in ["/usr/lib64", "/usr/lib", "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"] {
            add(PathBuf::from(folder));
        }
    }
    folders
}

/// The newest library whose file name begins so, in the first folder that has one.
pub(super) fn find_library(folders: &[PathBuf], begins: &str) -> Option<PathBuf> {
    folders.iter().find_map(|folder| {
        let entries = fs::read_dir(folder).ok()?;
        let fits = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins));
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(fits).collect();
        found.sort();
        found.pop()
    })
}

/// NVIDIA display devices among those of the system (Linux).
fn devices_seen(devices: &Path) -> usize {
    let entries = fs::read_dir(devices).into_iter().flatten().flatten();
    let says = |path: &Path, file: &str, begins: &str| fs::read_to_string(path.join(file)).is_ok_and(|text| text.starts_with(begins));
    entries
        .filter(|entry| says(&entry.path(), "vendor", "0x10de") && says(&entry.path(), "class", "0x03"))
        .count()
}

/// GPUs and libraries. Never fails: what is wrong is told.
fn cuda() -> Cuda {
    let folders = library_folders(&|name| std::env::var_os(name));
    let mut found = Cuda {
        built: built_with_cuda(),
        devices_seen: devices_seen(Path::new("/sys/bus/pci/devices")),
        libraries: LIBRARIES
            .iter()
            .map(|(name, purpose, linux, windows)| Library {
                name: (*name).to_owned(),
                purpose: (*purpose).to_owned(),
                found: find_library(&folders, if cfg!(windows) { windows } else { linux }),
                opens: None,
                looked_in: folders.clone(),
            })
            .collect(),
        gpus: Vec::new(),
        trouble: None,
    };
    look_at_gpus(&mut found);
    found
}

#[cfg(not(feature = "cuda"))]
fn look_at_gpus(found: &mut Cuda) {
    found.trouble = Some("This program was built without CUDA.".to_owned());
}

#[cfg(feature = "cuda")]
fn look_at_gpus(found: &mut Cuda) {
    for library in &mut found.libraries {
        library.opens = Some(super::cuda::opens(&library.name, library.found.as_deref()));
    }
    let missing = |name: &str| {
        found
            .libraries
            .iter()
            .any(|library| library.name == name && library.opens == Some(false))
    };
    if missing("driver") {
        found.trouble = Some("No NVIDIA driver was found.".to_owned());
        return;
    }
    match super::cuda::gpus() {
        Ok(gpus) => found.gpus = gpus,
        Err(error) => found.trouble = Some(format!("{error}.")),
    }
    let absent: Vec<&str> = ["NVRTC", "cuBLAS"].into_iter().filter(|name| missing(name)).collect();
    if found.trouble.is_none() && !absent.is_empty() {
        let verb = if absent.len() == 1 { "was" } else { "were" };
        found.trouble = Some(format!("The driver is there, but {} {verb} not found.", absent.join(" and ")));
    }
}

/// What to do so that a GPU can be used; nothing where one can, or where the machine has none.
fn advice(cuda: &Cuda) -> Vec<String> {
    let mut list = Vec::new();
    let opened = |name: &str| {
        let of_name = cuda.libraries.iter().find(|library| library.name == name);
        of_name.is_some_and(|library| library.opens.unwrap_or(library.found.is_some()))
    };
    if !opened("driver") {
        if cuda.devices_seen > 0 {
            list.push("Install NVIDIA's driver: this machine has an NVIDIA GPU and no driver was found (in a container, start it with GPU access, such as `docker run --gpus all`).".to_owned());
        } else {
            list.push("Nothing needs to be done: this machine shows no NVIDIA GPU, and the processor computes everything.".to_owned());
            return list;
        }
    }
    if !cuda.built {
        list.push("Build Recant with `cargo build --release --features cuda` (no CUDA toolkit is needed).".to_owned());
    }
    if !opened("NVRTC") || !opened("cuBLAS") {
        list.push(format!(
            "Install the CUDA toolkit, or run `bash scripts/cuda_libraries.sh FOLDER` from Recant's sources and set {LIBRARIES_VARIABLE} to what it prints."
        ));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(gpus: Vec<Gpu>, trouble: Option<&str>) -> Cuda {
        Cuda {
            built: true,
            devices_seen: gpus.len(),
            libraries: Vec::new(),
            gpus,
            trouble: trouble.map(str::to_owned),
        }
    }

    fn gpu(number: usize, why_not: Option<&str>) -> Gpu {
        Gpu {
            number,
            name: "Test".to_owned(),
            memory: 1 << 34,
            free: Some(1 << 33),
            compute_capability: "9.0".to_owned(),
            why_not: why_not.map(str::to_owned),
        }
    }

    #[test]
    fn devices_are_read_as_people_write_them_and_shown_alike() {
        for text in ["auto", "cpu", "cuda", "cuda:3"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        assert_eq!(" CUDA:1 ".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(Some(1)));
        for text in ["gpu", "cuda:", "cuda:-1", "cuda1", ""] {
            assert!(text.parse::<DeviceChoice>().unwrap_err().hint_text().unwrap().contains("cuda:1"));
        }
    }

    #[test]
    fn automatic_choice_is_silent_and_a_wish_that_cannot_be_met_is_answered() {
        let none = found(vec![], Some("No NVIDIA driver was found."));
        let auto = DeviceChoice::Auto.resolve_among(&none).unwrap();
        assert_eq!((auto.device, auto.instead), (Device::Cpu, None));
        let asked = DeviceChoice::Cuda(None).resolve_among(&none).unwrap();
        assert_eq!(asked.device, Device::Cpu);
        assert!(asked.instead.unwrap().contains("No NVIDIA driver"));
    }

    #[test]
    fn the_first_usable_gpu_is_taken_and_a_number_beyond_is_an_error() {
        let two = found(vec![gpu(0, Some("GPU 0 is too old.")), gpu(1, None)], None);
        assert_eq!(DeviceChoice::Auto.resolve_among(&two).unwrap().device, Device::Cuda(1));
        assert_eq!(DeviceChoice::Cuda(None).resolve_among(&two).unwrap().device, Device::Cuda(1));
        let old = DeviceChoice::Cuda(Some(0)).resolve_among(&two).unwrap();
        assert_eq!((old.device, old.instead.as_deref()), (Device::Cpu, Some("GPU 0 is too old.")));
        let error = DeviceChoice::Cuda(Some(2)).resolve_among(&two).unwrap_err();
        assert!(error.message().contains("has 2 GPUs"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn the_newest_library_of_the_first_folder_counts() {
        let place = tempfile::tempdir().unwrap();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&two).unwrap();
        for file in ["libnvrtc-builtins.so.13.0", "libnvrtc.so.12", "libnvrtc.so.13"] {
            fs::write(two.join(file), "").unwrap();
        }
        let folders = [one.clone(), two.clone()];
        assert_eq!(find_library(&folders, "libnvrtc.so"), Some(two.join("libnvrtc.so.13")));
        assert_eq!(find_library(&folders, "libcublas.so"), None);
        let listed = library_folders(&|name| (name == LIBRARIES_VARIABLE).then(|| one.clone().into_os_string()));
        assert_eq!(listed[0], one);
    }

    #[test]
    fn advice_follows_from_what_is_missing() {
        let mut seen = found(vec![], None);
        let library = |name: &str, there: bool| Library {
            name: name.to_owned(),
            purpose: String::new(),
            found: there.then(PathBuf::new),
            opens: None,
            looked_in: Vec::new(),
        };
        seen.built = false;
        seen.libraries = vec![library("driver", false), library("NVRTC", false), library("cuBLAS", false)];
        assert!(advice(&seen)[0].contains("Nothing needs to be done"));
        seen.devices_seen = 1;
        let all = advice(&seen);
        assert_eq!(all.len(), 3);
        assert!(all[0].contains("driver") && all[1].contains("--features cuda") && all[2].contains("cuda_libraries.sh"));
        seen.built = true;
        seen.libraries.iter_mut().for_each(|library| library.found = Some(PathBuf::new()));
        assert!(advice(&seen).is_empty());
    }
}
