/**
 * `npm run fuzz`: each target of tests/fuzz for a bounded time, one after another. Begins with what earlier runs found to be
 * worth trying, in tests/fuzz/corpus, and with the inputs that tests/crashers.rs replays.
 *
 * Usage: npm run fuzz [-- --seconds N] [--only NAME,...]
 */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { Failure, main, root, run, say, which } from "./process.mjs";
import { installTool } from "./setup.mjs";

const version = "0.13.2";
const fuzz = join(root, "tests/fuzz");

/** @param {string} target @param {number} time seconds @param {Record<string, string>} env */
async function search(target, time, env) {
  const found = join(fuzz, "corpus", target);
  const replayed = `tests/fixtures/crashers/${target}`;
  mkdirSync(found, { recursive: true });
  const folders = [found, join(root, replayed)].filter((folder) => existsSync(folder));
  // The runtime has no unsafe code: what is looked for are panics, overflows and inputs that take seconds. Without a sanitizer the
  // compiler in use will do, and the runs are fast.
  const options = ["--fuzz-dir", fuzz, "--target-dir", join(root, "target/fuzz"), "--sanitizer", "none"];
  await run("cargo", ["fuzz", "run", ...options, target, ...folders, "--", `-max_total_time=${time}`, "-timeout=10", "-print_final_stats=1"], {
    env,
    remedy: `if it crashed, the input is the newest file in tests/fuzz/artifacts/${target}: copy it to ${replayed} under a name that says
what it is, mend the code until \`cargo test -p pocketrank --features pack,sign --test suite crashers\` passes, and commit both`,
  });
}

await main(async () => {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" }, only: { type: "string" } } });
  const time = Number(values.seconds);
  if (!Number.isInteger(time) || time < 1) throw new Failure(`--seconds ${values.seconds} is not a number from 1`);
  const all = readdirSync(join(fuzz, "fuzz_targets")).map((file) => file.replace(".rs", ""));
  const targets = values.only?.split(",") ?? all;
  const unknown = targets.find((target) => !all.includes(target));
  if (unknown !== undefined) throw new Failure(`there is no target \`${unknown}\``, `the targets are ${all.join(", ")}`);
  if (!which("cargo")) throw new Failure("cargo was not found on PATH", "install Rust from https://rustup.rs, open a new shell and run this again");
  const tool = await installTool("cargo-fuzz", "cargo-fuzz", version, ["cargo-fuzz"]);
  const env = { PATH: [tool, process.env.PATH].join(delimiter) };
  for (const target of targets) {
    say(`fuzz  ${target}, ${time} s`);
    await search(target, time, env);
  }
  say(`fuzz  ${targets.length} targets for ${time} s each, nothing found`);
});
