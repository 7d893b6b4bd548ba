/** Redis, for what is compared with it: Debian's own, in memory only, on a free port of this machine's loopback. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { Failure, which } from "./process.mjs";
import { installPackages } from "./setup.mjs";

/** How long it may take to start, in milliseconds. */
const PATIENCE = 10_000;

/** @returns {Promise<{ port: number, stop: () => Promise<void> }>} it ends with this process, if it is not stopped before */
export async function startRedis() {
  const program = await installRedis();
  const port = await freePort();
  const nothingKept = ["--save", "", "--appendonly", "no", "--dir", tmpdir()];
  const child = spawn(program, ["--port", String(port), "--bind", "127.0.0.1", "--daemonize", "no", ...nothingKept], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    process.removeListener("exit", end);
    end();
    await ended;
  };
  try {
    await new Promise((resolve, reject) => {
      let log = "";
      const timer = setTimeout(() => give(`it was not ready after ${PATIENCE / 1000} s`), PATIENCE);
      const give = (/** @type {string} */ why) => {
        clearTimeout(timer);
        reject(new Failure(`${program} did not start: ${why}\n${log}`, "run it by hand to see why"));
      };
      child.once("error", (error) => give(error.message));
      child.once("exit", (code) => give(`exit code ${code}`));
      child.stdout.setEncoding("utf8").on("data", (text) => {
        log += text;
        if (!log.includes("Ready to accept connections")) return;
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  } catch (error) {
    end();
    throw error;
  }
  return { port, stop };
}

/** The path of `redis-server`. */
async function installRedis() {
  const remedy = "run `sudo apt-get update && sudo apt-get install -y redis-server`, or leave the row out with --only";
  if (!which("redis-server")) await installPackages("Redis, which a figure is compared with", ["redis-server"], remedy);
  const program = which("redis-server");
  if (!program) throw new Failure("redis-server is not on PATH after the installation", remedy);
  return program;
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
