//! The hash functions of `hash-wasm`: every module of the package.

use std::fs;

use anyhow::{Context, ensure};

use super::packages::{HASH_WASM, sha256};
use super::{Real, expect, output};

/// A hash function that takes its input piece by piece.
struct Hash {
    name: &'static str,
    bits: u32,
    /// For `Hash_Init`, where that is not the number of bits: a key's length, a seed, a
    /// polynomial.
    init: Option<i32>,
    /// For `Hash_Final`, where that matters: the length of the digest, padding.
    last: Option<i32>,
    /// What the module finds in its buffer: a polynomial.
    before: Option<u64>,
    /// Of [`input`].
    digest: &'static str,
}

impl Hash {
    const fn new(name: &'static str, bits: u32, digest: &'static str) -> Self {
        Self {
            name,
            bits,
            init: None,
            last: None,
            before: None,
            digest,
        }
    }
}

/// The README of `workloads/real` says who else computed the digests.
const HASHES: &[Hash] = &[
    Hash::new("adler32", 32, "7eb3dfe6"),
    Hash::new(
        "blake2b",
        512,
        "6f7c63a32e43f7a92535b9b9ae26dd95e0529aad4a7b8d72cd64777d42bc3d63cc914125b31c44bf78b0618048aa951ad9e2ce1226440b6cd8d93f644bbed331",
    ),
    Hash::new(
        "blake2s",
        256,
        "7433458c2c7331125f89fe29825137af7ae70d66028169e7c73c854028ac37c4",
    ),
    Hash {
        init: Some(0),
        last: Some(32),
        ..Hash::new(
            "blake3",
            256,
            "a146ea221fa66096519abffb60a885addee226ceba724f5d64e614343207d1d4",
        )
    },
    Hash {
        init: Some(-306_674_912),
        ..Hash::new("crc32", 32, "d8262428")
    },
    Hash {
        before: Some(0xc96c_5795_d787_0f42),
        ..Hash::new("crc64", 64, "7a921c47f6a5a361")
    },
    Hash {
        last: Some(1),
        ..Hash::new(
            "keccak",
            512,
            "340cc455c3b1699c3216a6ecc0279c8ffe227cb0be62bd8c4ac90c984d193bbed09ba2d3dd1c6a1d8cba2b9f5143a18fb9080f7a3b575311055dced8c14001d6",
        )
    },
    Hash::new("md4", 128, "62f3cdc70137522e032331adf466b6f9"),
    Hash::new("md5", 128, "fcc93b19ae5fc58208c0edc10702eda8"),
    Hash::new("ripemd160", 160, "e0ad31a6cfba948d44937943bdd3b0d0b0d50ea3"),
    Hash::new("sha1", 160, "7603c913425d2b43f54cc662c99273ee172a38cf"),
    Hash::new(
        "sha224",
        224,
        "13590612eb13589478105cea263ea1ac5593bf5d7d36771f2fbd0839",
    ),
    Hash::new(
        "sha256",
        256,
        "79085cd06675fce1dbff3162e53ed75189a7b6f0667a03cc5c77eca5380a089f",
    ),
    Hash::new(
        "sha3",
        512,
        "9d5f553a6a154af74f98d8028da8f47de03b5c64ca01fc617eb1f9796aab6e6f699d71fe5693c1add91fd790450d6483772aea367dfa590eb5f942e9147278c6",
    ),
    Hash::new(
        "sha384",
        384,
        "6c4770275e394f9e4c3506314a6852eb185fc6a3f0283045dbfa0363d58053be3037155114e699113c11c3823c985d46",
    ),
    Hash::new(
        "sha512",
        512,
        "33c0deada5a2b65895727de0e1ec4c627543bf36f502283cfb3ece8da5bbb8044f3cfad1b0a4a55b84ae3a0d43776be896bb2db04a60d90fc13492d2488c460e",
    ),
    Hash::new(
        "sm3",
        256,
        "7d6d2e4731eb6b628d9b7f3ec99516b3f1ef44e1052c9b99ba0f8029cf4f52b4",
    ),
    Hash::new(
        "whirlpool",
        512,
        "f6b3695d8d9afcc787d096dba74a31d176a6a0b730cadbf385979eeebc3f0908ab88206260450b9df7a972114012f9ef6796af112cab713c77276d1dad8dcc52",
    ),
    Hash {
        init: Some(0),
        ..Hash::new("xxhash32", 32, "f01e21ed")
    },
    Hash::new("xxhash64", 64, "2a7051be01128566"),
    Hash::new("xxhash3", 64, "42de13c1cbf8e039"),
    Hash::new("xxhash128", 128, "1c12bd2c33fa8cf442de13c1cbf8e039"),
];

/// What is hashed: more than fits the modules' buffers.
fn input() -> Vec<u8> {
    (0..100_000_u32)
        .map(|n| (n.wrapping_mul(n) % 251) as u8)
        .collect()
}

