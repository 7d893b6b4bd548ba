//! The command line. Invariant: one file a verb; a verb returns an error or has printed all it has to say. `main`
//! dispatches to it.

mod apply;
mod beside;
mod candidates;
mod compile;
mod data;
mod delta;
mod diff;
mod evaluate;
mod experiments;
mod features;
mod inspect;
mod keys;
mod list;
mod pack;
mod panel;
mod part;
mod publish;
mod publisher;
mod replay;
mod report;
mod rerank;
mod retrain;
mod rollback;
mod rules;
mod serve;
mod sign;
mod slice;
mod synth;
mod templates;
mod train;
mod verify;

use clap::{Parser, Subcommand};
use pocketrank_origin::error::Result;

/// Trains, measures and packs the snapshots by which pages are personalized on the device.
#[derive(Debug, Parser)]
#[command(
    name = "pocketrank",
    version,
    after_help = "Exit codes: 0 ok, 1 I/O or internal error, 2 wrong usage, 3 bad data or configuration, 4 invalid snapshot, delta or \
                  manifest, 5 somebody else published meanwhile."
)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Train(train::Train),
    Retrain(retrain::Retrain),
    Pack(pack::Pack),
    Evaluate(evaluate::Evaluate),
    Features(features::Features),
    Report(report::Report),
    Inspect(inspect::Inspect),
    Verify(verify::Verify),
    Synth(synth::Synth),
    Candidates(candidates::Candidates),
    Templates(templates::Templates),
    Rerank(rerank::Rerank),
    Replay(replay::Replay),
    Slice(slice::Slice),
    Experiments(experiments::ExperimentsVerb),
    Rules(rules::RulesVerb),
    Diff(diff::Diff),
    Apply(apply::Apply),
    Compile(compile::Compile),
    Keys(keys::Keys),
    Publish(publish::Publish),
    Sign(sign::Sign),
    Rollback(rollback::Rollback),
    Serve(serve::Serve),
}

impl Cli {
    /// Does what the command line asks for.
    pub fn run(self) -> Result<()> {
        match self.verb {
            Verb::Train(verb) => verb.run(),
            Verb::Retrain(verb) => verb.run(),
            Verb::Pack(verb) => verb.run(),
            Verb::Evaluate(verb) => verb.run(),
            Verb::Features(verb) => verb.run(),
            Verb::Report(verb) => verb.run(),
            Verb::Inspect(verb) => verb.run(),
            Verb::Verify(verb) => verb.run(),
            Verb::Synth(verb) => verb.run(),
            Verb::Candidates(verb) => verb.run(),
            Verb::Templates(verb) => verb.run(),
            Verb::Rerank(verb) => verb.run(),
            Verb::Replay(verb) => verb.run(),
            Verb::Slice(verb) => verb.run(),
            Verb::Experiments(verb) => verb.run(),
            Verb::Rules(verb) => verb.run(),
            Verb::Diff(verb) => verb.run(),
            Verb::Apply(verb) => verb.run(),
            Verb::Compile(verb) => verb.run(),
            Verb::Keys(verb) => verb.run(),
            Verb::Publish(verb) => verb.run(),
            Verb::Sign(verb) => verb.run(),
            Verb::Rollback(verb) => verb.run(),
            Verb::Serve(verb) => verb.run(),
        }
    }
}
