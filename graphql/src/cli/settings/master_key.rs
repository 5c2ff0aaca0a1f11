//! The master key, which only the environment can give.

use std::path::PathBuf;

use jotrack_core::KeySource;

use super::super::environment::Environment;
use super::super::failure::Failure;

/// The keys themselves, and a file that holds them.
pub(super) const VARIABLES: [&str; 2] = ["JOTRACK_MASTER_KEY", "JOTRACK_MASTER_KEY_FILE"];

/// Returns where the master key comes from: the environment, else the data folder.
///
/// # Errors
/// `Failure::Input` when what is given is no key. No message repeats it.
pub(super) fn source(env: &Environment) -> Result<KeySource, Failure> {
    let [keys, file] = VARIABLES;
    match (env.get(keys), env.get(file)) {
        (Some(_), Some(_)) => {
            Err(Failure::Input(format!("{keys} and {file} are both set; keep one")))
        }
        (Some(text), None) => {
            let text = text.to_str().unwrap_or_default();
            KeySource::given(text).map_err(|error| Failure::Input(format!("{keys}: {error}")))
        }
        (None, Some(path)) => {
            let source = KeySource::File(PathBuf::from(path));
            source.probe().map_err(|error| Failure::Input(format!("{file}: {}", error.chain())))?;
            Ok(source)
        }
        (None, None) => Ok(KeySource::Folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn read(variables: &[(&str, &str)]) -> Result<KeySource, String> {
        let env = variables.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        source(&env).map_err(|failure| failure.message().unwrap())
    }

    #[test]
    fn the_data_folder_keeps_the_key_unless_the_environment_gives_one() {
        assert!(matches!(read(&[]), Ok(KeySource::Folder)));
        assert!(matches!(read(&[("JOTRACK_MASTER_KEY", "")]), Ok(KeySource::Folder)));
        let given = read(&[("JOTRACK_MASTER_KEY", &format!("{KEY}, {KEY}"))]);
        assert!(matches!(given, Ok(KeySource::Given(keys)) if keys.len() == 2));
    }

    #[test]
    fn a_short_master_key_is_refused_not_padded_and_not_repeated() {
        for wrong in ["CANARY", "AAEC", KEY.trim_end_matches('='), &format!("{KEY},CANARY"), ","] {
            let why = read(&[("JOTRACK_MASTER_KEY", wrong)]).unwrap_err();

            assert!(why.contains("JOTRACK_MASTER_KEY") && why.contains("32 bytes"), "{why}");
            assert!(!why.contains("CANARY") && !why.contains("AAEC"), "{why}");
        }
    }

    #[test]
    fn a_file_is_read_at_once_and_a_wrong_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let name = path.to_str().unwrap();
        let variable = [("JOTRACK_MASTER_KEY_FILE", name)];

        assert!(read(&variable).unwrap_err().contains("no such file"));
        std::fs::write(&path, format!("{KEY}\nCANARY\n")).unwrap();
        let why = read(&variable).unwrap_err();
        assert!(why.contains(name) && why.contains("line 2") && !why.contains("CANARY"), "{why}");
        std::fs::write(&path, KEY).unwrap();
        assert!(matches!(read(&variable), Ok(KeySource::File(_))));

        let both = [("JOTRACK_MASTER_KEY", KEY), ("JOTRACK_MASTER_KEY_FILE", name)];
        assert!(read(&both).unwrap_err().contains("both set"));
    }
}
