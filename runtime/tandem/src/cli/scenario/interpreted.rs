//! Projects in TypeScript and Python: the SDK in the project brings the builder, an interpreter runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Failure;
use super::language::Component;

/// In the program, so that scenarios can be built where there is no checkout. Says where the builder's own tools are,
/// and fetches them the first time.
const TOOLS: &str = include_str!("../../../../../scripts/guest-languages.sh");

/// How a language's projects are built.
struct Builder {
    /// As [`TOOLS`] calls it, and the SDK's folder.
    language: &'static str,
    /// What runs the builder.
    program: &'static str,
    /// Where that comes from.
    advice: &'static str,
    /// The builder, within the SDK's folder.
    script: &'static str,
    /// Tells the builder where its tools are.
    variable: &'static str,
    /// What it makes is linked when it is instantiated.
    links_late: bool,
}

pub fn build_typescript(project: &Path) -> Result<Component, Failure> {
    Builder {
        language: "typescript",
        program: "node",
        advice: "install Node.js 20 or newer",
        script: "build.mjs",
        variable: "TANDEM_GUEST_TYPESCRIPT",
        links_late: false,
    }
    .build(project)
}

pub fn build_python(project: &Path) -> Result<Component, Failure> {
    Builder {
        language: "python",
        program: "python3",
        advice: "install Python 3.9 or newer",
        script: "build.py",
        variable: "TANDEM_GUEST_PYTHON",
        links_late: true,
    }
    .build(project)
}

impl Builder {
    fn build(&self, project: &Path) -> Result<Component, Failure> {
        let sdk = project.join("sdk");
        let builder = sdk.join(self.language).join(self.script);
        if !builder.is_file() {
            return Err(Failure::NotFound(format!(
                "{} is missing: the SDK belongs to the project, as `tandem scenario new` makes it",
                builder.display()
            )));
        }
        let tools = match std::env::var_os(self.variable).filter(|named| !named.is_empty()) {
            Some(named) => PathBuf::from(named),
            None => self.tools(&sdk)?,
        };
        let mut command = Command::new(self.program);
        command.arg(&builder).arg(project).env(self.variable, tools);
        let file = PathBuf::from(self.last_line(command, self.program, self.advice)?);
        let mut bytes =
            std::fs::read(&file).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
        if self.links_late {
            // It runs as it is too: each call just begins later.
            match guest_build::merged(&bytes) {
                Ok(mut merged) => {
                    if let Err(why) = guest_build::settle(&mut merged) {
                        eprintln!("{}: calls copy more of its memory: {why}", file.display());
                    }
                    guest_build::replace(&file, &merged)
                        .map_err(|error| Failure::Failed(error.to_string()))?;
                    bytes = merged;
                }
                Err(why) => eprintln!("{} stays in parts, so calls begin later: {why}", file.display()),
            }
        }
        Ok(Component {
            hash: blake3::hash(&bytes).to_hex().to_string(),
            bytes: bytes.len(),
            file,
            up_to_date: false,
        })
    }

    /// The folder with the builder's tools.
    fn tools(&self, sdk: &Path) -> Result<PathBuf, Failure> {
        let sdk = std::path::absolute(sdk)?;
        let mut command = Command::new("bash");
        command
            .args(["-c", TOOLS, "guest-languages.sh", self.language])
            .env("TANDEM_SDK", sdk);
        let line = self.last_line(command, "bash", "install it by the means of your system")?;
        match line.split_once('=') {
            Some((_, folder)) => Ok(PathBuf::from(folder)),
            None => Err(Failure::Failed(format!("guest-languages.sh said {line:?}"))),
        }
    }

    /// The last line that a program prints, where all goes well; what it complains of is seen by whoever waits.
    fn last_line(&self, mut command: Command, program: &str, advice: &str) -> Result<String, Failure> {
        let output = command.stderr(Stdio::inherit()).output().map_err(|error| {
            Failure::Failed(match error.kind() {
                std::io::ErrorKind::NotFound => format!("there is no {program}: {advice}"),
                _ => format!("{program}: {error}"),
            })
        })?;
        if !output.status.success() {
            return Err(Failure::Failed(format!(
                "the scenario in {} was not built: why is above ({program}: {})",
                self.language, output.status
            )));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.map(str::to_owned)
            .ok_or_else(|| Failure::Failed(format!("{program} did not say what it made")))
    }
}
