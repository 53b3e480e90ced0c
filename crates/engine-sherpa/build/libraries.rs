//! Brings the native libraries of sherpa-onnx and puts them beside the program.
//!
//! The build script of `sherpa-onnx-sys` is overridden in `.cargo/config.toml`: it would fetch a release archive from
//! a host that many build machines do not reach. Here the same libraries come from the folder `SHERPA_ONNX_LIB_DIR`,
//! or from the Python package that carries them, fetched by `pip` with whatever index it is set up for.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// Of `sherpa-onnx-sys`: its structs must be the library's.
const VERSION: &str = "2.0.1";
/// The Python package that carries the libraries.
const PACKAGE: &str = "sherpa-onnx-core";
/// Wheels whose bytes are known here; elsewhere the version and pip's own check must do.
const WHEELS: &[(&str, &str)] = &[(
    "sherpa_onnx_core-2.0.1-py3-none-manylinux2014_x86_64.whl",
    "f4ee0ab91c4ae596e0e49d7de32522a946295e038a652f1c1884d89014ee4ec2",
)];
/// For people who build without Python.
const RELEASES: &str = "https://github.com/k2-fsa/sherpa-onnx/releases/tag/v2.0.1";
/// Found by the program wherever the folder is moved to, beside it or in a `lib` folder.
const LINUX_RPATHS: &[&str] = &["$ORIGIN", "$ORIGIN/../lib"];
const MACOS_RPATHS: &[&str] = &["@executable_path", "@executable_path/../lib"];

type Problem = Box<dyn std::error::Error>;

/// Copies the libraries and tells cargo where they are.
pub(crate) fn bring() -> Result<(), Problem> {
    println!("cargo:rerun-if-env-changed=SHERPA_ONNX_LIB_DIR");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let profile = profile_folder(&out)?;
    let target = Target::of_environment()?;
    let libraries = match env::var_os("SHERPA_ONNX_LIB_DIR").map(PathBuf::from) {
        Some(folder) => {
            println!("cargo:rerun-if-changed={}", folder.display());
            folder
        }
        None => from_package(&target, profile).map_err(|problem| {
            format!(
                "the libraries of sherpa-onnx {VERSION} are missing.\n\
                 Either let `python3 -m pip download {PACKAGE}=={VERSION}` work here, which failed: {problem}\n\
                 or unpack the shared libraries of {RELEASES} and name their folder in SHERPA_ONNX_LIB_DIR."
            )
        })?,
    };
    for name in target.files {
        let from = libraries.join(name);
        copy(&from, &out.join(name))?;
        // Programs lie in the profile's folder, tests in `deps`.
        if Path::new(name).extension() != Some(OsStr::new("lib")) {
            copy(&from, &profile.join(name))?;
            copy(&from, &profile.join("deps").join(name))?;
        }
    }
    println!("cargo:rustc-link-search=native={}", out.display());
    for rpath in target.rpaths {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{rpath}");
    }
    if target.os == "linux" {
        // The C interface names the runtime as its own need: the linker looks it up without being told to link it.
        println!("cargo:rustc-link-arg=-Wl,-rpath-link,{}", out.display());
    }
    Ok(())
}

struct Target {
    os: String,
    files: &'static [&'static str],
    rpaths: &'static [&'static str],
    /// What pip calls it, when it is not the machine that builds.
    platforms: &'static [&'static str],
}

impl Target {
    fn of_environment() -> Result<Self, Problem> {
        let (os, arch) = (env::var("CARGO_CFG_TARGET_OS")?, env::var("CARGO_CFG_TARGET_ARCH")?);
        let (files, rpaths): (&[&str], &[&str]) = match os.as_str() {
            "linux" => (&["libsherpa-onnx-c-api.so", "libonnxruntime.so"], LINUX_RPATHS),
            "macos" => (&["libsherpa-onnx-c-api.dylib", "libonnxruntime.dylib"], MACOS_RPATHS),
            "windows" => (&["sherpa-onnx-c-api.lib", "sherpa-onnx-c-api.dll", "onnxruntime.dll"], &[]),
            _ => return Err(format!("no library of sherpa-onnx is known for {os}").into()),
        };
        let platforms: &[&str] = match (os.as_str(), arch.as_str()) {
            _ if env::var("HOST")? == env::var("TARGET")? => &[],
            ("linux", "x86_64") => &["manylinux2014_x86_64"],
            ("linux", "aarch64") => &["manylinux2014_aarch64"],
            ("macos", "x86_64") => &["macosx_10_15_x86_64", "macosx_11_0_x86_64", "macosx_10_15_universal2"],
            ("macos", "aarch64") => &["macosx_11_0_arm64", "macosx_10_15_universal2"],
            ("windows", "x86_64") => &["win_amd64"],
            _ => return Err(format!("no library of sherpa-onnx is known for {os} on {arch}").into()),
        };
        Ok(Self { os, files, rpaths, platforms })
    }
}

