//! Private keys in files: PKCS#8 in PEM, which other tools read, too, encrypted where a password is given.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pkcs8::der::pem::PemLabel as _;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument};
use serde_json::{Value, json};
use tuf::SigningKey;

use crate::input;
use crate::output::Failure;

/// What the private key is called in PEM.
const PLAIN: &str = PrivateKeyInfoRef::PEM_LABEL;
const ENCRYPTED: &str = EncryptedPrivateKeyInfoRef::PEM_LABEL;

/// Makes a key and writes both its halves; says its id and its public half.
pub(super) fn create(out: &Path, password_file: Option<&Path>) -> Result<Value, Failure> {
    let password = password_file.map(input::read_secret).transpose()?;
    let private = SigningKey::generate().map_err(|e| Failure::new(e.to_string()))?;
    let key = SigningKey::from_pkcs8(&private).map_err(|e| Failure::new(e.to_string()))?;
    let public = key.public_key();
    let json = public.json().map_err(|e| Failure::new(e.to_string()))?;
    let pem = written(&private, password.as_deref()).map_err(|e| fail(out, "make", &e))?;
    write_new(out, pem.as_bytes(), 0o600)?;
    let mut public_file = out.as_os_str().to_owned();
    public_file.push(".pub");
    let public_file = PathBuf::from(public_file);
    write_new(&public_file, &json, 0o644)?;
    let said: Value = serde_json::from_slice(&json)?;
    Ok(json!({"id": public.id(), "public": said, "public_file": public_file}))
}

fn written(private: &[u8], password: Option<&str>) -> Result<String, pkcs8::Error> {
    let (label, document) = match password {
        Some(password) => (
            ENCRYPTED,
            PrivateKeyInfoRef::try_from(private)?.encrypt(password)?,
        ),
        None => (PLAIN, SecretDocument::try_from(private)?),
    };
    Ok(document.to_pem(label, LineEnding::LF)?.to_string())
}

/// Reads a private key that [`create`] wrote.
pub(super) fn open(file: &Path, password_file: Option<&Path>) -> Result<SigningKey, Failure> {
    let text = String::from_utf8(input::read(file)?).map_err(|e| fail(file, "read", &e))?;
    let (label, document) = SecretDocument::from_pem(&text).map_err(|e| fail(file, "read", &e))?;
    let private = match (label, password_file) {
        (PLAIN, _) => document,
        (ENCRYPTED, Some(password)) => {
            let password = input::read_secret(password)?;
            let sealed = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
            let opened = sealed.and_then(|sealed| sealed.decrypt(password));
            opened.map_err(|_| {
                let file = file.display();
                Failure::new(format!("{file} does not open with this password"))
            })?
        }
        (ENCRYPTED, None) => {
            let file = file.display();
            return Err(Failure::new(format!("{file} needs --password-file")));
        }
        (other, _) => {
            return Err(fail(
                file,
                "read",
                &format!("it is {other:?}, no private key"),
            ));
        }
    };
    SigningKey::from_pkcs8(private.as_bytes()).map_err(|e| fail(file, "read", &e))
}

/// Writes a file that must not be there yet: no key, and no signature, is lost by a slip.
pub(super) fn write_new(file: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let written = options.open(file).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    written.map_err(|e| fail(file, "write", &e))
}

fn fail(file: &Path, act: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("could not {act} {}: {why}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_with_its_password_and_never_overwritten() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("right"), "correct horse\n").unwrap();
        std::fs::write(path("wrong"), "battery staple\n").unwrap();
        let (right, wrong) = (path("right"), path("wrong"));
        let plain = create(&path("plain"), None).unwrap();
        let sealed = create(&path("sealed"), Some(&right)).unwrap();
        for (name, password, id) in [
            ("plain", None, &plain["id"]),
            ("plain", Some(&right), &plain["id"]),
            ("sealed", Some(&right), &sealed["id"]),
            ("sealed", Some(&wrong), &Value::Null),
            ("sealed", None, &Value::Null),
            ("right", None, &Value::Null),
            ("sealed.pub", None, &Value::Null),
        ] {
            let found = open(&path(name), password.map(PathBuf::as_path)).ok();
            let found = found.map_or(Value::Null, |key| key.public_key().id().into());
            assert_eq!(&found, id, "{name} {password:?}");
        }
        let mode = std::fs::metadata(path("sealed")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert!(create(&path("plain"), None).is_err());
        let text = std::fs::read_to_string(path("sealed")).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    }
}
