//! `gatewright actions`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `gatewright actions`.
#[derive(Debug, Args)]
pub struct ActionsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: ActionsCommand,
}

/// `gatewright actions …`.
#[derive(Debug, Subcommand)]
pub enum ActionsCommand {
    /// Run an action or a rule from a file, without a server, and say what it would have done
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<ActionsRunArgs>),
}

const RUN_EXAMPLES: &str = "The event is JSON: the event itself, or an object that has it as `event`. For a rule it holds user and context.
Nothing is asked of the outside. What a script asks for is answered from the file of --answers, an array of
  {\"url\": \"https://api.example/\", \"status\": 200, \"body\": {\"a\": 1}}    for requests to URLs that begin so
  {\"call\": \"roles.getUserEffectiveRoles\", \"value\": {\"roles\": []}}     for other calls

Exit status: 0 the script ran, 1 it failed or could not be run.

Examples:
  gatewright actions run claims.js
  gatewright actions run claims.js --print-event > event.json
  gatewright actions run claims.js --event event.json --secrets API_KEY=abc --watch
  gatewright actions run machine.js --trigger credentials-exchange --json
  gatewright actions run rule.js --rule --event login.json --answers answers.json";

/// `gatewright actions run`.
#[derive(Clone, Debug, Default, Args)]
pub struct ActionsRunArgs {
    /// The script
    pub file: PathBuf,
    /// What it is told [default: a made-up event of the trigger]
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// The trigger [default: the one whose export the file has, or post-login]
    #[arg(long, value_name = "ID")]
    pub trigger: Option<String>,
    /// Go on after a redirect or a challenge: calls onContinue…
    #[arg(long)]
    pub resume: bool,
    /// It is a rule: function (user, context, callback)
    #[arg(long, conflicts_with_all = ["trigger", "resume"])]
    pub rule: bool,
    /// A secret (configuration, for a rule); may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_and_value)]
    pub secrets: Vec<(String, String)>,
    /// A folder of modules that the script can require by file name
    #[arg(long, value_name = "FOLDER")]
    pub modules: Option<PathBuf>,
    /// What the outside answers
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Run again whenever one of the files changes
    #[arg(long)]
    pub watch: bool,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    pub json: bool,
    /// Print the event instead of running anything
    #[arg(long)]
    pub print_event: bool,
}