/// The folder with the libraries of the Python package, kept beside the build's results so that it is fetched once.
fn from_package(target: &Target, profile: &Path) -> Result<PathBuf, Problem> {
    let root = profile.parent().unwrap_or(profile);
    let cache = root.join(format!("sherpa-onnx-{VERSION}-{}", env::var("TARGET")?));
    if target.files.iter().all(|name| cache.join(name).is_file()) {
        return Ok(cache);
    }
    let work = PathBuf::from(env::var("OUT_DIR")?).join("package");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work)?;
    let wheel = download(target, &work)?;
    check(&wheel)?;
    let unpacked = work.join("unpacked");
    python(
        ["-m", "zipfile", "-e"].map(OsStr::new).into_iter().chain([wheel.as_os_str(), unpacked.as_os_str()]),
    )?;
    fs::create_dir_all(&cache)?;
    for name in target.files {
        let from = find(&unpacked, name).ok_or_else(|| format!("{} holds no {name}", wheel.display()))?;
        copy(&from, &cache.join(name))?;
    }
    let _ = fs::remove_dir_all(&work);
    Ok(cache)
}

fn download(target: &Target, work: &Path) -> Result<PathBuf, Problem> {
    let wanted = format!("{PACKAGE}=={VERSION}");
    let mut args: Vec<&OsStr> =
        ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"]
            .map(OsStr::new)
            .to_vec();
    args.push(work.as_os_str());
    for platform in target.platforms {
        args.extend(["--platform", platform].map(OsStr::new));
    }
    args.push(OsStr::new(&wanted));
    python(args)?;
    let wheels = fs::read_dir(work)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut wheels = wheels.filter(|path| path.extension() == Some(OsStr::new("whl")));
    wheels.next().ok_or_else(|| "pip downloaded no wheel".into())
}

fn check(wheel: &Path) -> Result<(), Problem> {
    let name = wheel.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let Some((_, known)) = WHEELS.iter().find(|(known, _)| *known == name) else { return Ok(()) };
    let found = hex::encode(Sha256::digest(fs::read(wheel)?));
    if found == *known { Ok(()) } else { Err(format!("{name} has the SHA-256 {found}, not {known}").into()) }
}

fn python<'a>(args: impl IntoIterator<Item = &'a OsStr>) -> Result<(), Problem> {
    let python = if cfg!(windows) { "python" } else { "python3" };
    let done =
        Command::new(python).args(args).output().map_err(|e| format!("{python} did not start: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&done.stderr).trim().to_owned().into())
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<PathBuf> =
        fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let here = entries.iter().find(|path| path.file_name() == Some(OsStr::new(name)));
    here.cloned().or_else(|| entries.iter().find_map(|path| find(path, name)))
}

/// `target/PROFILE`, above `build/engine-sherpa-HASH/out`.
fn profile_folder(out: &Path) -> Result<&Path, Problem> {
    out.ancestors().nth(3).ok_or_else(|| format!("{} is no build folder of cargo", out.display()).into())
}

/// Renamed into place: another build, or a running program, may have the old one open.
fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    let whole =
        |problem: std::io::Error| format!("could not copy {} to {}: {problem}", from.display(), to.display());
    let same = |a: fs::Metadata| {
        fs::metadata(to).is_ok_and(|b| a.len() == b.len() && b.modified().ok() >= a.modified().ok())
    };
    if same(fs::metadata(from).map_err(whole)?) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(whole)?;
    }
    let part = to.with_extension("part");
    fs::copy(from, &part).map_err(whole)?;
    fs::rename(&part, to).map_err(whole)?;
    Ok(())
}