/// The example of RFC 7914 for `scryptROMix`, section 10.
const SCRYPT: [&str; 2] = [
    "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad\
     89f68f4811d1e87bcc3bd7400a9ffd29094f0184639574f39ae5a1315217bcd7\
     894991447213bb226c25b54da86370fbcd984380374666bb8ffcb5bf40c254b0\
     67d27c51ce4ad5fed829c90b505a571b7f4d1cad6a523cda770e67bceaaf7e89",
    "79ccc193629debca047f0b70604bf6b62ce3dd4a9626e355fafc6198e6ea2b46\
     d58413673b99b029d665c357601fb426a0b2f4bba200ee9f0a43d19b571a9c71\
     ef1142e65d5a266fddca832ce59faa7cac0b9cf1be2bffca300d01ee387619c4\
     ae12fd4438f203a0e4e1c47ec314861f4e9087cb33396a6873e8f9d2539a4b8e",
];

/// The hash of a password, by the C library's `crypt`; and salt and password.
const BCRYPT: (&str, &[u8]) = (
    "$2a$05$KBCwKxOzLha2MUDgW0PjXeiB68uDfBmXvTUyyqNxAD2eaQ43eHNkm",
    b"0123456789abcdefcorrect horse",
);

/// SHA-256 of the last block that Argon2id makes of those in `argon2.txt`, in hexadecimal
/// digits and with a line feed.
const ARGON2: &str = "0fd008e151f65a64808f483a96c3b3aca9b3e1af147e018fe6faac31626275b5";

pub(super) fn run(real: &Real) -> anyhow::Result<()> {
    let scripts = HASH_WASM.fetch(&real.folder)?.join("package/dist");
    let scratch = real.scratch()?;
    let module = |name: &str| {
        let script = fs::read_to_string(scripts.join(format!("{name}.umd.min.js")))?;
        let module = embedded_module(&script).with_context(|| name.to_owned())?;
        let path = scratch.join(format!("{name}.wasm"));
        fs::write(&path, module)?;
        anyhow::Ok(path)
    };
    for hash in HASHES {
        let mut command = real.library();
        command.arg("hash").arg(module(hash.name)?);
        // What SHA-3 puts behind its input is what nobody else looks at.
        let (init, last) = (
            hash.init.unwrap_or(hash.bits as i32),
            hash.last.unwrap_or(6),
        );
        command.args([hash.bits.to_string(), init.to_string(), last.to_string()]);
        command.args(hash.before.map(|before| before.to_string()));
        let digest = format!("{}\n", hash.digest);
        expect(&mut command, &input(), 0, digest.as_bytes())
            .with_context(|| hash.name.to_owned())?;
    }
    let [block, mixed] = SCRYPT;
    let mut command = real.library();
    command.arg("scrypt").arg(module("scrypt")?).arg("16");
    let block = hexadecimal(block).context("hexadecimal digits")?;
    expect(&mut command, &block, 0, format!("{mixed}\n").as_bytes()).context("scrypt")?;
    let mut command = real.library();
    command.arg("argon2").arg(module("argon2")?).arg("64");
    let blocks = String::from_utf8(real.file("argon2.txt")?)?;
    let blocks: String = blocks.lines().collect();
    let blocks = hexadecimal(&blocks).context("hexadecimal digits")?;
    let printed = output(&mut command, &blocks)?;
    let found = sha256(&printed.stdout);
    ensure!(
        printed.status.success() && found == ARGON2,
        "argon2: {} and SHA-256 {found}, expected {ARGON2}: {}",
        printed.status,
        String::from_utf8_lossy(&printed.stderr)
    );
    let (encoded, salt_and_password) = BCRYPT;
    let mut command = real.library();
    command.arg("bcrypt").arg(module("bcrypt")?).arg("5");
    let encoded = format!("{encoded}\n");
    expect(&mut command, salt_and_password, 0, encoded.as_bytes()).context("bcrypt")
}

/// The module in base64 in a script: what begins as every module does.
fn embedded_module(script: &str) -> anyhow::Result<Vec<u8>> {
    const MAGIC: &str = "\"AGFzbQ";
    let start = script.find(MAGIC).context("the script has no module")? + 1;
    let text = &script[start..];
    let end = text.find('"').context("the module does not end")?;
    base64(&text[..end]).context("the module is not base64")
}

/// Decodes base64 with the standard alphabet.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

/// The bytes that hexadecimal digits stand for.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2));
    pairs
        .map(|pair| u8::from_str_radix(pair?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_bytes() {
        assert_eq!(hexadecimal("00ff7A"), Some(vec![0, 0xff, 0x7a]));
        assert_eq!((hexadecimal("0"), hexadecimal("0g")), (None, None));
    }

    #[test]
    fn modules_are_found_in_scripts() {
        let script = r#"var a={name:"x",data:"AGFzbQEAAAA=",hash:"1"};"#;
        assert_eq!(embedded_module(script).unwrap(), b"\0asm\x01\0\0\0");
        assert!(embedded_module("var a;").is_err());
        assert!(embedded_module("\"AGFzbQ*\"").is_err());
    }

    #[test]
    fn base64_of_all_lengths() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo")] {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(base64("Z-"), None);
    }
}
