//! `studio doctor`: looks at a data directory and the studio on it, and says what is wrong and what to do.
//!
//! Nothing is changed: the database is opened for reading only, whatever its version, and a studio may run on it.

mod bytes;
mod database;
mod findings;
mod models;
mod online;
mod places;
mod tls;

use std::path::PathBuf;

use clap::Args;
use reqwest::Url;

use super::Exit;
use super::connect::ConnectArgs;
use super::output::{Output, printable};
use crate::model_files::public_url;
use crate::settings::TlsFiles;
use findings::{Findings, Level};

/// What to look at, beside the data directory.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Also read everything that is stored and compare its hashes, and every index of the database
    #[arg(long)]
    deep: bool,
    /// The certificate chain that the studio serves with, PEM
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key, PEM
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The address that workers are told, to see whether it answers
    #[arg(long, value_name = "URL", env = "STUDIO_PUBLIC_URL", value_parser = public_url)]
    public_url: Option<String>,
}

/// Looks at everything; an error that stops one check does not stop the others.
pub async fn run(connect: &ConnectArgs, args: &DoctorArgs, out: Output) -> anyhow::Result<Exit> {
    let data_dir = connect.data_dir()?;
    let mut findings = Findings::default();
    places::look(&data_dir, &mut findings);
    database::look(&data_dir, args.deep, &mut findings).await;
    if let Err(error) = models::look(&data_dir, args.deep, &mut findings).await {
        findings.fail("models", format!("{error:#}"), "make the folder readable for this user");
    }
    if let Some((cert, key)) = args.tls_cert.clone().zip(args.tls_key.clone()) {
        tls::look(&TlsFiles { cert, key }, &mut findings);
    }
    online::look(connect, args.public_url.as_deref(), &mut findings).await;
    let worst = findings.worst();
    let report = serde_json::json!({ "dataDir": data_dir, "level": worst, "findings": findings.all() });
    out.show(&report, || {
        let lines = findings.all().iter().map(|finding| printable(&finding.to_string()).replace('\n', " "));
        format!("{}\n{}", data_dir.display(), lines.collect::<Vec<_>>().join("\n"))
    })?;
    Ok(if worst == Level::Fail { Exit::Unwell } else { Exit::Done })
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    url.origin().ascii_serialization()
}
